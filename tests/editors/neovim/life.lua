-- A server that is killed comes back, with what it shows; one that dies again and again is left until it is asked for.

local author = dofile(vim.env.SITTINGS .. '/author.lua')

local function process()
  return vim.api.nvim_get_proc_children(vim.fn.getpid())[1]
end

local function kill()
  author.wait_for_server()
  local id = author.client().id
  vim.uv.kill(process(), 'sigkill')
  author.wait_for('its end', function()
    return vim.lsp.get_client_by_id(id) == nil
  end)
end

-- It dies with a question unanswered.
author.wait_for_server()
author.wait_for('the lenses', function()
  return #author.lenses() > 0
end)
local count = #author.lenses()
vim.uv.kill(process(), 'sigstop')
require('skillyard.attach').refresh(0)
kill()
if not vim.lsp.codelens.enable then
  vim.lsp.codelens.clear(nil, 0)
end
author.wait_for_server()
author.check('it is said', author.was_told('ended with signal 9 and is started again'))
author.wait_for('the lenses', function()
  return #author.lenses() > 0
end)
author.wait_for('the diagnostic', function()
  return #vim.diagnostic.get(0) > 0
end)
for _ = 1, 4 do
  kill()
end
author.wait_for('the end of it', function()
  return author.was_told('ended 5 times')
end)
author.check('none runs', process() == nil)
vim.cmd('Skillyard audit')
author.check('a hint', author.was_told(':Skillyard restart starts it'))
vim.cmd('Skillyard restart')
author.wait_for_server()
local id = author.client().id
vim.cmd('Skillyard restart')
author.wait_for('another', function()
  return author.client() and author.client().id ~= id
end)
author.wait_for('the lenses, each once', function()
  return #author.lenses() == count
end)

-- Who stops it means it.
id = author.client().id
author.told = {}
local client = author.client()
if vim.fn.has('nvim-0.11') == 1 then
  client:stop(true)
else
  client.stop(true)
end
author.wait_for('its end', function()
  return vim.lsp.get_client_by_id(id) == nil
end)
author.check('not started again', not author.was_told('started again'))
author.leave()
