-- For `vim.lsp.config` of Neovim 0.11 and newer, which reads this file by its name.
return require('skillyard.server').config()
