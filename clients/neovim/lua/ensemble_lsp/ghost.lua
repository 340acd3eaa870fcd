-- The suggestion on the screen: accept it whole or in part, reject it, show others.
--
-- Neovim has no public function to request several suggestions, or to get the one that is shown.
-- This module therefore observes the requests of the client: it remembers the items of the last
-- result, and the handler that Neovim passed for it, which displays the results of requests made
-- here.
local insert = require('ensemble_lsp.insert')
local ui = require('ensemble_lsp.ui')

local M = {}

--- The id of the suggestion that was accepted last.
M.last = nil ---@type string?

local METHOD = 'textDocument/inlineCompletion'
local INVOKED, AUTOMATIC = 1, 2

---@class ensemble_lsp.Ghost
---@field client_id integer
---@field send? function the client's own function for requests
---@field display? lsp.Handler records a result and passes it to Neovim's handler
---@field items table[] the items of the last result
---@field index integer the item that is shown
---@field behind? integer bytes of the line behind the range of the items
---@field context? lsp.HandlerContext of the last result
---@field invoke? fun(count: integer) called after the next request, which asks for several items

local buffers = {} ---@type table<integer, ensemble_lsp.Ghost>

local function inline_completion()
  return vim.lsp.inline_completion
end

---@param bufnr integer
---@param client_id integer
---@return ensemble_lsp.Ghost
local function ghost_of(bufnr, client_id)
  local ghost = buffers[bufnr]
  if not ghost or ghost.client_id ~= client_id then
    ghost = { client_id = client_id, items = {}, index = 1 }
    buffers[bufnr] = ghost
  end
  return ghost
end

---@param bufnr? integer
local function hide(bufnr)
  local ghost = buffers[bufnr or vim.api.nvim_get_current_buf()]
  if ghost then
    ghost.items, ghost.index = {}, 1
  end
end

--- Whether an item of a server's result begins on the cursor's line.
---@param item? table
local function on_cursor_line(item)
  local start = item and item.range and item.range.start
  return not start or start.line == vim.api.nvim_win_get_cursor(0)[1] - 1
end

--- Hide a suggestion of a line that the cursor has left. Neovim would draw it again there, which is
--- an error if the buffer no longer has that line.
local function hide_elsewhere()
  local ghost = buffers[vim.api.nvim_get_current_buf()]
  if ghost and ghost.context and not on_cursor_line(ghost.items[ghost.index]) then
    ghost.display(nil, { items = {} }, ghost.context)
  end
end

local function our_client(item)
  local client = vim.lsp.get_client_by_id(item.client_id)
  return client and client.name == require('ensemble_lsp').name and client or nil
end

local function id_of(item)
  local argument = item and item.command and item.command.arguments and item.command.arguments[1]
  return type(argument) == 'table' and argument.id or nil
end

--- The id of the suggestion that is shown, if any.
---@return string?
function M.shown()
  local ghost = buffers[vim.api.nvim_get_current_buf()]
  return ghost and id_of(ghost.items[ghost.index])
end

--- Handler of the accept command, which Neovim runs after it has inserted an item.
function M.on_accepted(command, context)
  M.last = id_of({ command = command }) or M.last
  hide(context.bufnr)
  local client = vim.lsp.get_client_by_id(context.client_id)
  if client then
    local params = { command = command.command, arguments = command.arguments }
    client:request('workspace/executeCommand', params, function() end, context.bufnr)
  end
end

--- Run an item's command. A custom accept handler must do this, or the server may miss the accept.
---@param item vim.lsp.inline_completion.Item
function M.run_command(item)
  local client = vim.lsp.get_client_by_id(item.client_id)
  if client and item.command then
    client:exec_cmd(item.command, { bufnr = vim.api.nvim_get_current_buf() })
  end
end

--- Insert the whole item.
local function insert_item(item)
  local ours = our_client(item)
  local done, rest = insert.split(item)
  if done and rest then
    local ghost = buffers[vim.api.nvim_get_current_buf()]
    insert.at_cursor(rest, item, ours and ghost and ghost.behind, true)
  elseif not ours then
    insert.replace(item)
  end
  return done ~= nil or not ours -- The buffer may have changed since the item was displayed.
end

--- Accept the whole suggestion, as a separate change for |u|. `on_accept` replaces the insertion;
--- the item's command still runs. It gets the item, and the part of its text behind the cursor.
---@param opts? { on_accept?: fun(item: vim.lsp.inline_completion.Item, text: string?) }
---@return boolean accepted whether there was a suggestion
function M.accept(opts)
  if not inline_completion() then
    return false
  end
  local insert_by = opts and opts.on_accept
  return inline_completion().get({
    on_accept = function(item)
      insert.break_undo()
      if insert_by then
        local _, rest = insert.split(item)
        insert_by(item, rest)
      elseif not insert_item(item) then
        return
      end
      M.run_command(item)
    end,
  })
end

local WORD = vim.regex([[^\%(\k\+\|\%(\k\@!\S\)\+\)]])

--- The part of a text up to the end of its first word, or of its first line.
---@param text string
---@param by 'word'|'line'
---@return string
function M.part(text, by)
  if by == 'line' then
    local first = text:match('^\n*[^\n]*')
    return first ~= '' and first or text
  end
  local space = text:match('^%s*')
  local _, last = WORD:match_str(text:sub(#space + 1))
  return last and text:sub(1, #space + last) or text
end

--- Request suggestions at the cursor and display them; `on_result` gets their number.
---@param kind integer the trigger kind
---@param on_result? fun(count: integer)
local function request(kind, on_result)
  local bufnr = vim.api.nvim_get_current_buf()
  local ghost = buffers[bufnr]
  local client = ghost and vim.lsp.get_client_by_id(ghost.client_id)
  if not client or not ghost.display then
    return
  end
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = kind }
  ghost.send(client, METHOD, params, function(err, result, context)
    local count = result and #(result.items or result) or 0
    local unchanged = vim.api.nvim_buf_is_valid(bufnr)
      and vim.api.nvim_buf_get_changedtick(bufnr) == tick
    if err or not unchanged then
      return
    end
    -- An empty result keeps the suggestion that is shown.
    if count > 0 then
      ghost.display(nil, result, context)
    end
    if on_result then
      on_result(count)
    end
  end, bufnr)
end

local function accept_next(item, by, behind)
  local done, rest = insert.split(item)
  if not done or not rest or rest == '' then
    return
  end
  local part = M.part(rest, by)
  local client = our_client(item)
  insert.break_undo()
  insert.at_cursor(part, item, client and behind, part == rest)
  if part == rest then
    M.run_command(item)
  elseif client then
    local length = vim.str_utfindex(done .. part, 'utf-16')
    client:notify('ensemble/didPartiallyAccept', { id = id_of(item), length = length })
    M.last = id_of(item)
    -- The server has the rest in its cache, so it need not wait for Neovim's own request.
    request(AUTOMATIC)
  end
end

--- Accept a part of the suggestion; the rest is offered again.
---@param by 'word'|'line'
---@return boolean accepted whether there was a suggestion
function M.accept_part(by)
  return inline_completion() ~= nil
    and inline_completion().get({
      on_accept = function(item)
        local ghost = buffers[vim.api.nvim_get_current_buf()]
        local behind = ghost and ghost.behind
        hide()
        accept_next(item, by, behind)
      end,
    })
end

--- Reject the suggestion: hide it and tell the server.
---@return boolean rejected whether there was a suggestion
function M.reject()
  return inline_completion() ~= nil
    and inline_completion().get({
      on_accept = function(item)
        hide()
        local client = our_client(item)
        if client then
          client:exec_cmd({
            title = 'Reject',
            command = 'ensemble.reject',
            arguments = { { id = id_of(item) } },
          })
        end
      end,
    })
end

--- Ask for several suggestions; `on_result` gets their number.
---@return boolean requested
local function invoke(on_result)
  local ghost = buffers[vim.api.nvim_get_current_buf()]
  if ghost and ghost.display then
    request(INVOKED, on_result)
  elseif ghost then
    ghost.invoke = on_result -- Neovim's first request is about to be sent
  end
  return ghost ~= nil
end

local function select(count)
  inline_completion().select({ count = count })
  local ghost = buffers[vim.api.nvim_get_current_buf()]
  if ghost and #ghost.items > 0 then
    ghost.index = (ghost.index - 1 + count) % #ghost.items + 1
    -- The server takes the first item for the one on the screen.
    local id = id_of(ghost.items[ghost.index])
    local client = id and vim.lsp.get_client_by_id(ghost.client_id)
    if client then
      client:notify('ensemble/didShow', { id = id })
    end
  end
end

local function step(count)
  if not inline_completion() then
    return
  end
  local ghost = buffers[vim.api.nvim_get_current_buf()]
  if not ghost or #ghost.items ~= 1 then
    return select(count)
  end
  -- An automatic request returns one suggestion; ask for more.
  local shown = ghost.items[1].insertText
  invoke(function(number)
    if number > 1 and ghost.items[1] and ghost.items[1].insertText == shown then
      select(count)
    elseif number <= 1 then
      ui.info('there are no other suggestions')
    end
  end)
end

function M.next()
  step(1)
end

function M.previous()
  step(-1)
end

--- Ask for suggestions now.
function M.trigger()
  local requested = inline_completion()
    and invoke(function(number)
      if number == 0 then
        ui.info('there is no suggestion here')
      end
    end)
  if not requested and vim.lsp.completion and vim.lsp.completion.get then
    vim.lsp.completion.get()
  end
end

--- Observe the client's requests for suggestions.
---@param client vim.lsp.Client
local function observe(client)
  local send = client.request
  client.request = function(self, method, params, handler, bufnr)
    if method ~= METHOD or not handler then
      return send(self, method, params, handler, bufnr)
    end
    local ghost = ghost_of(vim.uri_to_bufnr(params.textDocument.uri), self.id)
    local display = function(err, result, context)
      -- Neovim would show a late result in Normal mode, at the cursor of another buffer, or on a
      -- line that is gone.
      local is_current = vim.uri_to_bufnr(params.textDocument.uri) == vim.api.nvim_get_current_buf()
      local inserts = is_current and vim.api.nvim_get_mode().mode:find('[iR]')
      if result and not (inserts and on_cursor_line((result.items or result)[1])) then
        result = { items = {} }
      end
      local items = not err and result and (result.items or result)
      if items then
        ghost.items, ghost.index = items, 1
        ghost.behind = items[1] and insert.behind(context.bufnr, items[1], self.offset_encoding)
      end
      ghost.context = context
      handler(err, result, context)
      require('ensemble_lsp.next_edit.shown').refresh()
    end
    ghost.send, ghost.display = send, display
    local on_result = ghost.invoke
    if not on_result then
      return send(self, method, params, display, bufnr)
    end
    ghost.invoke = nil
    params.context.triggerKind = INVOKED
    return send(self, method, params, function(err, result, context)
      display(err, result, context)
      on_result(#ghost.items)
    end, bufnr)
  end
end

--- Follow the suggestions of the server's buffers.
---@param group integer
function M.setup(group)
  local observed = {} ---@type table<integer, boolean>
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == require('ensemble_lsp').name then
        ghost_of(event.buf, client.id)
        if not observed[client.id] then
          observed[client.id] = true
          observe(client)
        end
      end
    end,
  })
  vim.api.nvim_create_autocmd('LspDetach', {
    group = group,
    callback = function(event)
      local ghost = buffers[event.buf]
      if ghost and ghost.client_id == event.data.client_id then
        buffers[event.buf] = nil
      end
    end,
  })
  -- Defined before Neovim's own commands of these events, and therefore called before them.
  vim.api.nvim_create_autocmd({ 'CursorMovedI', 'TextChangedP' }, {
    group = group,
    callback = hide_elsewhere,
  })
  -- Tell the server that the suggestion disappears because the user stops typing.
  vim.api.nvim_create_autocmd('InsertLeavePre', {
    group = group,
    callback = function()
      local id = M.shown()
      local client = id and require('ensemble_lsp').client()
      if client then
        client:notify('ensemble/didEnd', { id = id, reason = 'ignored' })
      end
      hide()
    end,
  })
end

return M
