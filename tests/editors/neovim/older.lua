-- What Neovim 0.10 lacks: configurations of its own, and the word to the server that it shows lenses.

vim.lsp.enable, vim.lsp.config = nil, nil
local make = vim.lsp.protocol.make_client_capabilities
vim.lsp.protocol.make_client_capabilities = function()
  local known = make()
  known.textDocument.codeLens = nil
  return known
end
vim.opt.runtimepath:prepend(vim.env.PLUGIN)
