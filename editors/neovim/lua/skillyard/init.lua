--- The plug-in's options, and what starts it.
---
--- Options come from `vim.g.skillyard` and from `setup()`, which are the person's own. Nothing of a workspace is read: no
--- variable of a buffer, no settings file. What names a program must not come from files of others.
local M = {}

---@class skillyard.Options
---@field server string? Absolute path of `skillyard`; without it PATH is searched, then mason's folder.
---@field enable boolean? Whether the language server is started for manifests.
---@field report 'split'|'vsplit'|'tab'|'float'? Where reports open.
---@field lenses boolean? Whether lenses are shown.
---@field lens_key string|false? The key that runs the lens of a line, in manifests.
---@field progress boolean? Whether progress is echoed while a command runs.
---@field restart boolean? Whether a server that died is started again.
local defaults = {
  enable = true,
  report = 'split',
  lenses = true,
  lens_key = 'grx',
  progress = true,
  restart = true,
}

local kinds = {
  server = { 'string' },
  enable = { 'boolean' },
  report = { 'string' },
  lenses = { 'boolean' },
  lens_key = { 'string', 'boolean' },
  progress = { 'boolean' },
  restart = { 'boolean' },
}
local places = { split = true, vsplit = true, tab = true, float = true }

---@type skillyard.Options
local given = {}

--- Says something to the person.
---@param text string
---@param level integer?
function M.tell(text, level)
  vim.notify('Skillyard: ' .. text, level or vim.log.levels.INFO, { title = 'Skillyard' })
end

--- What is wrong with options, a line each.
---@param options any
---@return string[]
local function faults(options)
  if type(options) ~= 'table' then
    return { 'the options are no table' }
  end
  local found = {}
  for name, value in pairs(options) do
    local allowed = kinds[name]
    if not allowed then
      table.insert(found, ('there is no option `%s`'):format(tostring(name)))
    elseif not vim.tbl_contains(allowed, type(value)) then
      table.insert(found, ('`%s` is no %s'):format(name, table.concat(allowed, ' and no ')))
    elseif name == 'report' and not places[value] then
      table.insert(found, '`report` is none of split, vsplit, tab, float')
    elseif name == 'lens_key' and value == true then
      table.insert(found, '`lens_key` is a key, or false')
    end
  end
  table.sort(found)
  return found
end

--- What is wrong with the options that are set, a line each.
---@return string[]
function M.faults()
  local found = faults(vim.g.skillyard or {})
  vim.list_extend(found, faults(given))
  return found
end

--- The options that count. What is wrong is left out; `:checkhealth skillyard` names it.
---@return skillyard.Options
function M.options()
  local options = vim.deepcopy(defaults)
  for _, source in ipairs({ vim.g.skillyard or {}, given }) do
    for name, value in pairs(type(source) == 'table' and source or {}) do
      if #faults({ [name] = value }) == 0 then
        options[name] = value
      end
    end
  end
  return options
end

--- Sets options. May be called before or after the plug-in is loaded, or never.
---@param options skillyard.Options?
function M.setup(options)
  given = options or {}
  for _, fault in ipairs(faults(given)) do
    M.tell(fault .. ' (:help skillyard-options)', vim.log.levels.WARN)
  end
  if type(given) ~= 'table' then
    given = {}
  end
  M.enable()
end

--- Starts the server for manifests, those that are open and those to come.
function M.enable()
  if vim.fn.has('nvim-0.10') == 0 then
    return M.tell('it needs Neovim 0.10 or newer', vim.log.levels.WARN)
  end
  local group = vim.api.nvim_create_augroup('skillyard', { clear = true })
  require('skillyard.attach').on(group)
  local server = require('skillyard.server')
  local enable = M.options().enable
  if vim.lsp.enable then
    vim.lsp.enable(server.NAME, enable)
  elseif enable then
    -- Neovim 0.10, which has no configurations of its own.
    vim.api.nvim_create_autocmd('FileType', {
      group = group,
      pattern = 'toml',
      callback = function(event)
        server.start(event.buf)
      end,
    })
  end
  if not enable then
    return
  end
  -- Who loads plug-ins late, by the filetype say, has manifests open by now.
  local revive = vim.schedule_wrap(server.revive)
  revive()
  if vim.v.vim_did_enter == 0 then
    vim.api.nvim_create_autocmd('VimEnter', { group = group, once = true, callback = revive })
  end
end

return M
