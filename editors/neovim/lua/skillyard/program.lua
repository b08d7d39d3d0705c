--- What the program does on its own, without the language server: called, and its JSON read.
local M = {}

--- Calls the program.
---@param arguments string[]
---@param done fun(report: any, text: string) With the JSON that it printed, or nil and its own text.
function M.call(arguments, done)
  local path, why = require('skillyard.server').program()
  if not path then
    return require('skillyard.server').tell_missing(why)
  end
  local call = vim.list_extend({ path }, arguments)
  local ok, failed = pcall(vim.system, call, { text = true, stdin = false }, function(ended)
    vim.schedule(function()
      local read, report = pcall(vim.json.decode, ended.stdout or '', { luanil = { object = true, array = true } })
      if not read or type(report) ~= 'table' then
        report = nil
      end
      local text = vim.trim((ended.stderr or '') ~= '' and ended.stderr or (ended.stdout or ''))
      done(report, text ~= '' and text or ('it ended with code %d'):format(ended.code))
    end)
  end)
  if not ok then
    require('skillyard').tell(('%s: %s'):format(path, failed), vim.log.levels.ERROR)
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
