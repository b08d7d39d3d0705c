-- An author has a tool run by the lens over it: types the input, mistypes it first, approves what the tool may touch.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
local typed = 0
author.answers = {
  ['Code lenses'] = 'Run Tool acme.echo',
  ['Input of acme.echo'] = function(before)
    typed = typed + 1
    author.say('before ' .. before)
    return ({ '{"said": ', '{"said": "hello", "n": [1, null]}' })[typed]
  end,
  ['Approve'] = 'Run once',
}

author.wait_for_server()
author.go_to_lens('Run Tool acme.echo')
author.press('grx')
local report = author.read_report('acme.echo: ok')
author.check('the mistake is told', author.was_told('it is no JSON'))
author.check('what was mistyped is kept', typed == 2)
for _, question in ipairs(author.asked) do
  author.say('question ' .. question:gsub('\n', ' '))
end
author.check('null is sent', report:find('null', 1, true))
author.check('bars', report:find('░', 1, true))

-- Parts fold; the title stays.
author.check('not folded', vim.fn.foldclosed(3) == -1)
author.press('zM')
author.check('the title stays', vim.fn.foldclosed(1) == -1)
author.check('parts fold', vim.fn.search('^Policy') > 0 and vim.fn.foldclosed('.') == vim.fn.line('.'))
author.press('zR')
local function groups_at(pattern)
  vim.fn.cursor(1, 1)
  vim.fn.search(pattern)
  local groups = {}
  for _, mark in ipairs(vim.inspect_pos().extmarks) do
    groups[mark.opts.hl_group] = true
  end
  return groups
end
author.check('the verdict is coloured', groups_at('^acme').SkillyardFine)
author.check('parts are coloured', groups_at('^Policy').SkillyardHeading)
groups_at('"said"')
local item = vim.fn.synIDattr(vim.fn.synID(vim.fn.line('.'), vim.fn.col('.') + 1, 1), 'name')
author.check('JSON is coloured, not ' .. item, vim.startswith(item, 'json'))

-- The input behind the command; it does not hold to the schema, which the report says and nothing is asked.
author.press('q')
vim.cmd([[Skillyard run acme.echo {"said": "good bye"}]])
local refused = author.read_report('acme.echo: input invalid')
author.check('where', refused:find('/said', 1, true))
author.press('q')

-- A number arrives with the digits that were typed, also when it comes as what the tool was called with last.
vim.cmd([[Skillyard run acme.echo {"said": "hello", "n": 9007199254740993}]])
author.check('exactly', author.read_report('acme.echo: ok'):find('9007199254740993', 1, true))
author.press('q')
author.answers['Input of acme.echo'] = function(before)
  author.check('with all digits', before:find('9007199254740993', 1, true))
end
vim.cmd('Skillyard run acme.echo')
author.wait_for('the question', function()
  return author.asked[#author.asked]:find('as last time', 1, true)
end)

-- No is no.
author.answers['Approve'] = 'Cancel'
vim.cmd([[Skillyard run acme.echo {"said": "hello"}]])
author.wait_for('the end', function()
  return author.was_told('Run Tool acme.echo was cancelled')
end)

-- A tool that never ends is ended.
author.answers['Approve'] = 'Run once'
local runs = false
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    runs = runs or event.data.params.value.message == 'running'
  end,
})
vim.cmd([[Skillyard run acme.loop {}]])
author.wait_for('the tool to run', function()
  return runs
end)
vim.cmd('Skillyard cancel')
author.wait_for('the end', function()
  return author.was_told('Run Tool acme.loop was cancelled')
end)
vim.cmd('Skillyard cancel')
author.check('nothing left', author.was_told('nothing is under way'))
author.leave()
