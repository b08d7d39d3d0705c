if vim.g.loaded_skillyard then
  return
end
vim.g.loaded_skillyard = 1

if vim.fn.has('nvim-0.10') == 0 then
  -- Only what Neovim 0.5 has: this must still be said there.
  vim.cmd([[
    function! s:too_old() abort
      echohl WarningMsg
      echomsg 'Skillyard needs Neovim 0.10 or newer; use `skillyard check` in a terminal meanwhile.'
      echohl None
    endfunction
    command! -nargs=* Skillyard call s:too_old()
    augroup skillyard
      autocmd!
      autocmd BufReadPost,BufNewFile skill.toml ++once call s:too_old()
    augroup END
  ]])
  return
end

vim.api.nvim_create_user_command('Skillyard', function(command)
  require('skillyard.commands').run(command)
end, {
  nargs = '*',
  desc = 'Skillyard: package, audit, verify, run and test the skill of this manifest',
  complete = function(typed, line, at)
    return require('skillyard.commands').complete(typed, line, at)
  end,
})

vim.keymap.set('n', '<Plug>(skillyard-lens)', function()
  vim.lsp.codelens.run()
end, { desc = 'Skillyard: run the lens of this line' })

require('skillyard').enable()
