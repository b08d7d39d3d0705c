vim.lsp.config('skillyard', {
  cmd = { 'skillyard', 'lsp' },
  filetypes = { 'toml' },
  root_dir = function(buffer, start)
    local file = vim.api.nvim_buf_get_name(buffer)
    if vim.fs.basename(file) == 'skill.toml' then
      start(vim.fs.root(file, { 'skillyard.toml', '.git' }) or vim.fs.dirname(file))
    end
  end,
})
vim.lsp.enable('skillyard')
