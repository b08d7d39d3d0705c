-- What the sittings have in common: an author who answers what is asked, and who says on standard output what they see.
-- `neovim.rs` reads that. A sitting that ends early ends Neovim with an error.

local author = {
  --- What they were asked, by `vim.ui.select` and `vim.ui.input`, in order.
  asked = {},
  --- What they answer: a choice's title by a part of the question, or what to type for it (a function gets the default).
  answers = {},
  --- What they were told.
  told = {},
}

function author.say(...)
  io.stdout:write(table.concat({ ... }, ' ') .. '\n')
end

function author.give_up(why)
  author.say('gave up: ' .. why)
  author.say('asked ' .. vim.inspect(author.asked))
  author.say('told ' .. vim.inspect(author.told))
  author.say('messages ' .. vim.fn.execute('messages'))
  author.say('buffer ' .. table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n'))
  vim.cmd.cquit()
end

function author.wait_for(what, condition)
  if not vim.wait(120000, condition, 10) then
    author.give_up('waited in vain for ' .. what)
  end
end

--- Something that has to be so.
function author.check(what, holds)
  if not holds then
    author.give_up('it does not hold: ' .. what)
  end
end

local function answer_to(question)
  for part, answer in pairs(author.answers) do
    if question:find(part, 1, true) then
      return answer
    end
  end
  author.give_up('nobody knows what to answer to ' .. question)
end

--- Whether a lens or an answer has a title, whatever is said behind it: the server what it knows, and Neovim 0.12 whose
--- lens it is.
function author.is_titled(title, wanted)
  return title == wanted or vim.startswith(title, wanted .. ' · ') or title == wanted .. ' [skillyard]'
end

vim.ui.select = function(items, options, on_choice)
  table.insert(author.asked, options.prompt)
  local wanted = answer_to(options.prompt)
  local offered = {}
  for at, item in ipairs(items) do
    local title = (options.format_item or tostring)(item)
    table.insert(offered, title)
    if author.is_titled(title, wanted) then
      return on_choice(item, at)
    end
  end
  author.give_up(('nobody offers %s but %s'):format(wanted, table.concat(offered, ', ')))
end

vim.ui.input = function(options, on_confirm)
  table.insert(author.asked, options.prompt)
  local answer = answer_to(options.prompt)
  if type(answer) == 'function' then
    answer = answer(options.default)
  end
  on_confirm(answer)
end

vim.notify = function(message, level)
  table.insert(author.told, message)
  author.say('told', message, tostring(level or vim.log.levels.INFO))
end

--- Whether they were told something with these words.
function author.was_told(words)
  return vim.iter(author.told):any(function(message)
    return message:find(words, 1, true) ~= nil
  end)
end

--- The client that serves a buffer.
function author.client(buffer)
  local client = vim.lsp.get_clients({ bufnr = buffer or 0, name = 'skillyard' })[1]
  return client and client.initialized and client or nil
end

function author.wait_for_server()
  author.wait_for('the server', author.client)
end

--- The lenses of this buffer, as this Neovim gives them.
function author.lenses()
  if not vim.lsp.codelens.enable then
    return vim.lsp.codelens.get(0)
  end
  return vim.tbl_map(function(found)
    return found.lens
  end, vim.lsp.codelens.get({ bufnr = 0 }))
end

--- Waits for a lens, and goes to its line.
---
--- Every lens has its command by then: Neovim asks for each by itself, and runs the only one of a line unasked.
function author.go_to_lens(title)
  local line
  author.wait_for('the lens ' .. title, function()
    line = nil
    for _, lens in ipairs(author.lenses()) do
      if not lens.command then
        return false
      end
      if author.is_titled(lens.command.title, title) then
        line = lens.range.start.line
      end
    end
    return line ~= nil
  end)
  vim.api.nvim_win_set_cursor(0, { line + 1, 0 })
end

--- Presses keys, through the mappings.
function author.press(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), 'xt', false)
end

--- Types keys once the script is at its end, where Neovim reads them; what the script left waiting for them ends it.
function author.type(keys)
  vim.g.typing = true
  vim.api.nvim_input(keys)
  vim.defer_fn(function()
    author.give_up('nothing came of ' .. keys)
  end, 120000)
end

--- Waits for a report with a title, says it, goes back to where it was asked for; its lines, buffer and window.
function author.read_report(title)
  author.wait_for('the report ' .. title, function()
    return vim.bo.filetype == 'skillyard-report' and vim.fn.getline(1):find(title, 1, true) ~= nil
  end)
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  author.say('report ' .. text)
  return text
end

-- What is about to go from Neovim is used neither by the plug-in nor here.
vim.deprecate = function(name)
  author.give_up('deprecated: ' .. name)
end

--- Ends as `:qa` would, if nothing complained meanwhile.
function author.leave()
  author.check('no error message: ' .. vim.v.errmsg, vim.v.errmsg == '')
  vim.cmd('qall!')
end

return author
