vim.lsp.config('skillyard', {
  cmd = { 'skillyard', 'lsp' },
  filetypes = { 'toml' },
  root_dir = function(buffer, start)
    local file = vim.api.nvim_buf_get_name(buffer)
    if vim.list_contains({ 'skill.toml', 'skillyard.toml' }, vim.fs.basename(file)) then
      -- The repository, else the topmost folder with a `skillyard.toml`, which every skill has: one server knows them all.
      local upwards = { path = vim.fs.dirname(file), upward = true, limit = math.huge }
      local configured = vim.fs.find('skillyard.toml', upwards)
      start(vim.fs.root(file, '.git') or vim.fs.dirname(configured[#configured] or file))
    end
  end,
  -- Package and Sign, Verify and Audit over the file, Run Tool over each tool; `:lua vim.lsp.codelens.run()` runs one.
  on_attach = function(_, buffer)
    -- Neovim 0.12 keeps them up to date by itself.
    local lenses = vim.lsp.codelens
    if lenses.enable then
      lenses.enable(true, { bufnr = buffer })
    else
      lenses.refresh({ bufnr = buffer })
    end
  end,
})
vim.lsp.enable('skillyard')
