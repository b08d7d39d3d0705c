-- An author goes from a name to its definition and its uses, renames it, has keys completed as they are typed, takes
-- code actions, and has hints shown between the lines.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
author.wait_for_server()

local function lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

local function text()
  return table.concat(lines(), '\n')
end

local function has(words)
  return text():find(words, 1, true) ~= nil
end

--- The place of the cursor, both from 1.
local function place()
  return { vim.fn.line('.'), vim.fn.col('.') }
end

-- From the default tool to the tool, and from the tool to all that names it.
local from = vim.fn.search([[^default_tool_id = "\zs\w]])
author.check('the default tool', from > 0)
local tool = vim.fn.search([[^id = "\zs\w]], 'n')
vim.lsp.buf.definition()
author.wait_for('the definition', function()
  return place()[1] == tool
end)
-- The publisher in front of it has uses of its own.
vim.fn.search([[\.\zsecho]])
vim.lsp.buf.references({ includeDeclaration = true }, {
  on_list = function(list)
    author.uses = vim.iter(list.items):map(function(item)
      return item.lnum
    end):totable()
  end,
})
author.wait_for('the uses', function()
  return author.uses
end)
table.sort(author.uses)
author.check('both places: ' .. vim.inspect(author.uses), vim.deep_equal(author.uses, { tool, from }))

-- Another publisher: with every name that it prefixes.
vim.fn.search([[^publisher = "\zs\w]])
vim.lsp.buf.rename('palm')
author.wait_for('the new publisher', function()
  return has('publisher = "palm"')
end)
author.check('all that it prefixes: ' .. text(), not has('acme') and has('id = "palm.echo"') and has('_id = "palm.echo"'))
author.press('u')
author.check('one step back', has('publisher = "acme"') and not has('palm'))

local before = text()

--- Takes the code action of a kind for the cursor's place, resolved as it is chosen.
local function act(kind, title, done)
  vim.lsp.buf.code_action({
    apply = true,
    context = { only = { kind }, diagnostics = {} },
    filter = function(action)
      author.say('offered', action.title)
      return action.title == title
    end,
  })
  author.wait_for(title, done)
end

vim.fn.search([[^input_schema = \zs{]])
act('refactor', 'Write `entrypoints.tools[0].input_schema` as a section', function()
  return has('[entrypoints.tools.input_schema]')
end)
vim.cmd.undo()
act('source.organizeManifest', 'Put the file in canonical order', function()
  return vim.fn.search('^.capabilities', 'n') < vim.fn.search('^.compat', 'n')
end)
vim.cmd.undo()
author.check('both taken back', text() == before)

-- Hints between the lines.
vim.lsp.inlay_hint.enable(true, { bufnr = 0 })
local function hints()
  return vim.inspect(vim.lsp.inlay_hint.get({ bufnr = 0 }))
end
author.wait_for('what 33554432 comes to', function()
  return hints():find('32 MiB', 1, true)
end)

-- What is in the workspace, by a part of its name.
vim.lsp.buf.workspace_symbol('ech', {
  on_list = function(list)
    author.symbols = list.items
  end,
})
author.wait_for('the symbols', function()
  return author.symbols
end)
author.check('the tool and the skill: ' .. vim.inspect(author.symbols), #author.symbols == 2)

-- A key, as it is typed: the menu that Neovim itself opens, of which the first is taken over. Neovim reads keys once this
-- script is at its end.
local compat = vim.fn.search('^min_palyra_version')
if vim.lsp.completion then
  vim.lsp.completion.enable(true, author.client().id, 0)
end
vim.o.completeopt = 'menu,menuone,noselect'
vim.api.nvim_create_autocmd('CompleteChanged', {
  once = true,
  callback = function()
    author.menu = vim.fn.complete_info({ 'items' }).items
    vim.api.nvim_input('<C-n><C-y>')
  end,
})
-- The key comes with what belongs behind it, which is selected to be typed over; Neovim 0.10 selects nothing.
vim.api.nvim_create_autocmd(vim.lsp.completion and 'ModeChanged' or 'CompleteDone', {
  pattern = vim.lsp.completion and '*:s' or '*',
  callback = function()
    if not author.menu then
      return
    end
    author.check('what is offered: ' .. vim.inspect(author.menu), #author.menu == 1)
    author.check('it is taken over: ' .. text(), vim.fn.getline(compat + 1):find('^max_palyra_version = "') ~= nil)
    author.leave()
  end,
})
author.type('omax_p<C-x><C-o>')
