--- `:checkhealth skillyard`.
local M = {}

local INSTALL = {
  'In a clone of its repository: cargo install --path .',
  "Or name it: vim.g.skillyard = { server = '/path/to/skillyard' }",
}

local function neovim(health)
  health.start('Neovim')
  local version = ('%d.%d.%d'):format(vim.version().major, vim.version().minor, vim.version().patch)
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok(('Neovim %s, which starts the server by vim.lsp.enable()'):format(version))
  elseif vim.fn.has('nvim-0.10') == 1 then
    health.ok(('Neovim %s, where the plug-in starts the server itself'):format(version))
  else
    health.error(('Neovim %s is too old'):format(version), { 'Use 0.10 or newer; 0.11 is tested' })
  end
  local faults = require('skillyard').faults()
  for _, fault in ipairs(faults) do
    health.error('Options: ' .. fault, { ':help skillyard-options' })
  end
  if #faults == 0 then
    health.ok('The options are all known')
  end
end

--- Says where the program is; whether it is.
local function program(health)
  health.start('The program')
  local path, where = require('skillyard.server').program()
  if not path then
    health.error('There is no server: ' .. where, INSTALL)
    return false
  end
  local said = require('skillyard.program').output({ '--version' }, 10000)
  if not said then
    health.error(('%s does not say its version'):format(path), INSTALL)
    return false
  end
  health.ok(('%s, found by %s: %s'):format(vim.trim(said), where, path))
  return true
end

local function clients(health)
  health.start('The server')
  local server = require('skillyard.server')
  local running = vim.lsp.get_clients({ name = server.NAME })
  for _, client in ipairs(running) do
    local buffers = vim.tbl_count(client.attached_buffers or {})
    health.ok(
      ('It runs as client %d for %s, attached to %d buffers'):format(client.id, client.root_dir or '?', buffers)
    )
  end
  if #running == 0 then
    if not require('skillyard').options().enable then
      health.info('The option `enable` is false: it is not started')
    else
      health.info('It does not run; it starts with the first skill.toml')
    end
  end
  for _, buffer in ipairs(server.manifests()) do
    for _, client in ipairs(vim.lsp.get_clients({ bufnr = buffer })) do
      local formats = client.server_capabilities and client.server_capabilities.documentFormattingProvider
      if client.name ~= server.NAME and formats then
        health.info(
          ("%s formats skill.toml too; vim.lsp.buf.format({ name = 'skillyard' }) chooses"):format(client.name)
        )
      end
    end
  end
end

--- What the program itself says of this machine.
local function machine(health)
  local text = require('skillyard.program').output({ 'doctor', '--format', 'json' }, 20000)
  local ok, report = pcall(vim.json.decode, text or '', { luanil = { object = true } })
  health.start('This machine (skillyard doctor)')
  if not ok or type(report) ~= 'table' or type(report.signs) ~= 'table' then
    return health.warn('`skillyard doctor` gave no report')
  end
  for _, sign in ipairs(report.signs) do
    local line = ('%s: %s'):format(sign.name, sign.detail)
    local advice = sign.advice and { sign.advice } or nil
    if sign.area == 'editors' then
      -- Where this is read is one.
      line = nil
    end
    if line and sign.health == 'good' then
      health.ok(line)
    elseif line and sign.health == 'absent' then
      health.info(line .. (sign.advice and ('; ' .. sign.advice) or ''))
    elseif line and sign.health == 'broken' then
      health.error(line, advice)
    elseif line then
      health.warn(line, advice)
    end
  end
end

function M.check()
  local health = vim.health
  neovim(health)
  if program(health) then
    clients(health)
    machine(health)
  end
end

return M
