--- What a tool is called with: one line of JSON, pre-filled with what it was called with last or an example.
local M = {}

local function tell(...)
  require('skillyard').tell(...)
end

--- Why what was typed is not taken. It goes to the server as it stands there: Neovim reads JSON's numbers as doubles.
---@param text string
---@return string?
function M.fault(text)
  local ok, why = pcall(vim.json.decode, text)
  if not ok then
    -- Without the place in this file that Lua puts in front.
    return ('it is no JSON: %s'):format((tostring(why):gsub('^[^:]*:%d+: ', '')))
  end
end

--- Asks for the input of a tool.
---@param before string What stands there first.
---@param prompt string
---@param took fun(text: string)
local function ask(before, prompt, took)
  vim.ui.input({ prompt = prompt, default = before }, function(text)
    if not text then
      return
    end
    local why = M.fault(text)
    if why then
      tell(why, vim.log.levels.WARN)
      -- What was typed is kept.
      return vim.schedule(function()
        ask(text, prompt, took)
      end)
    end
    took(text)
  end)
end

---@param client vim.lsp.Client
---@param buffer integer
---@param tool string
---@param text string
local function execute(client, buffer, tool, text)
  local argument = { uri = vim.uri_from_bufnr(buffer), tool = tool, inputText = text }
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
    local why = M.fault(text)
    if why then
      return tell(why, vim.log.levels.ERROR)
    end
    return execute(client, buffer, tool, text)
  end
  local params = { uri = vim.uri_from_bufnr(buffer), tool = tool }
  require('skillyard.requests').request(client, 'skillyard/exampleInput', params, function(failed, example)
    require('skillyard.attach').refresh(buffer)
    if failed then
      return tell(('Run Tool: %s'):format(failed.message), vim.log.levels.ERROR)
    end
    local prompt = ('Input of %s (%s): '):format(
      require('skillyard.shown').name(tool),
      example.remembered and 'as last time' or 'an example'
    )
    ask(example.text, prompt, function(typed)
      execute(client, buffer, tool, typed)
    end)
  end, buffer)
end

return M
