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

-- Who opens no skill pays for nothing: the rest is read with its first file.
---@param buffer integer
---@return boolean? done
local function first(buffer)
  local name = vim.fs.basename(vim.api.nvim_buf_get_name(buffer))
  if name == 'skill.toml' or name == 'skillyard.toml' then
    require('skillyard').enable()
    return true
  end
end

for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
  -- Plug-ins that are loaded late come after it.
  if vim.api.nvim_buf_is_loaded(buffer) and first(buffer) then
    return
  end
end
vim.api.nvim_create_autocmd('FileType', {
  group = vim.api.nvim_create_augroup('skillyard.first', { clear = true }),
  pattern = 'toml',
  callback = function(event)
    return first(event.buf)
  end,
})
