-- An author who has a tool run by the lens over it, and approves what it may touch.
-- Run by neovim.rs as `nvim --headless --clean … skill.toml`; says what it saw on standard output, ends with code 0.

local LENS = 'Run Tool acme.echo'
local CHOICE = 'Run once'

local function say(text)
  io.stdout:write(text .. '\n')
end

local function wait_for(what, condition)
  if not vim.wait(20000, condition, 10) then
    say('waited in vain for ' .. what)
    say(vim.inspect(vim.lsp.codelens.get(0)))
    say(vim.api.nvim_exec2('messages', { output = true }).output)
    vim.cmd.cquit()
  end
end

-- The author: chooses the lens where there are several, then the answer.
local questions = {}
vim.ui.select = function(items, options, on_choice)
  local wanted = options.kind == 'codelens' and LENS or CHOICE
  table.insert(questions, options.prompt)
  for at, item in ipairs(items) do
    local title = options.format_item(item)
    say('offered ' .. title)
    if title == wanted then
      return on_choice(item, at)
    end
  end
  say('nobody offers ' .. wanted)
  vim.cmd.cquit()
end

local told = {}
local show = vim.lsp.handlers['window/showMessage']
vim.lsp.handlers['window/showMessage'] = function(err, result, context)
  table.insert(told, result.message)
  return show(err, result, context)
end

local ended = false
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    ended = ended or event.data.params.value.kind == 'end'
  end,
})

wait_for('the server', function()
  return #vim.lsp.get_clients({ bufnr = 0, name = 'skillyard' }) == 1
end)
local line
wait_for('the lens', function()
  for _, lens in ipairs(vim.lsp.codelens.get(0)) do
    if lens.command and lens.command.title == LENS then
      line = lens.range.start.line
    end
  end
  return line ~= nil
end)
vim.api.nvim_win_set_cursor(0, { line + 1, 0 })
vim.lsp.codelens.run()
wait_for('the outcome', function()
  return #told > 0 and ended
end)
for _, question in ipairs(questions) do
  say('question ' .. question)
end
say('told ' .. told[1])
vim.cmd.quit()
