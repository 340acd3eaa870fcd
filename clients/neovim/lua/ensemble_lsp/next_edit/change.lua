-- A replacement of text as a change of whole lines, and the differences that it makes.
local M = {}

local diff = vim.text and vim.text.diff or vim.diff
local WORD = vim.regex([[\k\+\|\s\+\|.]])

--- The most pieces of a line that are shown within it.
local MAX_PIECES = 3

---@class ensemble_lsp.Range zero-based rows and byte columns; the end is exclusive
---@field row integer
---@field col integer
---@field end_row integer
---@field end_col integer

---@class ensemble_lsp.LineChange
---@field row integer the row of the first old line, zero-based
---@field old string[]
---@field new string[]

---@class ensemble_lsp.Piece a part of a line: `added` replaces the bytes from `first` to `last`
---@field first integer zero-based
---@field last integer exclusive
---@field added string

---@class ensemble_lsp.Hunk
---@field row integer the row of the first removed line; of an insertion, the row that follows
---@field removed integer number of lines
---@field added string[] the lines that replace them
---@field pieces? ensemble_lsp.Piece[] of one line that is replaced by another, if they are similar

---@param bufnr integer
---@param row integer
---@return string
local function line_at(bufnr, row)
  return vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
end

--- The lines that a replacement affects, before and after it.
---@param bufnr integer
---@param range ensemble_lsp.Range
---@param text string
---@return ensemble_lsp.LineChange
function M.of_lines(bufnr, range, text)
  local head = line_at(bufnr, range.row):sub(1, range.col)
  local whole = head .. text
  -- A range that ends where a line begins leaves this line alone if the text ends a line too.
  if range.end_col == 0 and (whole == '' or vim.endswith(whole, '\n')) then
    local old = vim.api.nvim_buf_get_lines(bufnr, range.row, range.end_row, false)
    local new = whole == '' and {} or vim.split(whole:sub(1, -2), '\n')
    return { row = range.row, old = old, new = new }
  end
  local tail = line_at(bufnr, range.end_row):sub(range.end_col + 1)
  local old = vim.api.nvim_buf_get_lines(bufnr, range.row, range.end_row + 1, false)
  return { row = range.row, old = old, new = vim.split(whole .. tail, '\n') }
end

---@param lines string[]
---@return string
local function joined(lines)
  return #lines == 0 and '' or table.concat(lines, '\n') .. '\n'
end

---@param line string
---@return string[]
local function words(line)
  local found = {}
  while line ~= '' do
    local _, last = WORD:match_str(line)
    found[#found + 1] = line:sub(1, last)
    line = line:sub(last + 1)
  end
  return found
end

--- The lengths of the start and of the end that two texts have in common.
---@param one string
---@param other string
---@return integer head
---@return integer tail
local function common_ends(one, other)
  local shorter = math.min(#one, #other)
  local head, tail = 0, 0
  while head < shorter and one:byte(head + 1) == other:byte(head + 1) do
    head = head + 1
  end
  while tail < shorter - head and one:byte(-tail - 1) == other:byte(-tail - 1) do
    tail = tail + 1
  end
  return head, tail
end

--- A word that only becomes longer or shorter: only this part of it is shown.
---@param piece ensemble_lsp.Piece
---@param removed string
---@return ensemble_lsp.Piece
local function smallest(piece, removed)
  local head, tail = common_ends(removed, piece.added)
  if head + tail < math.min(#removed, #piece.added) then
    return piece
  end
  return {
    first = piece.first + head,
    last = piece.last - tail,
    added = piece.added:sub(head + 1, #piece.added - tail),
  }
end

---@param parts string[]
---@param first integer
---@param count integer
---@return string
local function slice(parts, first, count)
  return table.concat(parts, '', first, first + count - 1)
end

--- The parts of a line that are replaced; nil if the lines have too little in common.
---@param old string
---@param new string
---@return ensemble_lsp.Piece[]?
function M.pieces(old, new)
  local before, after = words(old), words(new)
  local indices = diff(joined(before), joined(after), { result_type = 'indices' })
  local found, removed = {}, 0
  for _, hunk in
    ipairs(indices --[[@as integer[][] ]])
  do
    local at, count, new_at, new_count = unpack(hunk)
    -- The index of an insertion is that of the word before it.
    local first = #slice(before, 1, count == 0 and at or at - 1)
    local last = first + #slice(before, at, count)
    local piece = { first = first, last = last, added = slice(after, new_at, new_count) }
    piece = smallest(piece, old:sub(first + 1, last))
    found[#found + 1] = piece
    removed = removed + #vim.trim(old:sub(piece.first + 1, piece.last))
  end
  local readable = #found <= MAX_PIECES and removed * 2 <= #vim.trim(old)
  return readable and found or nil
end

---@param change ensemble_lsp.LineChange
---@return ensemble_lsp.Hunk[]
function M.hunks(change)
  local found = {}
  local options = { result_type = 'indices', algorithm = 'histogram', linematch = 60 }
  local indices = diff(joined(change.old), joined(change.new), options)
  for _, hunk in
    ipairs(indices --[[@as integer[][] ]])
  do
    local at, removed, new_at, count = unpack(hunk)
    local added = vim.list_slice(change.new, new_at, new_at + count - 1)
    local row = change.row + (removed == 0 and at or at - 1)
    if removed ~= count then
      found[#found + 1] = { row = row, removed = removed, added = added }
    else
      for index, line in ipairs(added) do
        local pieces = M.pieces(change.old[at + index - 1], line)
        local one = { row = row + index - 1, removed = 1, added = { line }, pieces = pieces }
        found[#found + 1] = one
      end
    end
  end
  return found
end

--- Whether the user's changes lead from the text before them towards `target`.
---@param before string
---@param now string
---@param target string
---@return boolean
function M.leads_to(before, now, target)
  local head, tail = common_ends(before, now)
  local typed = now:sub(head + 1, #now - tail)
  if typed == '' then
    return not target:find(before:sub(head + 1, #before - tail), 1, true)
  end
  local enough = #target >= #now
  return enough
    and (
      vim.startswith(target, now:sub(1, head) .. typed)
      or vim.endswith(target, typed .. now:sub(#now - tail + 1))
    )
end

return M
