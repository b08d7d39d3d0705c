-- An author asks what a key means, has one completed, looks at the outline, and opens Skillyard's configuration.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
author.wait_for_server()

-- A hover, in the window where `K` shows it.
vim.fn.search('^publisher')
author.press('K')
local function float()
  return vim.iter(vim.api.nvim_list_wins()):find(function(window)
    return vim.api.nvim_win_get_config(window).relative ~= ''
  end)
end
author.wait_for('the hover', float)
local hover = table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(float()), 0, -1, false), '\n')
author.check('what it says: ' .. hover, hover:find('publisher', 1, true))
vim.api.nvim_win_close(float(), true)

-- Completion: what the menu would be made of, since nobody types here.
local line = vim.fn.search('^min_palyra_version')
vim.api.nvim_buf_set_lines(0, line, line, false, { 'max_p' })
vim.api.nvim_win_set_cursor(0, { line + 1, 5 })
local params = vim.lsp.util.make_position_params(0, author.client().offset_encoding)
params.position.character = 5
local answers = vim.lsp.buf_request_sync(0, 'textDocument/completion', params, 120000)
local _, answer = next(answers or {})
local items = answer and answer.result and (answer.result.items or answer.result) or {}
author.check(
  'max_palyra_version is offered: ' .. vim.inspect(answer),
  vim.iter(items):any(function(item)
    return item.label:find('max_palyra_version', 1, true) ~= nil
  end)
)
author.press('u')

-- The outline.
vim.lsp.buf.document_symbol({
  on_list = function(list)
    author.outline = list.items
  end,
})
author.wait_for('the outline', function()
  return author.outline and #author.outline > 0
end)

-- Skillyard's own configuration is served by the same server, and gets no lenses.
vim.cmd.edit('skillyard.toml')
author.wait_for('the same server', function()
  return author.client() ~= nil
end)
author.check('one server', #vim.lsp.get_clients() == 1)
author.wait_for('the diagnostic', function()
  return #vim.diagnostic.get(0) > 0
end)
-- A command from here is about the manifest, the only one that is open; with this configuration it cannot be done.
vim.cmd('Skillyard audit')
author.wait_for('the refusal', function()
  return author.was_told('Audit: ') and author.was_told('unknown key `rulez`')
end)
author.leave()
