-- An author makes a skill, runs its cases, and reads about a rule. No manifest is open at first.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
-- Nothing in a name is run.
local folder = vim.fn.getcwd() .. '/made `touch there` %'
author.answers = {
  ['Id of the new skill'] = 'acme.mail',
  ['written in'] = 'wat',
  ['Its folder'] = function(before)
    author.check('a folder is offered', vim.endswith(before, '/acme.mail'))
    return folder
  end,
}
local function completed(line)
  return table.concat(vim.fn.getcompletion(line, 'cmdline'), ' ')
end
author.check('subcommands', completed('Skillyard ') == 'audit cancel check explain install new package restart run test verify')
author.wait_for('rules', function()
  return completed('Skillyard explain egress/por') == 'egress/port'
end)
author.check('languages', completed('Skillyard new acme.mail r') == 'rust')

-- A folder with a space in its name is one word.
vim.fn.mkdir('spa ced/in ner', 'p')
author.check('spaces', completed('Skillyard new acme.mail wat spa\\ ced/in') == 'spa\\ ced/in\\ ner/')
author.check('spaces of a file', completed('Skillyard verify spa') == 'spa\\ ced/')
vim.fn.delete('spa ced', 'rf')

vim.cmd('Skillyard audit')
author.check('there is no manifest', author.was_told('no skill.toml is open'))

vim.cmd('Skillyard new')
author.wait_for('the manifest', function()
  return vim.api.nvim_buf_get_name(0) == folder .. '/skill.toml'
end)
author.wait_for_server()
author.go_to_lens('Run Tool acme.mail.count_grants')
author.check('tools', completed('Skillyard run acme') == 'acme.mail.count_grants')
-- Nothing is wrong in it.
author.check('no errors', #vim.diagnostic.get(0, { severity = vim.diagnostic.severity.ERROR }) == 0)

vim.cmd('Skillyard test')
author.read_report('1 passed, 0 failed')
author.press('q')

-- What is not written is not what would be tested.
vim.fn.append(0, '# a change')
vim.cmd('Skillyard test')
author.check('unwritten', author.was_told('write it first'))
vim.cmd('silent undo')

-- The rule of what is wrong in the line.
vim.fn.setline(vim.fn.search('^id = '), 'id = "count_grants"')
author.wait_for('the diagnostic', function()
  return #vim.diagnostic.get(0, { lnum = vim.fn.line('.') - 1 }) > 0
end)
author.answers['Explain which rule'] = 'tool/not-namespaced: A tool id is not in the namespace of its publisher'
vim.cmd('Skillyard explain')
author.wait_for('the page', function()
  return vim.bo.filetype == 'skillyard-report' or #author.asked > 3
end)
local page = author.read_report('tool/not-namespaced')
author.check('an example', page:find('Right:', 1, true))
author.press('q')

vim.cmd('Skillyard explain no/such-rule')
author.check('unknown', author.was_told('there is no rule no/such-rule'))

-- Where reports open is up to the author.
for place, count in pairs({ split = 2, vsplit = 2, float = 2, tab = 1 }) do
  vim.g.skillyard = { report = place }
  local tabs = #vim.api.nvim_list_tabpages()
  vim.cmd('Skillyard explain tool/not-namespaced')
  author.check(place, vim.bo.filetype == 'skillyard-report' and #vim.api.nvim_tabpage_list_wins(0) == count)
  author.check(place, (vim.api.nvim_win_get_config(0).relative ~= '') == (place == 'float'))
  author.check(place, #vim.api.nvim_list_tabpages() - tabs == (place == 'tab' and 1 or 0))
  author.press('q')
  author.check('closed', vim.fn.expand('%:t') == 'skill.toml' and #vim.api.nvim_list_wins() == 1)
end

-- A path is a path.
vim.cmd('Skillyard verify dist/`touch there too`.palyra-skill')
author.wait_for('the refusal', function()
  return author.was_told('touch there too`.palyra-skill')
end)

-- What is not saved is not packaged, and the server says so.
vim.cmd('Skillyard package')
author.wait_for('the refusal', function()
  return author.was_told('save it first')
end)
author.leave()
