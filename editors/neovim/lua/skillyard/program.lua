--- What the program does on its own, without the language server: called, and its JSON read.
local M = {}

--- The calls that can be ended early.
---@type table<{ title: string, cancelled: boolean, process: vim.SystemObj? }, true>
local under_way = {}

--- Ends the calls that can be ended early; whether there were any.
---@return boolean
function M.cancel()
  local any = false
  for known in pairs(under_way) do
    any = true
    known.cancelled = true
    known.process:kill('sigterm')
  end
  return any
end

--- Calls the program.
---@param arguments string[]
---@param done fun(report: any, text: string) With the JSON that it printed, or nil and its own text.
---@param title string? What it does, where that can be ended early: by `:Skillyard cancel`, and with the editor.
function M.call(arguments, done, title)
  local path, why = require('skillyard.server').program()
  if not path then
    return require('skillyard.server').tell_missing(why)
  end
  local call = vim.list_extend({ path }, arguments)
  local known = { title = title, cancelled = false }
  local ok, made = pcall(vim.system, call, { text = true, stdin = false }, function(ended)
    under_way[known] = nil
    vim.schedule(function()
      if known.cancelled then
        return require('skillyard').tell(title .. ' was cancelled')
      end
      local read, report = pcall(vim.json.decode, ended.stdout or '', { luanil = { object = true, array = true } })
      if not read or type(report) ~= 'table' then
        report = nil
      end
      local text = vim.trim((ended.stderr or '') ~= '' and ended.stderr or (ended.stdout or ''))
      -- What was refused has no report, and the document says why.
      if report and type(report.error) == 'string' then
        text = report.error
      end
      done(report, text ~= '' and text or ('it ended with code %d'):format(ended.code))
    end)
  end)
  if not ok then
    require('skillyard').tell(('%s: %s'):format(path, made), vim.log.levels.ERROR)
  elseif title then
    known.process = made
    under_way[known] = true
    vim.api.nvim_create_autocmd('VimLeavePre', {
      group = vim.api.nvim_create_augroup('skillyard.program', { clear = true }),
      callback = function()
        M.cancel()
      end,
    })
  end
end

--- Calls the program and waits, for completion and `:checkhealth`; nil where that fails or takes long.
---@param arguments string[]
---@param wait integer Milliseconds.
---@return string?
function M.output(arguments, wait)
  local path = require('skillyard.server').program()
  if not path then
    return nil
  end
  local ok, ended = pcall(function()
    return vim.system(vim.list_extend({ path }, arguments), { text = true, stdin = false }):wait(wait)
  end)
  -- Some reports end with 1, since they have findings.
  return ok and (ended.code == 0 or ended.code == 1) and ended.stdout or nil
end

local rules

--- Every rule of the program, as `skillyard explain --list` has them.
---@return { code: string, summary: string, page: string }[]
function M.rules()
  if not rules then
    local text = M.output({ 'explain', '--list', '--format', 'json' }, 5000)
    local ok, report = pcall(vim.json.decode, text or '')
    rules = ok and type(report) == 'table' and report.rules or nil
  end
  return rules or {}
end

return M
