--- Commands that the server carries out: sent, watched, ended early, and their reports shown.
---
--- Lenses, code actions and `:Skillyard` all come through here.
local M = {}

local EXECUTE = 'workspace/executeCommand'
local CANCELLED = -32800

---@class skillyard.Request
---@field client vim.lsp.Client
---@field buffer integer The manifest's.
---@field id integer? The request's number, to cancel it.
---@field token string Where its progress goes.
---@field title string
---@field said { message: string, type: integer }[] What the server said meanwhile.

--- What is under way, by the progress token.
---@type table<string, skillyard.Request>
local under_way = {}
local made = 0

local function tell(...)
  require('skillyard').tell(...)
end

--- Sends a request, as this Neovim wants it.
---@return boolean, integer?
local function request(client, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client:request(...)
  end
  return client.request(...)
end
M.request = request

--- One line that does not make Neovim ask for a key.
---@param text string
local function fitting(text)
  text = text:gsub('%s+', ' ')
  local room = math.max(vim.v.echospace - vim.api.nvim_strwidth('Skillyard: ') - 1, 20)
  if vim.api.nvim_strwidth(text) <= room then
    return text
  end
  return vim.fn.strcharpart(text, 0, room - 1) .. '…'
end

local levels = { vim.log.levels.ERROR, vim.log.levels.WARN }

---@param known skillyard.Request
local function tell_cancelled(known)
  under_way[known.token] = nil
  require('skillyard.attach').refresh(known.buffer)
  tell(known.title .. ' was cancelled')
end

--- Watches what is under way: its progress is shown, and its end seen.
local function watch()
  local group = vim.api.nvim_create_augroup('skillyard.requests', { clear = true })
  -- Neovim keeps the answer to a request that was cancelled to itself, but for this event.
  vim.api.nvim_create_autocmd('LspRequest', {
    group = group,
    callback = function(event)
      local data = event.data
      for token, known in pairs(under_way) do
        local same = known.client.id == data.client_id and known.id == data.request_id
        if same and data.request.type == 'complete' then
          -- Any other answer is handled first.
          vim.schedule(function()
            if under_way[token] then
              tell_cancelled(known)
            end
          end)
        end
      end
    end,
  })
  vim.api.nvim_create_autocmd('LspProgress', {
    group = group,
    callback = function(event)
      local params = event.data.params
      local known = under_way[params.token]
      local value = params.value
      if not known or value.kind == 'end' or not require('skillyard').options().progress then
        return
      end
      local parts = { 'Skillyard:', known.title }
      if value.percentage then
        table.insert(parts, ('%d%%'):format(value.percentage))
      end
      table.insert(parts, value.message)
      table.insert(parts, '(:Skillyard cancel ends it)')
      vim.api.nvim_echo({ { fitting(table.concat(parts, ' ')) } }, false, {})
    end,
  })
end

--- Whether a report says that all is well.
---@param report table
---@return boolean
local function fine(report)
  for _, name in ipairs({ 'accepted', 'passed', 'installed' }) do
    if type(report[name]) == 'boolean' then
      return report[name]
    end
  end
  return report.outcome == nil or report.outcome == 'ok'
end

--- Has the server carry out a command, and shows its report.
---@param client vim.lsp.Client
---@param buffer integer The manifest's.
---@param command { command: string, title: string, arguments: any[] }
---@param done fun(error: lsp.ResponseError?, report: table?)?
function M.execute(client, buffer, command, done)
  watch()
  made = made + 1
  local token = ('skillyard.nvim/%d'):format(made)
  local title = command.title or command.command
  local known = { client = client, buffer = buffer, token = token, title = title, said = {} }
  under_way[token] = known
  local params = { command = command.command, arguments = command.arguments, workDoneToken = token }
  local sent, id = request(client, EXECUTE, params, function(failed, report)
    under_way[token] = nil
    if failed then
      if failed.code == CANCELLED then
        tell_cancelled(known)
      else
        tell(('%s: %s'):format(title, failed.message), vim.log.levels.ERROR)
      end
    elseif type(report) == 'table' and type(report.markdown) == 'string' then
      require('skillyard.report').open({ title = title, markdown = report.markdown, fine = fine(report) })
    end
    -- A lens that runs is taken away by Neovim. Once the report is open, for where that is decides what is asked.
    require('skillyard.attach').refresh(buffer)
    for _, said in ipairs(known.said) do
      -- All of it stands in the report.
      vim.notify(fitting(said.message), levels[said.type] or vim.log.levels.INFO, { title = 'Skillyard' })
    end
    if done then
      done(failed, report)
    end
  end, buffer)
  known.id = id
  if not sent then
    under_way[token] = nil
    tell('the server does not listen; :Skillyard restart starts it again', vim.log.levels.ERROR)
  end
end

--- Ends what is under way early; whether anything was.
---@return boolean
function M.cancel()
  local any = false
  for _, known in pairs(under_way) do
    any = true
    if vim.fn.has('nvim-0.11') == 1 then
      known.client:notify('$/cancelRequest', { id = known.id })
    else
      known.client.notify('$/cancelRequest', { id = known.id })
    end
  end
  return any
end

--- Forgets what ended with its server.
---@param id integer The client's.
function M.forget(id)
  for token, known in pairs(under_way) do
    if known.client.id == id then
      under_way[token] = nil
      vim.schedule(function()
        tell(known.title .. ' ended with the server', vim.log.levels.ERROR)
      end)
    end
  end
end

--- The client that a command was offered by.
local function client_of(context)
  return vim.lsp.get_client_by_id(context.client_id)
end

local function plainly(command, context)
  local client = client_of(context)
  if client then
    M.execute(client, context.bufnr, command)
  end
end

--- For the client's configuration: what lenses and actions call.
M.commands = {
  ['skillyard.packageAndSign'] = plainly,
  ['skillyard.verify'] = plainly,
  ['skillyard.audit'] = plainly,
  ['skillyard.install'] = plainly,
  ['skillyard.runTool'] = function(command, context)
    local client = client_of(context)
    if client then
      require('skillyard.input').run_tool(client, context.bufnr, command.arguments[1].tool)
    end
  end,
}

--- For the client's configuration.
M.handlers = {
  ['window/showMessage'] = function(failed, params, context)
    for _, known in pairs(under_way) do
      if known.client.id == context.client_id then
        table.insert(known.said, params)
        return
      end
    end
    return vim.lsp.handlers['window/showMessage'](failed, params, context)
  end,
}

return M
