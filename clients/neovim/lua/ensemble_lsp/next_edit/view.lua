-- The next edit on the screen: removed text is highlighted, added text is virtual.
local M = {}

local space = vim.api.nvim_create_namespace('ensemble_lsp.next_edit')

local LINKS = {
  EnsembleEditAdd = 'DiffAdd',
  EnsembleEditDelete = 'DiffDelete',
  EnsembleEditHint = 'DiagnosticHint',
}

---@param bufnr integer
---@param row integer
---@param col integer
---@param options vim.api.keyset.set_extmark
local function mark(bufnr, row, col, options)
  options.priority = 200
  options.undo_restore = false
  options.strict = false
  vim.api.nvim_buf_set_extmark(bufnr, space, row, col, options)
end

--- Replace the tabs of a text that begins at a column: virtual text has none.
---@param bufnr integer
---@param text string
---@param column integer
---@return string
local function without_tabs(bufnr, text, column)
  local width = vim.bo[bufnr].tabstop
  local done = ''
  for part, tab in text:gmatch('([^\t]*)(\t?)') do
    done = done .. part
    if tab ~= '' then
      local at = column + vim.fn.strdisplaywidth(done)
      done = done .. (' '):rep(width - at % width)
    end
  end
  return done
end

--- Show lines below a row; below row -1 they are above the first line.
---@param bufnr integer
---@param row integer
---@param lines string[]
local function show_added_lines(bufnr, row, lines)
  local virtual = vim.tbl_map(function(line)
    local text = without_tabs(bufnr, line, 0)
    return { { text == '' and ' ' or text, 'EnsembleEditAdd' } }
  end, lines)
  if row >= 0 then
    return mark(bufnr, row, 0, { virt_lines = virtual })
  end
  mark(bufnr, 0, 0, { virt_lines = virtual, virt_lines_above = true })
  -- Neovim does not scroll to lines above the first one by itself.
  for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
    vim.api.nvim_win_call(window, function()
      if vim.fn.line('w0') == 1 then
        vim.fn.winrestview({ topfill = #lines })
      end
    end)
  end
end

---@param bufnr integer
---@param row integer
---@param pieces ensemble_lsp.Piece[]
local function show_pieces(bufnr, row, pieces)
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1]
  for _, piece in ipairs(pieces) do
    if piece.last > piece.first then
      mark(bufnr, row, piece.first, { end_col = piece.last, hl_group = 'EnsembleEditDelete' })
    end
    if piece.added ~= '' then
      local column = vim.fn.strdisplaywidth(line:sub(1, piece.last))
      local text = without_tabs(bufnr, piece.added, column)
      mark(bufnr, row, piece.last, {
        virt_text = { { text, 'EnsembleEditAdd' } },
        virt_text_pos = 'inline',
        right_gravity = false,
      })
    end
  end
end

---@param bufnr integer
---@param hunk ensemble_lsp.Hunk
local function show_hunk(bufnr, hunk)
  if hunk.pieces then
    return show_pieces(bufnr, hunk.row, hunk.pieces)
  end
  for row = hunk.row, hunk.row + hunk.removed - 1 do
    mark(bufnr, row, 0, {
      end_row = row + 1,
      hl_group = 'EnsembleEditDelete',
      hl_eol = true,
    })
  end
  if #hunk.added > 0 then
    show_added_lines(bufnr, hunk.row + hunk.removed - 1, hunk.added)
  end
end

---@param bufnr integer
function M.clear(bufnr)
  if vim.api.nvim_buf_is_valid(bufnr) then
    vim.api.nvim_buf_clear_namespace(bufnr, space, 0, -1)
  end
end

--- Show an edit, and at the end of the cursor's line where it is.
---@param bufnr integer
---@param hunks ensemble_lsp.Hunk[]
---@param hint? { row: integer, text: string }
function M.show(bufnr, hunks, hint)
  M.clear(bufnr)
  for group, link in pairs(LINKS) do
    vim.api.nvim_set_hl(0, group, { link = link, default = true })
  end
  for _, hunk in ipairs(hunks) do
    show_hunk(bufnr, hunk)
  end
  if hint then
    local text = { { hint.text, 'EnsembleEditHint' } }
    mark(bufnr, hint.row, 0, { virt_text = text, virt_text_pos = 'eol' })
  end
end

return M
