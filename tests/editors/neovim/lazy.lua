-- What lazy.nvim does with a plug-in that is loaded by its filetype: its detection of filetypes is read at the start, the
-- rest when the first file is open, and then the event is sent again.

local plugin = vim.env.PLUGIN
for _, file in ipairs(vim.fn.glob(plugin .. '/ftdetect/*', false, true)) do
  vim.cmd.source(file)
end
vim.api.nvim_create_autocmd('FileType', {
  pattern = 'toml',
  once = true,
  callback = function(event)
    vim.opt.runtimepath:prepend(plugin)
    for _, file in ipairs(vim.fn.glob(plugin .. '/plugin/*', false, true)) do
      vim.cmd.source(file)
    end
    vim.schedule(function()
      vim.api.nvim_exec_autocmds('FileType', { buffer = event.buf, modeline = false })
    end)
  end,
})
