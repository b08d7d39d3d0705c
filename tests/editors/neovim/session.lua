-- One sitting of an author in a real Neovim: a mistake is shown, its fix applied, the file formatted and written.
-- Run by neovim.rs as `nvim --headless --clean … skill.toml`; says what it saw on standard output, ends with code 0.

local CODE = 'tool/not-namespaced'

local function say(text)
  io.stdout:write(text .. '\n')
end

local function wait_for(what, condition)
  if not vim.wait(120000, condition, 10) then
    say('waited in vain for ' .. what)
    say(vim.inspect(vim.diagnostic.get(0)))
    say(vim.inspect(vim.api.nvim_buf_get_lines(0, 0, -1, false)))
    vim.cmd.cquit()
  end
end

local function shown()
  return vim.tbl_filter(function(diagnostic)
    return diagnostic.code == CODE
  end, vim.diagnostic.get(0))
end

wait_for('the server', function()
  return #vim.lsp.get_clients({ bufnr = 0, name = 'skillyard' }) == 1
end)
for _, process in ipairs(vim.api.nvim_get_proc_children(vim.fn.getpid())) do
  say('process ' .. process)
end

wait_for('the diagnostic', function()
  return #shown() == 1
end)
local diagnostic = shown()[1]
local marked =
  vim.api.nvim_buf_get_text(0, diagnostic.lnum, diagnostic.col, diagnostic.end_lnum, diagnostic.end_col, {})
say(string.format('diagnostic %d:%d %s', diagnostic.lnum + 1, diagnostic.col + 1, marked[1]))
say('severity ' .. vim.diagnostic.severity[diagnostic.severity])

vim.api.nvim_win_set_cursor(0, { diagnostic.lnum + 1, diagnostic.col })
local offered = {}
vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    table.insert(offered, action.kind .. ' ' .. action.title)
    return action.kind == 'quickfix' and action.isPreferred == true
  end,
})
wait_for('the diagnostic to go', function()
  return #shown() == 0
end)
for _, action in ipairs(offered) do
  say('action ' .. action)
end

vim.lsp.buf.format({ async = false, timeout_ms = 120000 })
vim.cmd.write()
-- The ordinary way out: what an author's `:q` does to the server is part of the test.
vim.cmd.quit()
