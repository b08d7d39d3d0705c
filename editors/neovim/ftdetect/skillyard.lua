-- A manifest stays `toml` to Neovim: highlighting, tree-sitter, comment strings and every TOML plug-in go on as before.
-- The server is told the language `skill-manifest` (see lua/skillyard/server.lua). By its whole name, so that no other
-- pattern for `*.toml` comes first.
if vim.filetype and vim.filetype.add then
  vim.filetype.add({ filename = { ['skill.toml'] = 'toml', ['skillyard.toml'] = 'toml' } })
end
