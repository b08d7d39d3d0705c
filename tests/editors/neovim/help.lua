-- The help: its tags are made, and each of its links leads somewhere.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
local doc = vim.api.nvim_get_runtime_file('doc/skillyard.txt', false)[1]
vim.cmd.helptags(vim.fs.dirname(doc))
local links = 0
for line in io.lines(doc) do
  for link in line:gmatch('|(%S-)|') do
    links = links + 1
    local leads = vim.list_contains(vim.fn.getcompletion(link, 'help'), link)
    -- The text says itself that Neovim 0.10 has none of these.
    author.check('the link ' .. link, leads or not vim.lsp.config and link == 'vim.lsp.config()')
  end
  author.check('a line fits: ' .. line, vim.api.nvim_strwidth(line) <= 78)
end
for _, topic in ipairs({ 'skillyard', ':Skillyard', ':Skillyard-package', 'skillyard-options', 'g:skillyard' }) do
  vim.cmd.help(topic)
  author.check(topic, vim.fn.expand('%:t') == 'skillyard.txt')
end
author.say('links ' .. links)
author.leave()
