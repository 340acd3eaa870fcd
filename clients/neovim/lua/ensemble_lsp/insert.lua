-- Inserts the text of an item, or a part of it: only what the buffer does not have yet.
local M = {}

--- The range of an item; vim.Range has other fields in the development versions of Neovim 0.12.
local function bounds(item)
  local range = item.range
  if not range then
    local cursor = vim.api.nvim_win_get_cursor(0)
    return { row = cursor[1] - 1, col = cursor[2], end_row = cursor[1] - 1, end_col = cursor[2] }
  elseif range.start_row then
    return {
      row = range.start_row,
      col = range.start_col,
      end_row = range.end_row,
      end_col = range.end_col,
    }
  end
  return {
    row = range.start.row,
    col = range.start.col,
    end_row = range.end_.row,
    end_col = range.end_.col,
  }
end

--- The number of bytes of the line behind an item's range.
---@param bufnr integer
---@param item table of a server's result
---@param encoding string
---@return integer?
function M.behind(bufnr, item, encoding)
  local last = item.range and item.range['end']
  local line = last and vim.api.nvim_buf_get_lines(bufnr, last.line, last.line + 1, false)[1]
  return line and #line - vim.str_byteindex(line, encoding, last.character, false)
end

--- Make the next edit a separate change for |u|.
function M.break_undo()
  vim.cmd('let &g:undolevels = &g:undolevels')
end

--- Split an item at the cursor into the text already in the buffer and the rest; nil if the buffer
--- differs from the item.
---@return string? done
---@return string? rest
function M.split(item)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, col = cursor[1] - 1, cursor[2]
  local at = bounds(item)
  if at.row > row or (at.row == row and at.col > col) then
    return nil
  end
  local done = table.concat(vim.api.nvim_buf_get_text(0, at.row, at.col, row, col, {}), '\n')
  local text = item.insert_text
  if type(text) ~= 'string' or text:sub(1, #done) ~= done then
    return nil
  end
  return done, text:sub(#done + 1)
end

--- The length of the longest start of `behind` whose characters `text` contains in this order.
local function contained(behind, text)
  local position = 1
  for index = 1, #behind do
    local found = text:find(behind:sub(index, index), position, true)
    if not found then
      return index - 1
    end
    position = found + 1
  end
  return #behind
end

--- Insert text of an item at the cursor. A part replaces what it contains of the text behind the
--- cursor, the last part the whole range of the item.
---@param text string
---@param item vim.lsp.inline_completion.Item
---@param behind? integer bytes of the line behind the item's range; they move with the cursor
---@param is_last boolean
function M.at_cursor(text, item, behind, is_last)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, col = cursor[1] - 1, cursor[2]
  local line, at = vim.api.nvim_get_current_line(), bounds(item)
  local last_col = col
  if at.end_row == row then
    local end_col = behind and #line - behind or math.min(at.end_col, #line)
    last_col = math.max(col, end_col)
    if not is_last then
      last_col = col + contained(line:sub(col + 1, last_col), text)
    end
  end
  local lines = vim.split(text, '\n')
  vim.api.nvim_buf_set_text(0, row, col, row, last_col, lines)
  local last = lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines, (#lines == 1 and col or 0) + #last })
end

--- Replace the whole range of an item, as Neovim does.
---@param item vim.lsp.inline_completion.Item
function M.replace(item)
  if type(item.insert_text) ~= 'string' then
    return vim.snippet.expand(item.insert_text.value)
  end
  local at, lines = bounds(item), vim.split(item.insert_text, '\n')
  vim.api.nvim_buf_set_text(0, at.row, at.col, at.end_row, at.end_col, lines)
  local col = (#lines == 1 and at.col or 0) + #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { at.row + #lines, col })
end

return M
