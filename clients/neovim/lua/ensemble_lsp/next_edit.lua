-- The next edit: ask for it after a change, show it, jump to it and apply it, or dismiss it.
local shown = require('ensemble_lsp.next_edit.shown')

local M = {}

local METHOD = 'textDocument/copilotInlineEdit'
local INVOKED, AUTOMATIC = 1, 2
local DEBOUNCE_MS = 100
--- Diagnostics within this many lines of the cursor are sent.
local DIAGNOSTIC_LINES = 50

---@class ensemble_lsp.EditRequest
---@field client vim.lsp.Client
---@field id? integer
---@field tick integer

local requests = {} ---@type table<integer, ensemble_lsp.EditRequest>
local timer ---@type uv.uv_timer_t?
local enabled = false

--- A client of the buffer whose server predicts edits.
---@param bufnr integer
---@return vim.lsp.Client?
local function client_of(bufnr)
  local client = vim.lsp.get_clients({ name = require('ensemble_lsp').name, bufnr = bufnr })[1]
  local experimental = client and client.server_capabilities.experimental
  local provides = type(experimental) == 'table' and experimental.copilotInlineEditProvider
  return provides and client or nil
end

---@param edit ensemble_lsp.NextEdit
---@return string?
local function id_of(edit)
  local argument = (edit.command.arguments or {})[1]
  return type(argument) == 'table' and argument.id or nil
end

---@param bufnr integer
local function cancel(bufnr)
  local request = requests[bufnr]
  requests[bufnr] = nil
  if request and request.id then
    request.client:cancel_request(request.id)
  end
end

---@param bufnr integer
---@param request ensemble_lsp.EditRequest
---@param result any
---@return boolean found whether there is an edit
local function receive(bufnr, request, result)
  if not vim.api.nvim_buf_is_valid(bufnr) or vim.lsp.util.buf_versions[bufnr] ~= request.tick then
    return false
  end
  local wire = type(result) == 'table' and (result.edits or {})[1]
  if not wire or vim.uri_to_bufnr(wire.textDocument.uri) ~= bufnr then
    shown.clear(bufnr)
    return false
  end
  shown.show(bufnr, request.client, wire)
  return shown.get(bufnr) ~= nil
end

---@param bufnr integer
---@return lsp.Diagnostic[]
local function diagnostics_near(bufnr, row)
  local near = vim.tbl_filter(function(diagnostic)
    return math.abs(diagnostic.lnum - row) <= DIAGNOSTIC_LINES
  end, vim.diagnostic.get(bufnr))
  return vim.lsp.diagnostic.from(near)
end

--- Ask for the next edit at the cursor. An earlier request is cancelled.
---@param kind integer
---@param on_result? fun(found: boolean)
---@return boolean requested
local function ask(kind, on_result)
  local bufnr = vim.api.nvim_get_current_buf()
  local client = client_of(bufnr)
  local usable = vim.bo[bufnr].buftype == '' and vim.bo[bufnr].modifiable
  cancel(bufnr)
  if not client or not usable then
    return false
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local tick = vim.lsp.util.buf_versions[bufnr]
  local request = { client = client, tick = tick } ---@type ensemble_lsp.EditRequest
  params.textDocument.version = tick
  params.context = { triggerKind = kind }
  params.diagnostics = diagnostics_near(bufnr, params.position.line)
  requests[bufnr] = request
  local sent, id = client:request(METHOD, params, function(_, result)
    if requests[bufnr] ~= request then
      return
    end
    requests[bufnr] = nil
    local found = receive(bufnr, request, result)
    if on_result then
      on_result(found)
    end
  end, bufnr)
  request.id = id
  return sent
end

--- Whether edits are predicted while the user types.
---@return boolean
function M.is_enabled()
  return enabled
end

local function ask_soon()
  timer = timer or assert(vim.uv.new_timer())
  timer:start(
    DEBOUNCE_MS,
    0,
    vim.schedule_wrap(function()
      local mode = vim.api.nvim_get_mode().mode
      if M.is_enabled() and (mode == 'n' or mode:sub(1, 1) == 'i') then
        ask(AUTOMATIC)
      end
    end)
  )
end

local function on_change(event)
  cancel(event.buf)
  shown.refresh(event.buf)
  if M.is_enabled() and client_of(event.buf) then
    ask_soon()
  end
end

--- The id of the edit that is shown in the current buffer, if any.
---@return string?
function M.shown()
  local edit = shown.get(vim.api.nvim_get_current_buf())
  return edit and id_of(edit)
end

--- Move the cursor to an edit.
---@param edit ensemble_lsp.NextEdit
local function jump(edit)
  local hunk = edit.hunks[1]
  local row = math.min(hunk.row, vim.api.nvim_buf_line_count(0) - 1)
  local line = vim.api.nvim_buf_get_lines(0, row, row + 1, false)[1]
  local col = hunk.pieces and hunk.pieces[1].first or #line:match('^%s*')
  vim.cmd("mark '") -- CTRL-O leads back
  vim.api.nvim_win_set_cursor(0, { row + 1, col })
  vim.cmd('silent! foldopen!')
  shown.refresh()
end

--- The end of the text that was inserted at a position; the line end behind it does not count.
---@param range ensemble_lsp.Range
---@param text string
---@return integer[] cursor
local function end_of(range, text)
  local lines = vim.split((text:gsub('\n$', '')), '\n')
  local col = (#lines == 1 and range.col or 0) + #lines[#lines]
  local row = math.min(range.row + #lines, vim.api.nvim_buf_line_count(0))
  return { row, col }
end

-- Setting the option ends the block of changes that one `u` undoes.
local function break_undo()
  vim.cmd('let &undolevels = &undolevels')
end

---@param bufnr integer
---@param client vim.lsp.Client
---@param range ensemble_lsp.Range
---@param text string
local function replace(bufnr, client, range, text)
  local count = vim.api.nvim_buf_line_count(bufnr)
  local function position(row, col)
    local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
    local character = row < count and vim.str_utfindex(line, client.offset_encoding, col) or 0
    return { line = row, character = character }
  end
  local start, stop = position(range.row, range.col), position(range.end_row, range.end_col)
  local change_ = { range = { start = start, ['end'] = stop }, newText = text }
  break_undo()
  vim.lsp.util.apply_text_edits({ change_ }, bufnr, client.offset_encoding)
  break_undo()
end

--- Apply the edit that is shown, and ask for the one after it.
---@return boolean applied
function M.apply()
  local bufnr = vim.api.nvim_get_current_buf()
  local edit = shown.follow(bufnr)
  local client = edit and vim.lsp.get_client_by_id(edit.client_id)
  if not edit or not client or not vim.bo[bufnr].modifiable then
    return false
  end
  local range = shown.range_of(bufnr, edit)
  shown.clear(bufnr)
  replace(bufnr, client, range, edit.text)
  vim.api.nvim_win_set_cursor(0, end_of(range, edit.text))
  client:exec_cmd(edit.command, { bufnr = bufnr })
  if M.is_enabled() then
    ask(AUTOMATIC)
  end
  return true
end

--- Jump to the edit that is shown, or apply it if the cursor is there.
---@return boolean done
function M.jump_or_apply_now()
  local edit = shown.follow(vim.api.nvim_get_current_buf())
  if not edit then
    return false
  end
  if shown.is_near(edit, vim.api.nvim_win_get_cursor(0)[1] - 1) then
    return M.apply()
  end
  jump(edit)
  return true
end

--- Jump to the edit that is shown, or apply it if the cursor is there. For a mapping with `expr`,
--- which may not change the text, it happens right after the key.
---@return boolean there whether there is an edit; without one the key can have its usual effect
function M.jump_or_apply()
  if not shown.get(vim.api.nvim_get_current_buf()) then
    return false
  end
  local keys = [[<Cmd>lua require('ensemble_lsp.next_edit').jump_or_apply_now()<CR>]]
  vim.api.nvim_feedkeys(vim.keycode(keys), 'in', false)
  return true
end

--- Dismiss the edit that is shown: it is not offered here again.
---@return boolean dismissed whether there was an edit
function M.dismiss()
  local bufnr = vim.api.nvim_get_current_buf()
  local edit = shown.get(bufnr)
  if not edit then
    return false
  end
  local client = vim.lsp.get_client_by_id(edit.client_id)
  vim.schedule(function() -- a mapping with `expr` may not change the screen
    cancel(bufnr)
    shown.clear(bufnr)
  end)
  if client then
    local arguments = { { id = id_of(edit) } }
    client:exec_cmd({ title = 'Dismiss', command = 'ensemble.reject', arguments = arguments })
  end
  return true
end

--- Ask for the next edit now, even if edits are not predicted while the user types.
---@param on_result? fun(found: boolean)
---@return boolean requested
function M.ask(on_result)
  return ask(INVOKED, on_result)
end

--- Hide all edits, and cancel the requests for others.
function M.clear()
  for bufnr in pairs(vim.tbl_extend('keep', {}, requests)) do
    cancel(bufnr)
  end
  shown.clear_all()
end

--- Predict edits while the user types, or do not.
---@param on boolean
function M.enable(on)
  enabled = on
  if not on then
    M.clear()
  end
end

--- For the status line: where the next edit is.
---@return string
function M.statusline()
  local edit = shown.get(vim.api.nvim_get_current_buf())
  return edit and ('→ line %d'):format(edit.hunks[1].row + 1) or ''
end

local function on_focus(event)
  local client = client_of(event.buf)
  if client and vim.bo[event.buf].buftype == '' then
    client:notify('textDocument/didFocus', {
      textDocument = { uri = vim.uri_from_bufnr(event.buf) },
    })
  end
end

--- Predict edits in the server's buffers.
---@param group integer
function M.setup(group)
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, callback = callback })
  end
  on({ 'TextChanged', 'TextChangedI', 'InsertLeave' }, on_change)
  on({ 'CursorMoved', 'CursorMovedI' }, function(event)
    shown.refresh(event.buf)
  end)
  on({ 'BufEnter', 'LspAttach' }, on_focus)
  on({ 'BufUnload', 'LspDetach' }, function(event)
    requests[event.buf] = nil
    shown.clear(event.buf)
  end)
  enabled = true
end

return M
