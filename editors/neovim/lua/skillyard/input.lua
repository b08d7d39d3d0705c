--- What a tool is called with: one line of JSON, pre-filled with what it was called with last or an example.
local M = {}

local function tell(...)
  require('skillyard').tell(...)
end

--- A number as its sign, the digits that count and the power of ten behind them: the same for the same number.
---@param number string As JSON has it.
---@return string
local function normal(number)
  local sign, whole, part, power = number:match('^(%-?)(%d+)%.?(%d*)[eE]?([+-]?%d*)$')
  if not whole then
    return number
  end
  local digits, places = whole .. part, #part
  local bare = digits:gsub('0+$', '')
  power = (tonumber(power) or 0) - places + (#digits - #bare)
  bare = bare:gsub('^0+', '')
  return bare == '' and '0' or ('%s%se%d'):format(sign, bare, power)
end

--- Whether a number arrives as it was typed. Neovim reads and writes JSON's numbers as doubles.
---@param number string
---@return boolean
local function arrives(number)
  local ok, sent = pcall(function()
    return vim.json.encode(vim.json.decode(number))
  end)
  return ok and normal(sent) == normal(number)
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
  -- A call with another number than was typed would be a quiet mistake.
  local bare = text:gsub('\\.', ''):gsub('"[^"]*"', '""')
  for number in bare:gmatch('%-?%d[%d.eE+-]*') do
    if not arrives(number) then
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
    title = 'Run Tool ' .. require('skillyard.shown').name(tool),
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
      return tell(('Run Tool: %s'):format(failed.message), vim.log.levels.ERROR)
    end
    local before = vim.json.encode(example.input):gsub('\\/', '/')
    local prompt = ('Input of %s (%s): '):format(
      require('skillyard.shown').name(tool),
      example.remembered and 'as last time' or 'an example'
    )
    ask(before, prompt, function(typed, value)
      -- What was left as it is the server has, and exactly.
      execute(client, buffer, tool, typed == before and {} or { input = value })
    end)
  end, buffer)
end

return M
