--- Text of others where a person reads it.
local M = {}

--- Characters that a reader would not see, and so could be deceived by: controls, those that turn the direction of text,
--- those without width. The same as `is_unseen` in `server/manifest/src/show.rs`; a sitting of the tests holds them equal.
M.unseen = {
  { 0x00, 0x1f },
  { 0x7f, 0x9f },
  { 0xad, 0xad },
  { 0x34f, 0x34f },
  { 0x61c, 0x61c },
  { 0x115f, 0x1160 },
  { 0x17b4, 0x17b5 },
  { 0x180b, 0x180f },
  { 0x200b, 0x200f },
  { 0x2028, 0x202e },
  { 0x2060, 0x206f },
  { 0x2800, 0x2800 },
  { 0x3164, 0x3164 },
  { 0xfe00, 0xfe0f },
  { 0xfeff, 0xfeff },
  { 0xffa0, 0xffa0 },
  { 0xfff0, 0xfffb },
  { 0x1bca0, 0x1bca3 },
  { 0x1d173, 0x1d17a },
  { 0xe0000, 0xe0fff },
}

--- Text on one line, with what could not be seen written out.
---@param text any
---@return string
function M.line(text)
  -- A character of UTF-8, or a byte that is none.
  local shown = tostring(text):gsub('[%z\1-\127\192-\247][\128-\191]*', function(char)
    local code = #char == 1 and char:byte() or vim.fn.char2nr(char)
    for _, range in ipairs(M.unseen) do
      if range[1] <= code and code <= range[2] then
        return char == '\n' and '\\n' or char == '\t' and '\\t' or ('\\u{%x}'):format(code)
      end
    end
  end)
  return shown
end

--- The same, and no longer than a name should be.
---@param text any
---@return string
function M.name(text)
  local line = M.line(text)
  if vim.fn.strchars(line) > 80 then
    return vim.fn.strcharpart(line, 0, 79) .. '…'
  end
  return line
end

--- The same, so that nothing of it is Markdown.
---@param text any
---@return string
function M.words(text)
  return (M.line(text):gsub('[\\`*_%[%]<>|~#]', '\\%0'))
end

return M
