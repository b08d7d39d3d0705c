-- However the plug-in came here: the manifest is served, its lenses are shown and its key is mapped.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
author.wait_for_server()
author.wait_for('the lenses', function()
  return #author.lenses() > 0
end)
author.check('one client', #vim.lsp.get_clients() == 1)
author.check('the key', vim.fn.maparg('grx', 'n') == '<Plug>(skillyard-lens)')
author.check('TOML', vim.bo.filetype == 'toml')
author.check('the command', vim.fn.exists(':Skillyard') == 2)
author.say('server ' .. require('skillyard.server').program())

-- Another TOML file is none of its business.
vim.cmd.edit('other.toml')
local turned = false
vim.schedule(function()
  turned = true
end)
author.wait_for('what was scheduled', function()
  return turned
end)
author.check('not served', #vim.lsp.get_clients({ bufnr = 0 }) == 0)
author.leave()
