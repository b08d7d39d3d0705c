-- How Markdown of the server is laid out, and text of others shown.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
local markdown = require('skillyard.markdown')
local shown = require('skillyard.shown')

local function same(what, is, wanted)
  author.check(('%s: %s, wanted %s'):format(what, vim.inspect(is), vim.inspect(wanted)), vim.deep_equal(is, wanted))
end

for source, wanted in pairs({
  ['plain words'] = 'plain words',
  [ [[acme\.echo \*is\* \[here\](command:evil)]] ] = 'acme.echo *is* [here](command:evil)',
  ['`code` and ``two ` ticks`` and `` ` ``'] = 'code and two ` ticks and `',
  ['**bold `code`** ~~struck~~'] = 'bold code struck',
  ['[rule](https://skillyard.dev/a)'] = 'rule',
  ['<https://skillyard.dev/a>'] = 'https://skillyard.dev/a',
  -- Only addresses of the web are links.
  ['[a](command:evil) [b](file:///etc/passwd)'] = '[a](command:evil) [b](file:///etc/passwd)',
  -- What has no end stands as it is.
  ['`open **and'] = '`open **and',
  ['a\\'] = 'a\\',
}) do
  same(source, (markdown.inline(source)), wanted)
end
local _, marks = markdown.inline('é [rule](https://skillyard.dev/a) x')
same('a link', marks, { { from = 3, to = 7, group = 'SkillyardLink', url = 'https://skillyard.dev/a' } })

local page = markdown.page(
  table.concat({
    '## acme\\.echo: ok',
    '',
    '| | used | of |',
    '| --- | ---: | ---: |',
    '| fuel | 50 | 100 |',
    '| time | 1.5 ms (new) | 1000 ms |',
    '',
    '| path \\| name | bytes |',
    '| --- | ---: |',
    '| `a\\|b` | 7 |',
    '| é | 1234 |',
    '',
    '### Part',
    '````json',
    '```',
    '# no heading',
    '````',
    '- **error** [tool/x](https://skillyard.dev/x): no',
  }, '\n'),
  true
)
same('lines', page.lines, {
  'acme.echo: ok',
  '',
  '        used       of',
  '─────────────────────',
  'fuel      50      100  ██████████░░░░░░░░░░  50 %',
  'time  1.5 ms  1000 ms  █░░░░░░░░░░░░░░░░░░░  <1 %  (new)',
  '',
  'path | name  bytes',
  '──────────────────',
  'a|b              7',
  'é             1234',
  '',
  'Part',
  '  ```',
  '  # no heading',
  '• error tool/x: no',
})
same('folds', page.levels, { [13] = '>1' })
same('blocks', page.blocks, { { language = 'json', first = 14, last = 15 } })
for _, mark in ipairs(page.marks) do
  author.check('marks lie in their lines', mark.from <= mark.to and mark.to <= #page.lines[mark.row + 1])
end

-- Whatever comes, it is laid out; and what is shown can be put in a buffer.
local pieces = {
  '|',
  '`',
  '```\n',
  '**',
  '~~',
  '\\',
  '[',
  '](',
  'https://',
  ')',
  '<',
  '>',
  '- ',
  '# ',
  '\n',
  'é',
  '| --- |\n',
  ' ',
  'a',
  '\r',
  '\0',
  '\255',
}
math.randomseed(20261123)
for _ = 1, 3000 do
  local text = {}
  for _ = 1, math.random(1, 24) do
    table.insert(text, pieces[math.random(#pieces)])
  end
  local ok, why = pcall(function()
    local laid = markdown.page(table.concat(text), false)
    for _, line in ipairs(laid.lines) do
      assert(not line:find('\n'))
    end
    for _, mark in ipairs(laid.marks) do
      assert(mark.from <= mark.to and mark.to <= #laid.lines[mark.row + 1])
    end
  end)
  author.check(('%s is laid out: %s'):format(vim.inspect(table.concat(text)), tostring(why)), ok)
end

same('a line', shown.line('a\n\t\27[0m\u{202e}é\0'), 'a\\n\\t\\u{1b}[0m\\u{202e}é\\u{0}')
same('words', shown.words('[a](b)\n`c` | d'), '\\[a\\](b)\\\\n\\`c\\` \\| d')
for _, range in ipairs(shown.unseen) do
  author.say(('unseen %d %d'):format(range[1], range[2]))
end

-- What is JSON is taken, whatever its numbers.
local fault = require('skillyard.input').fault
for typed, taken in pairs({
  ['{"a": [0.1, -12.50, 1E3, 9007199254740993, 12345678901234567890, null, true]}'] = true,
  ['null'] = true,
  ['{"a": }'] = false,
  ['{'] = false,
  [''] = false,
}) do
  author.check(typed, (fault(typed) == nil) == taken)
end
author.leave()
