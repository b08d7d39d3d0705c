-- What `:checkhealth skillyard` says where all is well.

local author = dofile(vim.env.SITTINGS .. '/author.lua')
author.wait_for_server()
vim.cmd('checkhealth skillyard')
author.say(table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n'))
author.leave()
