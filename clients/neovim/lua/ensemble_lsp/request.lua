-- Requests to the server, and their arguments.
local ui = require('ensemble_lsp.ui')

local M = {}

local pending = {} ---@type table<integer, vim.lsp.Client>

--- Run one of the server's commands. Errors are shown to the user.
---@param command string
---@param argument table
---@param on_result fun(result: any)
function M.execute(command, argument, on_result)
  local client = require('ensemble_lsp').client()
  if not client then
    return ui.error("the server is not running; see ':checkhealth ensemble_lsp'")
  end
  local id
  local params = { command = command, arguments = { argument } }
  local sent, request = client:request('workspace/executeCommand', params, function(err, result)
    if id then
      pending[id] = nil
    end
    if err then
      return ui.error(err.message)
    end
    on_result(result)
  end)
  if sent and request then
    id = request
    pending[id] = client
  end
end

--- Cancel the commands without a result.
---@return integer number of requests
function M.cancel()
  local count = 0
  for id, client in pairs(pending) do
    client:cancel_request(id)
    count = count + 1
  end
  pending = {} -- Neovim calls no handler for a cancelled request
  return count
end

--- The position of the cursor, or the range of a user command, as `uri` and `range`.
---@param opts table the argument of a user command
function M.location(opts)
  local client = require('ensemble_lsp').client()
  local encoding = client and client.offset_encoding or 'utf-16'
  local params
  if opts.range > 0 then
    local last = vim.api.nvim_buf_get_lines(0, opts.line2 - 1, opts.line2, true)[1]
    local from, to = { opts.line1, 0 }, { opts.line2, math.max(0, #last - 1) }
    params = vim.lsp.util.make_given_range_params(from, to, 0, encoding)
    -- Neovim includes the last character; an empty line has none.
    if last == '' then
      params.range['end'].character = 0
    end
  else
    params = vim.lsp.util.make_range_params(0, encoding)
  end
  return { uri = params.textDocument.uri, range = params.range }
end

local SEVERITIES = { 'error', 'warning', 'information' }

--- The problems on the cursor's line, or on a user command's lines, of all servers and linters.
---@param opts table the argument of a user command
function M.diagnostics(opts)
  local client = require('ensemble_lsp').client()
  local encoding = client and client.offset_encoding or 'utf-16'
  local cursor = vim.api.nvim_win_get_cursor(0)[1]
  local first = opts.range > 0 and opts.line1 or cursor
  local last = opts.range > 0 and opts.line2 or cursor
  local function position(row, column)
    local character = vim.lsp.util.character_offset(0, row, column, encoding)
    return { line = row, character = character }
  end
  local found = {}
  local severity = { min = vim.diagnostic.severity.INFO }
  for _, each in ipairs(vim.diagnostic.get(0, { severity = severity })) do
    if each.lnum < last and each.end_lnum + 1 >= first then
      found[#found + 1] = {
        message = each.message,
        range = {
          start = position(each.lnum, each.col),
          ['end'] = position(each.end_lnum, each.end_col),
        },
        severity = SEVERITIES[each.severity],
        code = each.code and tostring(each.code),
        source = each.source,
      }
    end
  end
  return found
end

return M
