-- Without a manifest nothing of the plug-in is read but the file that waits for one.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
vim.cmd.edit('other.toml')
author.check('TOML', vim.bo.filetype == 'toml')
for name in pairs(package.loaded) do
  author.check('not read: ' .. name, not vim.startswith(name, 'skillyard') and name ~= 'vim.lsp')
end
author.check('the command', vim.fn.exists(':Skillyard') == 2)
author.leave()
