--- A report's Markdown as lines with highlights: headings without their marks, tables with even columns, links that
--- work. The Markdown is the server's and small: headings, lists, tables, blocks of code, code, bold, struck, links.
--- What is not understood stands as it is.
local M = {}

---@class skillyard.Mark
---@field row integer From 0.
---@field from integer In bytes.
---@field to integer
---@field group string
---@field url string?

---@class skillyard.Page
---@field lines string[]
---@field marks skillyard.Mark[]
---@field levels table<integer, string> By line from 1: where a fold starts, as `foldexpr` wants it.
---@field blocks { language: string, first: integer, last: integer }[] Code, by lines from 1.

local severities = {
  ['**error**'] = 'DiagnosticError',
  ['**warning**'] = 'DiagnosticWarn',
  ['info'] = 'DiagnosticInfo',
  ['hint'] = 'DiagnosticHint',
  ['allowed'] = 'DiagnosticOk',
  ['pass'] = 'DiagnosticOk',
  ['warn'] = 'DiagnosticWarn',
  ['fail'] = 'DiagnosticError',
  ['skipped'] = 'Comment',
  ['denied'] = 'DiagnosticError',
}

local width = vim.api.nvim_strwidth

--- Text within a line: what it shows, and where which highlight is.
---@param text string
---@return string
---@return skillyard.Mark[] Without rows.
function M.inline(text)
  local out, marks, at = {}, {}, 1
  local length = 0
  local function put(piece, group, url)
    if group and piece ~= '' then
      table.insert(marks, { from = length, to = length + #piece, group = group, url = url })
    end
    table.insert(out, piece)
    length = length + #piece
  end
  --- Puts text that may itself hold more.
  local function nest(piece, group, url)
    local shown, within = M.inline(piece)
    for _, mark in ipairs(within) do
      mark.from, mark.to = mark.from + length, mark.to + length
      table.insert(marks, mark)
    end
    put(shown, group, url)
  end
  while at <= #text do
    local escaped = text:match('^\\(%p)', at)
    local ticks = text:match('^`+', at)
    local label, target, after
    if escaped then
      put(escaped)
      at = at + 2
      goto continue
    elseif ticks then
      -- The end is a run of as many, no more.
      local from = at + #ticks
      local search = from
      while true do
        local first, last = text:find('`+', search)
        if not first then
          put(ticks)
          at = from
          break
        elseif last - first + 1 == #ticks then
          local code = text:sub(from, first - 1)
          if code:match('^ .* $') and code:match('[^ ]') then
            code = code:sub(2, -2)
          end
          put(code, 'SkillyardCode')
          at = last + 1
          break
        end
        search = last + 1
      end
      goto continue
    end
    for mark, group in pairs({ ['**'] = 'SkillyardStrong', ['~~'] = 'SkillyardStruck' }) do
      if vim.startswith(text:sub(at), mark) then
        local first = text:find(mark, at + 2, true)
        if first then
          nest(text:sub(at + 2, first - 1), group)
          at = first + 2
          goto continue
        end
      end
    end
    label, target, after = text:match('^%[([^%]]*)%]%((https?://[^%s()]+)%)()', at)
    if label then
      nest(label, 'SkillyardLink', target)
      at = after
      goto continue
    end
    target, after = text:match('^<(https?://[^%s<>]+)>()', at)
    if target then
      put(target, 'SkillyardLink', target)
      at = after
      goto continue
    end
    do
      local plain = text:match('^[^\\`*~%[<]+', at) or text:sub(at, at)
      put(plain)
      at = at + #plain
    end
    ::continue::
  end
  return table.concat(out), marks
end

--- The cells of a table's row.
---@param line string
---@return string[]
local function cells(line)
  local found, cell, at = {}, {}, 1
  line = vim.trim(line):gsub('^|', '')
  while at <= #line do
    local char = line:sub(at, at)
    if char == '\\' and line:sub(at + 1, at + 1) == '|' then
      -- A bar that ends no cell, even within code.
      table.insert(cell, '|')
      at = at + 1
    elseif char == '\\' then
      table.insert(cell, line:sub(at, at + 1))
      at = at + 1
    elseif char == '|' then
      table.insert(found, vim.trim(table.concat(cell)))
      cell = {}
    else
      table.insert(cell, char)
    end
    at = at + 1
  end
  if #cell > 0 and vim.trim(table.concat(cell)) ~= '' then
    table.insert(found, vim.trim(table.concat(cell)))
  end
  return found
end

local BAR = 20

--- How much of something was used, as a bar.
---@param used string
---@param of string
---@return string
---@return string? group
local function bar(used, of)
  local part, whole = tonumber(used:match('^[%d.]+')), tonumber(of:match('^[%d.]+'))
  if not part or not whole or whole <= 0 then
    return ''
  end
  local share = math.min(part / whole, 1)
  local full = math.floor(share * BAR + 0.5)
  if full == 0 and part > 0 then
    full = 1
  end
  local group = share > 0.9 and 'DiagnosticError' or share > 0.7 and 'DiagnosticWarn' or 'DiagnosticOk'
  local percent = (part > 0 and share < 0.01) and '<1' or ('%.0f'):format(share * 100)
  return ('█'):rep(full) .. ('░'):rep(BAR - full) .. (' %3s %%'):format(percent), group
end

---@param page skillyard.Page
---@param rows string[][]
---@param right boolean[] By column.
local function put_table(page, rows, right)
  local head = rows[1]
  local bars = head[2] == 'used' and head[3] == 'of'
  local shown, widths = {}, {}
  local notes = {}
  for number, row in ipairs(rows) do
    shown[number] = {}
    for column = 1, #head do
      local source = row[column] or ''
      if bars and column == 2 then
        -- Beside a bar stand numbers; what is said of one comes behind it.
        local figure, note = source:match('^(.-)%s*(%b())$')
        source, notes[number] = figure or source, note
      end
      local text, marks = M.inline(source)
      shown[number][column] = { text = text, marks = marks }
      widths[column] = math.max(widths[column] or 0, width(text))
    end
  end
  for number, row in ipairs(shown) do
    local line = ''
    for column, cell in ipairs(row) do
      local pad = (' '):rep(widths[column] - width(cell.text))
      local before = (column > 1 and '  ' or '') .. (right[column] and pad or '')
      for _, mark in ipairs(cell.marks) do
        mark.row = #page.lines
        mark.from, mark.to = mark.from + #line + #before, mark.to + #line + #before
        table.insert(page.marks, mark)
      end
      line = line .. before .. cell.text .. (right[column] and '' or pad)
    end
    if bars and number > 1 then
      local drawn, group = bar(row[2].text, row[3].text)
      if group then
        line = line .. '  '
        table.insert(page.marks, { row = #page.lines, from = #line, to = #line + #drawn, group = group })
        line = line .. drawn
      end
      line = line .. (notes[number] and '  ' .. notes[number] or '')
    end
    line = line:gsub('%s+$', '')
    if number == 1 then
      table.insert(page.marks, { row = #page.lines, from = 0, to = #line, group = 'SkillyardHead' })
    end
    table.insert(page.lines, line)
    if number == 1 then
      local total = 2 * (#head - 1)
      for _, one in ipairs(widths) do
        total = total + one
      end
      local rule = ('─'):rep(total)
      table.insert(page.marks, { row = #page.lines, from = 0, to = #rule, group = 'SkillyardRule' })
      table.insert(page.lines, rule)
    end
  end
end

---@param page skillyard.Page
---@param text string
---@param prefix string? What stands in front of it.
---@param whole string? A highlight for all of it.
local function put_line(page, text, prefix, whole)
  local shown, marks = M.inline(text)
  prefix = prefix or ''
  for _, mark in ipairs(marks) do
    mark.row = #page.lines
    mark.from, mark.to = mark.from + #prefix, mark.to + #prefix
    table.insert(page.marks, mark)
  end
  local line = prefix .. shown
  if whole then
    table.insert(page.marks, { row = #page.lines, from = 0, to = #line, group = whole })
  end
  table.insert(page.lines, line)
end

--- Lays a report out.
---@param text string
---@param fine boolean? How it ended, which colours its title.
---@return skillyard.Page
function M.page(text, fine)
  local page = { lines = {}, marks = {}, levels = {}, blocks = {} }
  local source = vim.split(text:gsub('\r', ''), '\n', { plain = true })
  local titled, top = false, nil
  local at = 1
  while at <= #source do
    local line = source[at]
    local fence, language = line:match('^(```+)%s*([%w_+-]*)%s*$')
    local hashes, heading = line:match('^(#+)%s+(.*)$')
    if fence then
      local first = #page.lines + 1
      at = at + 1
      while at <= #source and source[at] ~= fence do
        table.insert(page.lines, '  ' .. source[at])
        at = at + 1
      end
      if #page.lines >= first then
        table.insert(page.blocks, { language = language, first = first, last = #page.lines })
      end
    elseif hashes then
      -- The title stays when all is folded.
      top = top or #hashes
      page.levels[#page.lines + 1] = titled and '>' .. math.max(#hashes - top, 1) or nil
      local verdict = fine == true and 'SkillyardFine' or fine == false and 'SkillyardFailed' or 'SkillyardTitle'
      put_line(page, heading, nil, titled and 'SkillyardHeading' or verdict)
      titled = true
    elseif line:match('^%s*|.*|%s*$') and (source[at + 1] or ''):match('^%s*|[%s:|-]+|%s*$') then
      local right = {}
      for column, mark in ipairs(cells(source[at + 1])) do
        right[column] = mark:match('%-:$') ~= nil
      end
      local rows = { cells(line) }
      at = at + 2
      while at <= #source and source[at]:match('^%s*|') do
        table.insert(rows, cells(source[at]))
        at = at + 1
      end
      at = at - 1
      put_table(page, rows, right)
    elseif line:match('^%s*[-*] ') then
      local indent, item = line:match('^(%s*)[-*] (.*)$')
      local word = item:match('^%S+')
      local prefix = indent .. '• '
      local group = severities[word]
      if group then
        local plain = word:gsub('%*', '')
        table.insert(page.marks, { row = #page.lines, from = #prefix, to = #prefix + #plain, group = group })
      end
      put_line(page, item, prefix)
    else
      put_line(page, line)
    end
    at = at + 1
  end
  while page.lines[#page.lines] == '' do
    table.remove(page.lines)
  end
  -- Lines are trimmed after they are marked.
  page.marks = vim.tbl_filter(function(mark)
    mark.to = math.min(mark.to, #(page.lines[mark.row + 1] or ''))
    return mark.from < mark.to
  end, page.marks)
  return page
end

return M
