-- An author makes a skill, runs its cases, and reads about a rule. No manifest is open at first.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
local folder = vim.fn.getcwd() .. '/made here'
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
author.check('subcommands', completed('Skillyard ') == 'audit cancel explain new package restart run test verify')
author.check('rules', completed('Skillyard explain egress/por') == 'egress/port')
author.check('languages', completed('Skillyard new acme.mail r') == 'rust')

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

-- What is not saved is not packaged, and the server says so.
vim.cmd('Skillyard package')
author.wait_for('the refusal', function()
  return author.was_told('save it first')
end)
author.leave()
