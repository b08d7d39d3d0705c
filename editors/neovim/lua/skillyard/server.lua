--- The language server: where its program is, how a client starts it, and what happens when it dies.
local M = {}

M.NAME = 'skillyard'

--- What the server knows, by the files' names: the languages that it is told.
M.languages = { ['skill.toml'] = 'skill-manifest', ['skillyard.toml'] = 'skillyard' }

--- How often a server that dies is started again before a person is asked to, and within how many seconds.
local RESTARTS, WITHIN = 4, 180

local function options()
  return require('skillyard').options()
end

local function tell(...)
  require('skillyard').tell(...)
end

local windows = vim.fn.has('win32') == 1

---@param path string
local function is_absolute(path)
  if windows then
    return path:find('^%a:[/\\]') ~= nil or path:find('^[/\\][/\\]') ~= nil
  end
  return vim.startswith(path, '/')
end

---@param folder string
---@return string?
local function within(folder)
  for _, name in ipairs(windows and { 'skillyard.exe', 'skillyard.cmd' } or { 'skillyard' }) do
    local path = vim.fs.normalize(folder .. '/' .. name)
    if vim.fn.executable(path) == 1 then
      return path
    end
  end
end

--- The program: the one that the options name, else the first on PATH, else the one that mason installed. Entries of
--- PATH that are relative do not count: they would name a program of whatever folder is open.
---@return string? path
---@return string where it was found; or why it was not
function M.program()
  local named = options().server
  if named then
    local path = vim.fs.normalize(named)
    if not is_absolute(path) then
      return nil, ('the option `server` is %s, which is no absolute path'):format(vim.inspect(named))
    elseif vim.fn.executable(path) == 0 then
      return nil, ('the option `server` is %s, where no program is'):format(vim.inspect(named))
    end
    return path, 'the option `server`'
  end
  for _, folder in ipairs(vim.split(vim.env.PATH or '', windows and ';' or ':', { plain = true, trimempty = true })) do
    local path = is_absolute(folder) and within(folder)
    if path then
      return path, 'PATH'
    end
  end
  local mason = vim.env.MASON or (vim.fn.stdpath('data') .. '/mason')
  local path = is_absolute(mason) and within(mason .. '/bin')
  if path then
    return path, 'mason'
  end
  return nil, 'there is no `skillyard` on PATH'
end

--- Says that there is no server, and what to do.
---@param why string
function M.tell_missing(why)
  tell(
    ('%s. Install it (`cargo install --path .` in its repository), or name it by the option `server`; see :checkhealth skillyard'):format(
      why
    ),
    vim.log.levels.WARN
  )
end

local told_missing = {}

--- The path of a buffer's file and its language, if it is one for the server.
---@param buffer integer
---@return string? file
---@return string? language
function M.served(buffer)
  local file = vim.api.nvim_buf_get_name(buffer)
  local language = M.languages[vim.fs.basename(file)]
  if language and vim.bo[buffer].buftype == '' and not file:find('^%a[%w+.-]+://') then
    return file, language
  end
end

--- The path of a manifest's file, if that is what a buffer holds.
---@param buffer integer
---@return string?
function M.manifest(buffer)
  local file, language = M.served(buffer)
  return language == 'skill-manifest' and file or nil
end

---@param holds fun(buffer: integer): string?
---@return integer[]
local function buffers(holds)
  return vim.tbl_filter(function(buffer)
    return vim.api.nvim_buf_is_loaded(buffer) and holds(buffer) ~= nil
  end, vim.api.nvim_list_bufs())
end

--- The buffers that hold manifests.
---@return integer[]
function M.manifests()
  return buffers(M.manifest)
end

--- The folder that a manifest's workspace is: its repository, else the topmost folder with a `skillyard.toml`, else its own.
--- Not the nearest: each new skill has a `skillyard.toml`, and one server is to know all of them. The server keeps a person's
--- keys out of workspaces, so a repository of the whole home is none.
---@param file string
---@return string
local function root_of(file)
  local home = vim.uv.os_homedir()
  home = home and vim.fs.normalize(home) .. '/'
  local topmost
  for folder in vim.fs.parents(file) do
    local path = (vim.fs.normalize(folder) .. '/'):gsub('/+$', '/')
    if home and vim.startswith(home, path) then
      break
    elseif vim.uv.fs_stat(path .. '.git') then
      return folder
    elseif vim.uv.fs_stat(path .. 'skillyard.toml') then
      topmost = folder
    end
  end
  return topmost or vim.fs.dirname(file)
end

---@param buffer integer
---@param start fun(root: string)
local function root_dir(buffer, start)
  local file = M.served(buffer)
  if not file then
    return
  end
  -- Who set a command of their own knows where it is.
  local config = vim.lsp.config and vim.lsp.config[M.NAME]
  if not config or config.cmd == M.connect then
    local path, why = M.program()
    if not path then
      if not told_missing[why] then
        told_missing[why] = true
        M.tell_missing(why)
      end
      return
    end
  end
  start(root_of(file))
end

--- Starts the program and speaks to it.
function M.connect(dispatchers)
  local path, why = M.program()
  if not path then
    error('Skillyard: ' .. why, 0)
  end
  return vim.lsp.rpc.start({ path, 'lsp' }, dispatchers)
end

--- When servers died.
local deaths = {}

--- Starts the server for the files that have none.
function M.revive()
  for _, buffer in ipairs(buffers(M.served)) do
    if #vim.lsp.get_clients({ bufnr = buffer, name = M.NAME }) == 0 then
      M.start(buffer)
    end
  end
end

---@param code integer
---@param signal integer
---@param client integer
local function on_exit(code, signal, client)
  require('skillyard.requests').forget(client)
  -- Signal 15 is what Neovim sends where a person stops a server by force.
  local meant = signal == 15 or (code == 0 and signal == 0)
  if meant or vim.v.exiting ~= vim.NIL or not options().restart then
    return
  end
  local now = vim.uv.now() / 1000
  deaths = vim.tbl_filter(function(at)
    return now - at < WITHIN
  end, deaths)
  table.insert(deaths, now)
  local how = signal ~= 0 and ('signal %d'):format(signal) or ('code %d'):format(code)
  vim.schedule(function()
    if #deaths > RESTARTS then
      return tell(
        ('the server ended %d times in a row, last with %s; :Skillyard restart starts it again, and the log is %s'):format(
          #deaths,
          how,
          require('vim.lsp.log').get_filename()
        ),
        vim.log.levels.ERROR
      )
    end
    tell(('the server ended with %s and is started again'):format(how), vim.log.levels.WARN)
    vim.defer_fn(M.revive, 100 * 4 ^ (#deaths - 1))
  end)
end

--- What the server is told of this editor; nil where Neovim itself says all of it. Neovim 0.10 shows lenses, and does not
--- say so, and the server offers them only to who does.
local function capabilities()
  local known = vim.lsp.protocol.make_client_capabilities()
  if not known.textDocument.codeLens then
    known.textDocument.codeLens = { dynamicRegistration = false }
    return known
  end
end

--- The client's configuration, as `vim.lsp.config` takes it.
function M.config()
  return {
    name = M.NAME,
    cmd = M.connect,
    filetypes = { 'toml' },
    root_dir = root_dir,
    capabilities = capabilities(),
    get_language_id = function(buffer, filetype)
      local _, language = M.served(buffer)
      return language or filetype
    end,
    commands = require('skillyard.requests').commands,
    handlers = require('skillyard.requests').handlers,
    on_exit = on_exit,
  }
end

--- Starts the server for a buffer, or attaches the one that runs.
---@param buffer integer
function M.start(buffer)
  local config = vim.deepcopy(vim.lsp.config and vim.lsp.config[M.NAME] or M.config())
  local function start(root)
    config.root_dir = root
    vim.lsp.start(config, { bufnr = buffer, reuse_client = config.reuse_client })
  end
  if type(config.root_dir) == 'function' then
    config.root_dir(buffer, start)
  else
    start(config.root_dir)
  end
end

--- Stops a client's server, as this Neovim wants it.
---@param client vim.lsp.Client
---@param force boolean?
local function stop(client, force)
  if vim.fn.has('nvim-0.11') == 1 then
    client:stop(force)
  else
    client.stop(force)
  end
end

--- Stops every server and starts it anew.
function M.restart()
  deaths, told_missing = {}, {}
  local clients = vim.lsp.get_clients({ name = M.NAME })
  vim.iter(clients):each(stop)
  local left = 100
  local function when_gone()
    local gone = vim.iter(clients):all(function(client)
      return vim.lsp.get_client_by_id(client.id) == nil
    end)
    left = left - 1
    if gone or left == 0 then
      if not gone then
        -- It does not listen any more.
        vim.iter(clients):each(function(client)
          stop(client, true)
        end)
      end
      return vim.tbl_map(M.start, buffers(M.served))
    end
    vim.defer_fn(when_gone, 20)
  end
  when_gone()
end

--- The client of a buffer that is ready.
---@param buffer integer
---@return vim.lsp.Client?
function M.client(buffer)
  return vim.lsp.get_clients({ bufnr = buffer, name = M.NAME })[1]
end

return M
