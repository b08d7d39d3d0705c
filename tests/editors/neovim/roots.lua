-- An author opens skills of one repository, then some beside it: a server each for the two, and not one for each skill.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
local home = vim.uv.fs_realpath(vim.env.HOME)

local function roots()
  local all = vim.tbl_map(function(client)
    return vim.uv.fs_realpath(client.config.root_dir)
  end, vim.lsp.get_clients({ name = 'skillyard' }))
  table.sort(all)
  return table.concat(all, ' ')
end

local function open(file)
  vim.cmd.edit(home .. '/' .. file)
  author.wait_for_server()
end

open('workspace/one/skill.toml')
open('workspace/two/deep/skill.toml')
author.check('the repository: ' .. roots(), roots() == home .. '/workspace')

-- No repository: the topmost configuration.
open('plain/a/skill.toml')
open('plain/skills/b/skill.toml')
open('plain/skillyard.toml')
author.check('the topmost: ' .. roots(), roots() == home .. '/plain ' .. home .. '/workspace')

-- Neither.
open('alone/skill.toml')
author.check('its own: ' .. roots(), vim.startswith(roots(), home .. '/alone '))

if vim.fn.exists(':Skillyard') == 2 then
  open('plain/a/skill.toml')
  vim.cmd('Skillyard check')
  local report = author.read_report("The workspace's manifests")
  author.check('of this workspace: ' .. report, report:find('shut/skill.toml', 1, true))
  author.check('of no other: ' .. report, not report:find('closed/skill.toml', 1, true))
end
author.leave()
