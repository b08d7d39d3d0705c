--- What a manifest's buffer gets when the server attaches: lenses, and a key that runs them.
local M = {}

--- The last request for a buffer's lenses.
---@type table<integer, integer>
local asked = {}

--- Whether Neovim keeps lenses by itself once it is asked to, as 0.12 does.
---@return boolean
local function keeps()
  return vim.lsp.codelens.enable ~= nil
end

--- The lenses that a buffer has.
---@param buffer integer
---@return lsp.CodeLens[]
function M.lenses(buffer)
  if not keeps() then
    return vim.lsp.codelens.get(buffer)
  end
  return vim.tbl_map(function(found)
    return found.lens
  end, vim.lsp.codelens.get({ bufnr = buffer }))
end

--- Asks for a buffer's lenses and shows them.
---
--- `vim.lsp.codelens.refresh` would ask for no lenses of this buffer any more after a server that died without an answer.
---@param buffer integer
function M.refresh(buffer)
  local wanted = require('skillyard').options().lenses and vim.api.nvim_buf_is_loaded(buffer)
  local client = wanted and require('skillyard.server').client(buffer)
  if not client or not client.server_capabilities.codeLensProvider then
    return
  end
  if keeps() then
    -- As if the server had said that lenses are others now: with a file that was built or packaged they are. Not from
    -- another window, which Neovim 0.12 would scroll for the lens above the first line; they are asked for on the way back.
    if vim.api.nvim_get_current_buf() == buffer then
      vim.lsp.handlers['workspace/codeLens/refresh'](nil, nil, { client_id = client.id })
    end
    return
  end
  local params = { textDocument = vim.lsp.util.make_text_document_params(buffer) }
  local this
  local function on_lenses(failed, lenses, context)
    -- What was asked for meanwhile shows the lenses of a later text.
    if not failed and asked[buffer] == this then
      vim.lsp.codelens.on_codelens(nil, lenses, context)
    end
  end
  local _, id = require('skillyard.requests').request(client, 'textDocument/codeLens', params, on_lenses, buffer)
  this = id
  asked[buffer] = id
end

---@param buffer integer
---@param group integer
local function lenses(buffer, group)
  vim.api.nvim_clear_autocmds({ group = group, buffer = buffer })
  local events = { 'BufEnter', 'BufWritePost' }
  if keeps() then
    -- Not for the client alone: Neovim would keep the lenses of one that ended.
    vim.lsp.codelens.enable(true, { bufnr = buffer })
  else
    vim.list_extend(events, { 'InsertLeave', 'TextChanged' })
  end
  vim.api.nvim_create_autocmd(events, {
    group = group,
    buffer = buffer,
    callback = function(event)
      M.refresh(event.buf)
    end,
  })
  if not keeps() then
    M.refresh(buffer)
  end
end

---@param buffer integer
---@param key string
local function map(buffer, key)
  -- A mapping of the person's own goes first.
  local taken = vim.fn.maparg(key, 'n', false, true)
  if vim.tbl_isempty(taken) or taken.desc == 'vim.lsp.codelens.run()' then
    vim.keymap.set(
      'n',
      key,
      '<Plug>(skillyard-lens)',
      { buffer = buffer, desc = 'Skillyard: run the lens of this line' }
    )
  end
end

--- Waits for the server to attach.
---@param group integer
function M.on(group)
  local of_buffers = vim.api.nvim_create_augroup('skillyard.lenses', { clear = true })
  local function attached(buffer, client)
    local options = require('skillyard').options()
    if not client or client.name ~= require('skillyard.server').NAME or not options.lenses then
      return
    end
    local provides = client.server_capabilities and client.server_capabilities.codeLensProvider
    if provides then
      lenses(buffer, of_buffers)
      if options.lens_key then
        map(buffer, options.lens_key)
      end
    end
  end
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      attached(event.buf, vim.lsp.get_client_by_id(event.data.client_id))
    end,
  })
  for _, client in ipairs(vim.lsp.get_clients({ name = require('skillyard.server').NAME })) do
    for buffer in pairs(client.attached_buffers or {}) do
      attached(buffer, client)
    end
  end
end

return M
