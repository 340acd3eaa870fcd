-- The edit that each buffer shows: it follows the text until it is applied or hidden.
local change = require('ensemble_lsp.next_edit.change')
local view = require('ensemble_lsp.next_edit.view')

local M = {}

local tracked = vim.api.nvim_create_namespace('ensemble_lsp.next_edit.range')

---@class ensemble_lsp.NextEdit
---@field client_id integer
---@field command lsp.Command the command to run after the edit was applied
---@field mark integer the extmark that follows the range
---@field old string the text of the range
---@field text string the text that replaces it
---@field hunks ensemble_lsp.Hunk[]

local edits = {} ---@type table<integer, ensemble_lsp.NextEdit>

--- The edit of a buffer.
---@param bufnr integer
---@return ensemble_lsp.NextEdit?
function M.get(bufnr)
  return edits[bufnr]
end

--- Hide the edit of a buffer.
---@param bufnr integer
function M.clear(bufnr)
  local edit = edits[bufnr]
  if not edit then
    return
  end
  edits[bufnr] = nil
  view.clear(bufnr)
  if vim.api.nvim_buf_is_valid(bufnr) then
    vim.api.nvim_buf_del_extmark(bufnr, tracked, edit.mark)
  end
  vim.cmd.redrawstatus()
end

--- The range of an edit after the changes since it was predicted, and its text; nil if the buffer
--- was read again.
---@param bufnr integer
---@param edit ensemble_lsp.NextEdit
---@return ensemble_lsp.Range? range
---@return string text
function M.range_of(bufnr, edit)
  local found = vim.api.nvim_buf_get_extmark_by_id(bufnr, tracked, edit.mark, { details = true })
  if #found == 0 then
    return nil, ''
  end
  local row, col, details = unpack(found)
  local range = { row = row, col = col, end_row = details.end_row, end_col = details.end_col }
  local lines = vim.api.nvim_buf_get_lines(bufnr, row, range.end_row + 1, false)
  -- The range may end behind the last line.
  lines[range.end_row - row + 1] = (lines[range.end_row - row + 1] or ''):sub(1, range.end_col)
  lines[1] = (lines[1] or ''):sub(col + 1)
  return range, table.concat(lines, '\n')
end

--- Whether a row is so near to an edit that no jump is needed.
---@param edit ensemble_lsp.NextEdit
---@param row integer
---@return boolean
function M.is_near(edit, row)
  local first, last = edit.hunks[1], edit.hunks[#edit.hunks]
  return first.row - 1 <= row and row <= last.row + math.max(last.removed, 1)
end

--- Whether a completion is shown on the lines of an edit: it has priority.
---@param edit ensemble_lsp.NextEdit
---@param row integer
---@return boolean
local function is_covered(edit, row)
  local inserting = vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
  local shown = inserting and require('ensemble_lsp.ghost').shown() ~= nil
  return shown and M.is_near(edit, row)
end

--- Draw an edit where it is now.
---@param bufnr integer
---@param edit ensemble_lsp.NextEdit
local function draw(bufnr, edit)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  if bufnr ~= vim.api.nvim_get_current_buf() then
    return
  elseif is_covered(edit, row) then
    return view.clear(bufnr)
  end
  local hint = nil
  if not M.is_near(edit, row) then
    local line = math.min(edit.hunks[1].row + 1, vim.api.nvim_buf_line_count(bufnr))
    hint = { row = row, text = ('→ line %d'):format(line) }
  end
  view.show(bufnr, edit.hunks, hint)
end

--- Follow what the user changed: the edit moves, becomes shorter, or disappears.
---@param bufnr integer
---@return ensemble_lsp.NextEdit? edit the edit that is left
function M.follow(bufnr)
  local edit = edits[bufnr]
  if not edit then
    return nil
  end
  local range, now = M.range_of(bufnr, edit)
  if not range or (now ~= edit.old and not change.leads_to(edit.old, now, edit.text)) then
    M.clear(bufnr)
    return nil
  end
  edit.old = now
  edit.hunks = change.hunks(change.of_lines(bufnr, range, edit.text))
  if #edit.hunks == 0 then -- the user typed all of it
    M.clear(bufnr)
    return nil
  end
  return edit
end

--- Draw the edit of a buffer again, after a move of the cursor or a change of the completion.
---@param bufnr? integer
function M.refresh(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  local edit = M.follow(bufnr) -- the cursor moves before the change of the text is reported
  if edit then
    draw(bufnr, edit)
  end
end

---@param bufnr integer
---@param client vim.lsp.Client
---@param position lsp.Position
---@return integer row
---@return integer col
local function byte_position(bufnr, client, position)
  local line = vim.api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1] or ''
  local encoding = client.offset_encoding
  return position.line, vim.str_byteindex(line, encoding, position.character, false)
end

--- Show an edit; it replaces the one before.
---@param bufnr integer
---@param client vim.lsp.Client
---@param wire table
function M.show(bufnr, client, wire)
  M.clear(bufnr)
  local row, col = byte_position(bufnr, client, wire.range.start)
  local end_row, end_col = byte_position(bufnr, client, wire.range['end'])
  -- What is typed at its ends belongs to it.
  local mark = vim.api.nvim_buf_set_extmark(bufnr, tracked, row, col, {
    end_row = end_row,
    end_col = end_col,
    right_gravity = false,
    end_right_gravity = true,
    strict = false,
  })
  local text = wire.text:gsub('\r\n', '\n')
  local edit =
    { client_id = client.id, command = wire.command, mark = mark, text = text, hunks = {} }
  local range, old = M.range_of(bufnr, edit)
  edit.old = old
  edit.hunks = change.hunks(change.of_lines(bufnr, range, text))
  if #edit.hunks == 0 then
    return
  end
  edits[bufnr] = edit
  draw(bufnr, edit)
  client:notify('textDocument/didShowInlineEdit', { item = { command = wire.command } })
  vim.cmd.redrawstatus()
end

--- Hide the edits of all buffers.
function M.clear_all()
  for bufnr in pairs(vim.tbl_extend('keep', {}, edits)) do
    M.clear(bufnr)
  end
end

return M
