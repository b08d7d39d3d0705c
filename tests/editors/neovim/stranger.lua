-- A manifest of a stranger is opened, edited and saved: it is checked, and nothing of its folder is run.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
author.wait_for_server()
author.wait_for('the mistake', function()
  for _, told in ipairs(vim.diagnostic.get(0)) do
    if told.code == 'tool/not-namespaced' then
      return true
    end
  end
end)
author.say('told tool/not-namespaced')
vim.cmd.write()
author.wait_for('the lenses', function()
  return #vim.lsp.codelens.get(0) > 0
end)
author.check('nothing is asked', #author.asked == 0)
author.leave()
