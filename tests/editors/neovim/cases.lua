-- An author has cases run that never end, ends them, and leaves while they run once more.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
author.wait_for_server()
local processes = {}
local system = vim.system
vim.system = function(...)
  local process = system(...)
  table.insert(processes, process)
  author.say('process ' .. process.pid)
  return process
end

vim.cmd('Skillyard test')
author.wait_for('the call', function()
  return #processes == 1
end)
vim.cmd('Skillyard cancel')
author.wait_for('the end', function()
  return author.was_told('Test was cancelled')
end)
vim.cmd('Skillyard cancel')
author.check('nothing left', author.was_told('nothing is under way'))

vim.cmd('Skillyard test')
author.check('the call', #processes == 2 and vim.uv.kill(processes[2].pid, 0) == 0)
author.leave()
