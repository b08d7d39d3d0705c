--- What a tool is called with: one line of JSON, pre-filled with what it was called with last or an example.
local M = {}

local function tell(...)
  require('skillyard').tell(...)
end

--- Reads what was typed.
---@param text string
---@return any value
---@return string? why it is not taken
function M.read(text)
  local ok, value = pcall(vim.json.decode, text)
  if not ok then
    -- Without the place in this file that Lua puts in front.
    return nil, ('it is no JSON: %s'):format((tostring(value):gsub('^[^:]*:%d+: ', '')))
  end
  -- Numbers are doubles here, and what is called with another number than was typed would be a quiet mistake.
  local bare = text:gsub('\\.', ''):gsub('"[^"]*"', '""')
  for number in bare:gmatch('%-?%d[%d.eE+-]*') do
    local digits = number:gsub('[eE].*$', ''):gsub('[-.]', ''):gsub('^0+', '')
    if #digits > 15 and digits:gsub('0+$', '') ~= ('%.17g'):format(tonumber(number)):gsub('[eE].*$', ''):gsub('[-.]', ''):gsub('^0+', ''):gsub('0+$', '') then
      return nil, ('Neovim cannot send %s exactly: use `skillyard run --input`'):format(number)
    end
  end
  return value
end

--- Asks for the input of a tool.
---@param before string What stands there first.
---@param prompt string
---@param took fun(text: string, value: any)
local function ask(before, prompt, took)
  vim.ui.input({ prompt = prompt, default = before }, function(text)
    if not text then
      return
    end
    local value, why = M.read(text)
    if why then
      tell(why, vim.log.levels.WARN)
      -- What was typed is kept.
      return vim.schedule(function()
        ask(text, prompt, took)
      end)
    end
    took(text, value)
  end)
end

---@param client vim.lsp.Client
---@param buffer integer
---@param tool string
---@param more table
local function execute(client, buffer, tool, more)
  local argument = vim.tbl_extend('error', { uri = vim.uri_from_bufnr(buffer), tool = tool }, more)
  require('skillyard.requests').execute(client, buffer, {
    command = 'skillyard.runTool',
    title = 'Run Tool ' .. tool,
    arguments = { argument },
  })
end

--- Calls a tool with `text`, or with what the person makes of the example.
---@param client vim.lsp.Client
---@param buffer integer The manifest's.
---@param tool string
---@param text string?
function M.run_tool(client, buffer, tool, text)
  if text then
    local value, why = M.read(text)
    if why then
      return tell(why, vim.log.levels.ERROR)
    end
    return execute(client, buffer, tool, { input = value })
  end
  local params = { uri = vim.uri_from_bufnr(buffer), tool = tool }
  require('skillyard.requests').request(client, 'skillyard/exampleInput', params, function(failed, example)
    require('skillyard.attach').refresh(buffer)
    if failed then
      return tell(('Run Tool %s: %s'):format(tool, failed.message), vim.log.levels.ERROR)
    end
    local before = vim.json.encode(example.input):gsub('\\/', '/')
    local prompt = ('Input of %s (%s): '):format(tool, example.remembered and 'as last time' or 'an example')
    ask(before, prompt, function(typed, value)
      -- What was left as it is the server has, and exactly.
      execute(client, buffer, tool, typed == before and {} or { input = value })
    end)
  end, buffer)
end

return M
