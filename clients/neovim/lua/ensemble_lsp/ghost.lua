-- The suggestion on the screen: accept it, whole or in part, refuse it, look at others.
local M = {}

--- The id of the suggestion that was accepted last.
M.last = nil ---@type string?

local INVOKED, AUTOMATIC = 1, 2

local function inline()
  return vim.lsp.inline_completion
end

--- Neovim's own state of a buffer's ghost text, where this version lets one at it: there is no
--- public way to ask for suggestions, or to see which one is shown. Else those two are not there.
---@param bufnr integer
local function completor(bufnr)
  local found, capability = pcall(require, 'vim.lsp._capability')
  local kind = found and capability.all and capability.all.inline_completion
  return kind and kind.active and kind.active[bufnr] or nil
end

local function ours(item)
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
  local state = completor(vim.api.nvim_get_current_buf())
  local item = state and state.current
  return item and ours(item) and id_of(item) or nil
end

--- Handler of the accept command: Neovim runs it after it has inserted an item.
function M.on_accepted(command, context)
  M.last = id_of({ command = command }) or M.last
  local client = vim.lsp.get_client_by_id(context.client_id)
  if client then
    local params = { command = command.command, arguments = command.arguments }
    client:request('workspace/executeCommand', params, function() end, context.bufnr)
  end
end

--- Run an item's command: an accept handler of one's own must do so, or nothing is learned.
---@param item vim.lsp.inline_completion.Item
function M.run_command(item)
  local client = vim.lsp.get_client_by_id(item.client_id)
  if client and item.command then
    client:exec_cmd(item.command, { bufnr = vim.api.nvim_get_current_buf() })
  end
end

--- Accept the whole suggestion. `on_accept` inserts it in a way of its own; the item's command is
--- run after it all the same.
---@param opts? { on_accept?: fun(item: vim.lsp.inline_completion.Item) }
---@return boolean accepted whether there was a suggestion
function M.accept(opts)
  if not inline() then
    return false
  end
  local insert = opts and opts.on_accept
  if not insert then
    return inline().get()
  end
  return inline().get({
    on_accept = function(item)
      insert(item)
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

local function insert_at_cursor(text)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, col = cursor[1] - 1, cursor[2]
  local lines = vim.split(text, '\n')
  vim.api.nvim_buf_set_text(0, row, col, row, col, lines)
  local last = lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines, (#lines == 1 and col or 0) + #last })
end

--- What of an item stands before the cursor already, and what is left of it; nil where the line
--- does not go on as the item says.
local function split(item)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, col = cursor[1] - 1, cursor[2]
  local start = item.range and item.range.start or { row = row, col = col }
  if start.row > row or (start.row == row and start.col > col) then
    return nil
  end
  local done = table.concat(vim.api.nvim_buf_get_text(0, start.row, start.col, row, col, {}), '\n')
  local text = item.insert_text
  if type(text) ~= 'string' or text:sub(1, #done) ~= done then
    return nil
  end
  return done, text:sub(#done + 1)
end

local function take(item, by)
  local done, rest = split(item)
  if not done or not rest or rest == '' then
    return
  end
  local part = M.part(rest, by)
  insert_at_cursor(part)
  local client = ours(item)
  if part == rest then
    M.run_command(item)
  elseif client then
    local length = vim.str_utfindex(done .. part, 'utf-16')
    client:notify('ensemble/didPartiallyAccept', { id = id_of(item), length = length })
    M.last = id_of(item)
    -- What is left comes from the server's memory: no need to wait as long as for new text.
    local state = completor(vim.api.nvim_get_current_buf())
    if state then
      state:request(AUTOMATIC)
    end
  end
end

--- Accept a part of the shown suggestion; the rest is offered again.
---@param by 'word'|'line'
---@return boolean accepted whether there was a suggestion
function M.accept_part(by)
  return inline() ~= nil
    and inline().get({
      on_accept = function(item)
        take(item, by)
      end,
    })
end

--- Refuse the shown suggestion: it goes away, and the server learns from it.
---@return boolean refused whether there was a suggestion
function M.dismiss()
  return inline() ~= nil
    and inline().get({
      on_accept = function(item)
        local client = ours(item)
        if client then
          client:exec_cmd({
            title = 'Refuse',
            command = 'ensemble.reject',
            arguments = { { id = id_of(item) } },
          })
        end
      end,
    })
end

--- Ask for several suggestions at the cursor; `done` is called with how many there are.
local function invoke(state, done)
  local bufnr = state.bufnr
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  for client_id in pairs(state.client_state) do
    local client = vim.lsp.get_client_by_id(client_id)
    if client then
      local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
      params.context = { triggerKind = INVOKED }
      client:request('textDocument/inlineCompletion', params, function(err, result, context)
        local items = result and (result.items or result) or {}
        local here = vim.api.nvim_buf_is_valid(bufnr)
          and vim.api.nvim_buf_get_changedtick(bufnr) == tick
        if err or not here then
          return
        end
        if #items > 0 then
          state:handler(nil, result, context)
        end
        done(#items)
      end, bufnr)
    end
  end
end

local function step(count)
  if not inline() then
    return
  end
  local state = completor(vim.api.nvim_get_current_buf())
  local current = state and state.current
  if not state or not current or state:count_items() > 1 then
    return inline().select({ count = count })
  end
  -- What comes by itself while one types is one suggestion; now more are wanted.
  invoke(state, function(number)
    if number > 1 and state.current and state.current.insert_text == current.insert_text then
      inline().select({ count = count })
    elseif number <= 1 then
      vim.notify('ensemble-lsp: there is no other suggestion here')
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
  local state = inline() and completor(vim.api.nvim_get_current_buf())
  if state then
    invoke(state, function(number)
      if number == 0 then
        vim.notify('ensemble-lsp: no suggestion here')
      end
    end)
  elseif vim.lsp.completion and vim.lsp.completion.get then
    vim.lsp.completion.get()
  end
end

--- Tell the server when a suggestion leaves the screen because one stops typing.
---@param group integer
function M.watch(group)
  vim.api.nvim_create_autocmd('InsertLeavePre', {
    group = group,
    callback = function()
      local id = M.shown()
      local client = id and require('ensemble_lsp').client()
      if client then
        client:notify('ensemble/didEnd', { id = id, reason = 'ignored' })
      end
    end,
  })
end

return M
