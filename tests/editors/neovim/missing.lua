-- No server is found: it is said once, whatever is asked for says it too, and nothing breaks.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
author.wait_for('the message', function()
  -- The plug-in may have said it before this file was read.
  return author.was_told('there is no `skillyard` on PATH')
    or vim.fn.execute('messages'):find('there is no `skillyard`', 1, true)
end)
local first = #author.told
vim.cmd.edit()
author.check('once', #author.told == first)
-- Nor does a variable of a buffer or a window name a program.
vim.b.skillyard = { server = vim.env.SKILLYARD }
vim.w.skillyard = { server = vim.env.SKILLYARD }
for _, asked in ipairs({ 'audit', 'package', 'verify', 'run', 'test', 'explain', 'new acme.a wat made', 'restart' }) do
  author.told = {}
  vim.cmd('Skillyard ' .. asked)
  author.check(asked, author.was_told('cargo install'))
end
author.check('still TOML', vim.bo.filetype == 'toml')
vim.cmd('checkhealth skillyard')
author.say(table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n'))

-- Named, it is found; the name has to be a whole one.
vim.cmd('buffer skill.toml')
author.told = {}
require('skillyard').setup({ server = './skillyard' })
author.wait_for('the refusal', function()
  return author.was_told('no absolute path')
end)
require('skillyard').setup({ server = vim.env.SKILLYARD, typo = true })
author.check('an unknown option', author.was_told('there is no option `typo`'))
author.wait_for_server()
author.leave()
