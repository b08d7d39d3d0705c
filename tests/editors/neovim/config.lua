vim.lsp.config('skillyard', {
  cmd = { 'skillyard', 'lsp' },
  filetypes = { 'toml' },
  root_dir = function(buffer, start)
    local file = vim.api.nvim_buf_get_name(buffer)
    if vim.list_contains({ 'skill.toml', 'skillyard.toml' }, vim.fs.basename(file)) then
      start(vim.fs.root(file, { 'skillyard.toml', '.git' }) or vim.fs.dirname(file))
    end
  end,
  -- Package and Sign, Verify and Audit over the file, Run Tool over each tool; `:lua vim.lsp.codelens.run()` runs one.
  on_attach = function(_, buffer)
    vim.lsp.codelens.refresh({ bufnr = buffer })
  end,
})
vim.lsp.enable('skillyard')
