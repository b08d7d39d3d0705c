--- `:Skillyard`: what it takes, what it completes, what it does.
local M = {}

local server = require('skillyard.server')

local function tell(...)
  require('skillyard').tell(...)
end

local function warn(text)
  tell(text, vim.log.levels.WARN)
end

--- What Neovim offers for a path, as a command line takes it: a space in it has a backslash in front.
---@param typed string
---@param kind 'dir'|'file'
---@return string[]
local function paths(typed, kind)
  local found = vim.fn.getcompletion((typed:gsub('\\ ', ' ')), kind)
  return vim.tbl_map(function(path)
    return (path:gsub(' ', '\\ '))
  end, found)
end

--- A path that was typed, or completed from names of others: never by `expand()`, which runs what stands in back quotes.
---@param path string
---@return string
local function absolute(path)
  path = vim.fs.normalize(path)
  return vim.fs.normalize(vim.fn.fnamemodify(path, ':p'))
end

--- The manifest that a command is about: the one of this window, else the only one that is open.
---@return integer? buffer
local function manifest()
  local current = vim.api.nvim_get_current_buf()
  if server.manifest(current) then
    return current
  end
  local open = server.manifests()
  if #open == 1 then
    return open[1]
  end
  warn(#open == 0 and 'no skill.toml is open' or 'go to the skill.toml that is meant; several are open')
end

--- Writes a manifest that has changes, where 'autowrite' is on.
---@param buffer integer
local function save(buffer)
  if vim.bo[buffer].modified and (vim.o.autowrite or vim.o.autowriteall) then
    vim.api.nvim_buf_call(buffer, function()
      vim.cmd('silent write')
    end)
  end
end

--- The manifest and its client.
---@return integer? buffer
---@return vim.lsp.Client? client
local function served()
  local buffer = manifest()
  if not buffer then
    return
  end
  local client = server.client(buffer)
  if not client then
    local path, why = server.program()
    if path then
      warn('the server does not run here; :Skillyard restart starts it')
    else
      server.tell_missing(why)
    end
    return
  end
  -- What is packaged and run is what is on the disk. Without 'autowrite' the server says so.
  save(buffer)
  return buffer, client
end

--- Has the server carry out a command about the whole manifest.
---@param command string
---@param title string
---@param more table?
local function execute(command, title, more)
  local buffer, client = served()
  if client then
    local argument = vim.tbl_extend('error', { uri = vim.uri_from_bufnr(buffer) }, more or {})
    require('skillyard.requests').execute(
      client,
      buffer,
      { command = command, title = title, arguments = { argument } }
    )
  end
end

--- The tools of a manifest as its lenses name them, the one at the cursor first.
---@param client vim.lsp.Client
---@param buffer integer
---@param found fun(tools: string[])
local function tools(client, buffer, found)
  local params = { textDocument = vim.lsp.util.make_text_document_params(buffer) }
  require('skillyard.requests').request(client, 'textDocument/codeLens', params, function(failed, lenses)
    if failed then
      return tell(failed.message, vim.log.levels.ERROR)
    end
    local cursor = vim.api.nvim_get_current_buf() == buffer and vim.api.nvim_win_get_cursor(0)[1] or 0
    local names, here = {}, nil
    for _, lens in ipairs(lenses or {}) do
      local name = (lens.data or {}).tool
      if name then
        if lens.range.start.line < cursor then
          here = name
        end
        table.insert(names, name)
      end
    end
    table.sort(names, function(one, other)
      return one == here and other ~= here
    end)
    found(names)
  end, buffer)
end

--- Calls a tool.
---@param rest string What stands behind `run`.
local function run(rest)
  local buffer, client = served()
  if not client then
    return
  end
  local tool, input = rest:match('^(%S+)%s*(.*)$')
  local call = require('skillyard.input').run_tool
  if tool then
    return call(client, buffer, tool, input ~= '' and input or nil)
  end
  tools(client, buffer, function(names)
    if #names == 0 then
      return warn('the manifest has no tool to run')
    elseif #names == 1 then
      return call(client, buffer, names[1])
    end
    vim.ui.select(names, {
      prompt = 'Run which tool?',
      kind = 'skillyard.tool',
      format_item = require('skillyard.shown').name,
    }, function(name)
      if name then
        call(client, buffer, name)
      end
    end)
  end)
end

--- A report of `skillyard test` in Markdown.
local function cases_in_markdown(report)
  local words = require('skillyard.shown').words
  local out = {
    ('## %s %s: %d passed, %d failed'):format(
      words(report.skill_id),
      words(report.version),
      report.passed,
      report.failed
    ),
    '',
    '| case | tool | ended | ms |',
    '| --- | --- | --- | ---: |',
  }
  for _, case in ipairs(report.cases) do
    local ran = case.report or {}
    local row = {
      (case.passed and '✓ ' or '✗ ') .. words(case.name),
      words(ran.tool_id or ''),
      words((ran.outcome or 'not run'):gsub('_', ' ')),
      ('%.0f'):format(case.duration_ms),
    }
    table.insert(out, ('| %s |'):format(table.concat(row, ' | ')))
  end
  for _, case in ipairs(report.cases) do
    if not case.passed then
      vim.list_extend(out, { '', '### ' .. words(case.name), '' })
      for _, failure in ipairs(case.failures) do
        table.insert(
          out,
          '- **error** ' .. words(type(failure) == 'table' and (failure.message or vim.json.encode(failure)) or failure)
        )
      end
      local logs = case.report and case.report.logs or {}
      for _, log in ipairs(logs) do
        table.insert(out, '- ' .. words(log.text))
      end
    end
  end
  return table.concat(out, '\n')
end

local function test()
  local buffer = manifest()
  if not buffer then
    return
  end
  save(buffer)
  if vim.bo[buffer].modified then
    return warn('the manifest has changes, and what is tested is what is on the disk: write it first')
  end
  local folder = vim.fs.dirname(server.manifest(buffer))
  tell('testing…')
  require('skillyard.program').call({ 'test', '--format', 'json', folder }, function(report, text)
    if not report or not report.cases then
      return tell(text, vim.log.levels.ERROR)
    end
    require('skillyard.report').open({ title = 'Test', markdown = cases_in_markdown(report), fine = report.failed == 0 })
    local said = ('%d passed, %d failed'):format(report.passed, report.failed)
    tell(said, report.failed == 0 and vim.log.levels.INFO or vim.log.levels.ERROR)
  end, 'Test')
end

local languages = { 'wat', 'c', 'assemblyscript', 'rust' }

--- Makes a skill and opens its manifest.
---@param rest string[] Name, language, folder.
local function new(rest)
  local function make(name, language, folder)
    local arguments = { 'new', '--format', 'json', '--lang', language, '--', name, absolute(folder) }
    require('skillyard.program').call(arguments, function(report, text)
      if not report or not report.folder then
        return tell(text, vim.log.levels.ERROR)
      end
      vim.cmd.edit({ args = { report.folder .. '/skill.toml' }, magic = { file = false, bar = false } })
      tell(('%s is made in %s'):format(report.skill_id, require('skillyard.shown').line(report.folder)))
    end)
  end
  local function in_folder(name, language)
    if rest[3] then
      return make(name, language, rest[3])
    end
    local usual = vim.fn.getcwd() .. '/' .. name
    vim.ui.input({ prompt = 'Its folder: ', default = usual, completion = 'dir' }, function(folder)
      if folder and folder ~= '' then
        make(name, language, folder)
      end
    end)
  end
  local function in_language(name)
    if rest[2] then
      return in_folder(name, rest[2])
    end
    vim.ui.select(
      languages,
      { prompt = 'What is its tool written in?', kind = 'skillyard.language' },
      function(language)
        if language then
          in_folder(name, language)
        end
      end
    )
  end
  if rest[1] then
    return in_language(rest[1])
  end
  vim.ui.input({ prompt = 'Id of the new skill, such as acme.mail: ' }, function(name)
    if name and name ~= '' then
      in_language(name)
    end
  end)
end

--- Shows a rule's page.
---@param code string?
local function explain(code)
  local rules = require('skillyard.program').rules()
  if #rules == 0 then
    local path, why = server.program()
    if path then
      return warn('`skillyard explain` gave nothing; :checkhealth skillyard')
    end
    return server.tell_missing(why)
  end
  local function show(rule)
    require('skillyard.report').open({ title = 'Explain ' .. rule.code, markdown = rule.page })
  end
  local function find(name)
    return vim.iter(rules):find(function(rule)
      return rule.code == name
    end)
  end
  if code then
    local rule = find(code)
    if not rule then
      return warn(('there is no rule %s; <Tab> completes them'):format(require('skillyard.shown').name(code)))
    end
    return show(rule)
  end
  -- What is wrong in this line, the cursor's own first.
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local here, seen = {}, {}
  local found = vim.diagnostic.get(0, { lnum = row - 1 })
  table.sort(found, function(one, other)
    local function beside(diagnostic)
      return (diagnostic.col <= column and column < diagnostic.end_col) and 0 or 1
    end
    return beside(one) < beside(other)
  end)
  for _, diagnostic in ipairs(found) do
    local rule = find(diagnostic.code)
    if rule and not seen[rule.code] then
      seen[rule.code] = true
      table.insert(here, rule)
    end
  end
  if #here == 1 then
    return show(here[1])
  end
  vim.ui.select(#here > 0 and here or rules, {
    prompt = 'Explain which rule?',
    kind = 'skillyard.rule',
    format_item = function(rule)
      return ('%s: %s'):format(rule.code, rule.summary)
    end,
  }, function(rule)
    if rule then
      show(rule)
    end
  end)
end

--- Has the server check every manifest of the workspace, open or not.
local function check()
  local buffer = vim.api.nvim_get_current_buf()
  -- Each workspace has a server of its own; the one that is meant is this buffer's, if it has one.
  local client = server.client(buffer) or vim.lsp.get_clients({ name = server.NAME })[1]
  if not client then
    return warn('open a skill.toml first: the server checks the folder that it is in')
  end
  local command = { command = 'skillyard.checkWorkspace', title = 'Check Workspace', arguments = {} }
  require('skillyard.requests').execute(client, buffer, command)
end

--- What `:Skillyard` does, by its first word.
local subcommands = {
  check = {
    run = function()
      check()
    end,
  },
  package = {
    run = function(words)
      execute('skillyard.packageAndSign', 'Package and Sign', words[1] and { key = words[1] })
    end,
  },
  verify = {
    run = function(_, rest)
      local artifact = rest ~= '' and vim.uri_from_fname(absolute((rest:gsub('\\ ', ' ')))) or nil
      execute('skillyard.verify', 'Verify', artifact and { artifact = artifact })
    end,
    complete = function(typed)
      return paths(typed, 'file')
    end,
  },
  audit = {
    run = function()
      execute('skillyard.audit', 'Audit')
    end,
  },
  install = {
    run = function(_, rest)
      local artifact = rest ~= '' and vim.uri_from_fname(absolute((rest:gsub('\\ ', ' ')))) or nil
      execute('skillyard.install', 'Install', artifact and { artifact = artifact })
    end,
    complete = function(typed)
      return paths(typed, 'file')
    end,
  },
  run = {
    run = function(_, rest)
      run(rest)
    end,
    complete = function()
      local buffer = vim.api.nvim_get_current_buf()
      local names = {}
      for _, lens in ipairs(require('skillyard.attach').lenses(buffer)) do
        table.insert(names, (lens.data or {}).tool)
      end
      return names
    end,
  },
  test = {
    run = function()
      test()
    end,
  },
  new = {
    run = function(words)
      new(words)
    end,
    complete = function(typed, count)
      return count == 2 and languages or count == 3 and paths(typed, 'dir') or {}
    end,
  },
  explain = {
    run = function(words)
      explain(words[1])
    end,
    complete = function()
      return vim.tbl_map(function(rule)
        return rule.code
      end, require('skillyard.program').rules())
    end,
  },
  restart = {
    run = function()
      server.restart()
    end,
  },
  cancel = {
    run = function()
      local asked = require('skillyard.requests').cancel()
      local ended = require('skillyard.program').cancel()
      if not asked and not ended then
        tell('nothing is under way')
      end
    end,
  },
}

local function names()
  local all = vim.tbl_keys(subcommands)
  table.sort(all)
  return all
end

--- Carries out `:Skillyard`.
---@param command { args: string, fargs: string[] }
function M.run(command)
  local name = command.fargs[1]
  local subcommand = subcommands[name]
  if not subcommand then
    local why = name and ('there is no :Skillyard %s'):format(name) or 'say what'
    return warn(('%s: %s'):format(why, table.concat(names(), ', ')))
  end
  local rest = vim.trim(command.args:sub(#name + 1))
  subcommand.run(vim.list_slice(command.fargs, 2), rest)
end

--- Completes `:Skillyard`.
---@param typed string
---@param line string
---@param at integer
---@return string[]
function M.complete(typed, line, at)
  -- A space with a backslash in front parts no words.
  local words = vim.split((line:sub(1, at):gsub('\\ ', '_')), '%s+', { trimempty = true })
  local count = #words - (typed == '' and 0 or 1)
  -- Words in front of `Skillyard`, such as `silent`, do not count.
  local from = 0
  for number, word in ipairs(words) do
    if word:find('Skillyard$') then
      from = number
    end
  end
  count = count - from
  local offered
  if count <= 0 then
    offered = names()
  else
    local subcommand = subcommands[words[from + 1]]
    offered = subcommand and subcommand.complete and subcommand.complete(typed, count) or {}
  end
  return vim.tbl_filter(function(name)
    return vim.startswith(name, typed)
  end, offered)
end

return M
