-- ensemble-lsp for Neovim: accepting suggestions, whole or in part, and what to show of the server.
local M = {}

M.name = 'ensemble_lsp'
M.status = nil ---@type table?

---@return vim.lsp.Client?
function M.client()
  return vim.lsp.get_clients({ name = M.name, bufnr = 0 })[1]
    or vim.lsp.get_clients({ name = M.name })[1]
end

---@param status table
function M.on_status(status)
  M.status = status
  vim.api.nvim_exec_autocmds('User', { pattern = 'EnsembleStatus', data = status })
  vim.cmd.redrawstatus()
end

--- For the status line: what the server is doing, and which model spoke last.
---@return string
function M.statusline()
  local status = M.status
  if not M.client() then
    return ''
  end
  if not status then
    return 'ensemble'
  end
  local icon = ({ busy = '…', offline = '!', idle = '' })[status.state] or ''
  return 'ensemble' .. icon .. (status.model and (': ' .. status.model) or '')
end

local function notify(method, params)
  local client = M.client()
  if client then
    client:notify(method, params)
  end
end

local function id_of(item)
  local argument = item.command and item.command.arguments and item.command.arguments[1]
  return argument and argument.id
end

--- The part of a text up to the end of its first word, or of its first line.
---@param text string
---@param by 'word'|'line'
---@return string
function M.part(text, by)
  if by == 'line' then
    local first = text:match('^\n*[^\n]*')
    return first ~= '' and first or text
  end
  return text:match('^%s*[%w_]+') or text:match('^%s*[^%w_%s]+') or text
end

--- Accept a part of the shown suggestion; the rest is offered again at once.
---@param by 'word'|'line'
---@return boolean accepted whether there was a suggestion
function M.accept_part(by)
  return vim.lsp.inline_completion.get({
    on_accept = function(item)
      local text = type(item.insert_text) == 'string' and item.insert_text or ''
      local cursor = vim.api.nvim_win_get_cursor(0)
      local row, col = cursor[1] - 1, cursor[2]
      local start = item.range and item.range.start or { row = row, col = col }
      -- What stands between the range's start and the cursor was typed already.
      local typed = vim.api.nvim_buf_get_text(0, start.row, start.col, row, col, {})
      local done = table.concat(typed, '\n')
      local rest = text:sub(1, #done) == done and text:sub(#done + 1) or text
      local part = M.part(rest, by)
      local lines = vim.split(part, '\n')
      vim.api.nvim_buf_set_text(0, row, col, row, col, lines)
      local last = lines[#lines]
      vim.api.nvim_win_set_cursor(0, { row + #lines, (#lines == 1 and col or 0) + #last })
      local length = vim.str_utfindex(done .. part, 'utf-16')
      notify('ensemble/didPartiallyAccept', { id = id_of(item), length = length })
    end,
  })
end

--- Accept the whole suggestion; the item's command runs as well.
---@return boolean accepted whether there was a suggestion
function M.accept()
  return vim.lsp.inline_completion.get()
end

function M.next()
  vim.lsp.inline_completion.select({ count = 1 })
end

function M.previous()
  vim.lsp.inline_completion.select({ count = -1 })
end

local function map(lhs, accept, desc)
  if not lhs then
    return
  end
  vim.keymap.set('i', lhs, function()
    if not accept() then
      return lhs
    end
  end, { expr = true, desc = desc, replace_keycodes = true })
end

---@class ensemble_lsp.Opts
---@field keymaps? { accept?: string|false, word?: string|false, line?: string|false, next?: string|false, previous?: string|false }
---@field config? vim.lsp.Config

--- Enable the server and, with Neovim 0.12, its ghost text.
---@param opts? ensemble_lsp.Opts
function M.setup(opts)
  opts = opts or {}
  if opts.config then
    vim.lsp.config(M.name, opts.config)
  end
  vim.lsp.enable(M.name)
  if not vim.lsp.inline_completion then
    return -- the same suggestions come as completions
  end
  vim.lsp.inline_completion.enable(true)
  local keys = vim.tbl_extend('force', {
    accept = '<Tab>',
    word = '<M-Right>',
    line = '<M-Down>',
    next = '<M-]>',
    previous = '<M-[>',
  }, opts.keymaps or {})
  map(keys.accept, M.accept, 'Ensemble: accept the suggestion')
  map(keys.word, function() return M.accept_part('word') end, 'Ensemble: accept a word')
  map(keys.line, function() return M.accept_part('line') end, 'Ensemble: accept a line')
  if keys.next then
    vim.keymap.set('i', keys.next, M.next, { desc = 'Ensemble: next suggestion' })
  end
  if keys.previous then
    vim.keymap.set('i', keys.previous, M.previous, { desc = 'Ensemble: previous suggestion' })
  end
end

return M
