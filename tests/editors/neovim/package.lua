-- An author packages and signs by the lens over the manifest, with a key made on the way, then verifies and audits.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
author.answers = { ['Code lenses'] = 'Package and Sign', ['no key to sign with'] = 'Create a signing key', ['is not known here yet'] = 'Trust This Key' }

local begun, ended = false, false
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    local kind = event.data.params.value.kind
    begun = begun or kind == 'begin'
    ended = ended or kind == 'end'
  end,
})

author.wait_for_server()
author.go_to_lens('Package and Sign')
author.press('grx')
local packaged = author.read_report('is packaged and signed')
author.check('the report has the key', packaged:find('Key: ed25519:', 1, true))
author.check('progress', begun and ended)
author.check('the outcome is told', author.was_told('is packaged'))
author.say('asked ' .. #author.asked)

-- The report closes by one key, and the manifest is there again.
author.press('q')
author.check('the manifest', vim.fn.expand('%:t') == 'skill.toml')
author.check('one window', #vim.api.nvim_list_wins() == 1)
author.go_to_lens('Verify')

vim.cmd('Skillyard verify')
local verified = author.read_report(': accepted')
author.check('who signed it', verified:find('Publisher: acme', 1, true))

-- The next report takes the same window, also when it is asked for from there: one manifest is open.
vim.cmd('Skillyard audit')
author.read_report('the audit')
author.check('two windows', #vim.api.nvim_list_wins() == 2)

vim.cmd('Skillyard install')
local installed = author.read_report('is installed')
author.check('who may speak for it now', installed:find('from now on the only one', 1, true))
author.leave()
