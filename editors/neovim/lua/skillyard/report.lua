--- The window in which reports are read: one for each tab page, with folds, highlights and links.
local M = {}

local space = vim.api.nvim_create_namespace('skillyard.report')
local FILETYPE = 'skillyard-report'

local groups = {
  SkillyardTitle = 'Title',
  SkillyardHeading = 'Title',
  SkillyardHead = 'Identifier',
  SkillyardRule = 'NonText',
  SkillyardCode = 'String',
  SkillyardLink = 'Underlined',
  SkillyardStrong = { bold = true },
  SkillyardStruck = { strikethrough = true },
  SkillyardFine = 'DiagnosticOk',
  SkillyardFailed = 'DiagnosticError',
}

local function define()
  for name, link in pairs(groups) do
    local value = type(link) == 'string' and { link = link } or vim.deepcopy(link)
    value.default = true
    vim.api.nvim_set_hl(0, name, value)
  end
end

--- Colours blocks of code with Vim's own syntax files.
---@param page skillyard.Page
local function syntax(page)
  local included = {}
  for number, block in ipairs(page.blocks) do
    local cluster = 'skillyard_' .. block.language
    -- Only what reports and rules hold; the name comes from text.
    if vim.list_contains({ 'json', 'toml' }, block.language) then
      if not included[block.language] then
        included[block.language] = true
        vim.cmd(('syntax include @%s syntax/%s.vim'):format(cluster, block.language))
        vim.b.current_syntax = nil
      end
      vim.cmd(
        ('syntax region skillyardBlock%d start=/\\%%%dl/ end=/\\%%%dl$/ keepend contains=@%s'):format(
          number,
          block.first,
          block.last,
          cluster
        )
      )
    end
  end
  -- Where a block begins is known by its line alone.
  vim.cmd('syntax sync fromstart')
end

---@param buffer integer
---@param page skillyard.Page
local function fill(buffer, page)
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, page.lines)
  for _, mark in ipairs(page.marks) do
    vim.api.nvim_buf_set_extmark(buffer, space, mark.row, mark.from, {
      end_col = mark.to,
      hl_group = mark.group,
      url = mark.url,
    })
  end
  for _, block in ipairs(page.blocks) do
    if not vim.list_contains({ 'json', 'toml' }, block.language) then
      for row = block.first - 1, block.last - 1 do
        vim.api.nvim_buf_set_extmark(buffer, space, row, 0, {
          end_col = #page.lines[row + 1],
          hl_group = 'SkillyardCode',
        })
      end
    end
  end
  vim.bo[buffer].modifiable = false
end

local levels = {}

--- For 'foldexpr'.
function M.fold()
  local of = levels[vim.api.nvim_get_current_buf()] or {}
  return of[vim.v.lnum] or '='
end

--- For 'foldtext'.
function M.folded()
  local count = vim.v.foldend - vim.v.foldstart
  return ('%s  (%d more)'):format(vim.fn.getline(vim.v.foldstart), count)
end

---@return integer?
local function window_of_report()
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if vim.bo[vim.api.nvim_win_get_buf(window)].filetype == FILETYPE then
      return window
    end
  end
end

--- Opens a window for a buffer, and goes there.
---@param buffer integer
---@param page skillyard.Page
---@param title string
---@return integer
local function show(buffer, page, title)
  local there = window_of_report()
  if there then
    vim.api.nvim_win_set_buf(there, buffer)
    vim.api.nvim_set_current_win(there)
    return there
  end
  local place = require('skillyard').options().report
  if place == 'float' then
    local columns, rows = math.min(vim.o.columns - 4, 110), math.min(vim.o.lines - 6, math.max(#page.lines, 8))
    return vim.api.nvim_open_win(buffer, true, {
      relative = 'editor',
      width = math.max(columns, 1),
      height = math.max(rows, 1),
      col = math.max(math.floor((vim.o.columns - columns) / 2), 0),
      row = math.max(math.floor((vim.o.lines - rows) / 2) - 1, 0),
      border = 'rounded',
      title = (' %s '):format(title),
    })
  end
  local commands = { split = 'botright split', vsplit = 'botright vsplit', tab = 'tab split' }
  vim.cmd(commands[place])
  local window = vim.api.nvim_get_current_win()
  vim.api.nvim_win_set_buf(window, buffer)
  if place == 'split' then
    -- As high as it needs, and no higher than what it is about leaves.
    vim.api.nvim_win_set_height(window, math.max(math.min(#page.lines + 1, math.floor(vim.o.lines * 0.6)), 5))
  end
  return window
end

local function close()
  local window = vim.api.nvim_get_current_win()
  if not pcall(vim.api.nvim_win_close, window, false) then
    vim.cmd.bdelete()
  end
end

--- Opens a report and goes there.
---@param report { title: string, markdown: string, fine: boolean? }
function M.open(report)
  define()
  local page = require('skillyard.markdown').page(report.markdown, report.fine)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = 'wipe'
  levels[buffer] = page.levels
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buffer,
    callback = function()
      levels[buffer] = nil
    end,
  })
  fill(buffer, page)
  local window = show(buffer, page, report.title)
  vim.bo[buffer].filetype = FILETYPE
  vim.bo[buffer].swapfile = false
  vim.bo[buffer].formatlistpat = [[^\s*•\s]]
  for name, value in pairs({
    wrap = true,
    linebreak = true,
    breakindent = true,
    breakindentopt = 'list:-1',
    fillchars = 'fold: ',
    number = false,
    relativenumber = false,
    signcolumn = 'no',
    foldcolumn = '0',
    list = false,
    spell = false,
    winfixheight = true,
    foldmethod = 'expr',
    foldexpr = "v:lua.require'skillyard.report'.fold()",
    foldtext = "v:lua.require'skillyard.report'.folded()",
    foldlevel = 99,
    foldenable = true,
  }) do
    vim.api.nvim_set_option_value(name, value, { win = window, scope = 'local' })
  end
  if vim.api.nvim_win_get_config(window).relative == '' then
    local bar = ('Skillyard: %s%%=q closes, za folds, gx opens a link '):format(report.title:gsub('%%', '%%%%'))
    vim.api.nvim_set_option_value('statusline', bar, { win = window, scope = 'local' })
  end
  syntax(page)
  vim.keymap.set('n', 'q', close, { buffer = buffer, nowait = true, desc = 'Skillyard: close the report' })
  vim.api.nvim_win_set_cursor(window, { 1, 0 })
end

return M
