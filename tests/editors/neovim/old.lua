-- A Neovim that says it is too old: the plug-in says so once, and at each command.

local said = vim.fn.execute('messages')
vim.cmd('Skillyard audit')
io.stdout:write(said .. '\n')
assert(#vim.lsp.get_clients() == 0)
assert(vim.v.errmsg == '')
vim.cmd('qall!')
