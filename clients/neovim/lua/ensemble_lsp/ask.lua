-- Asking the server, and showing what it answers.
local M = {}

local running = {} ---@type table<integer, vim.lsp.Client>

---@param message string
function M.fail(message)
  vim.notify('ensemble-lsp: ' .. message, vim.log.levels.ERROR)
end

---@param message string
function M.tell(message)
  vim.notify('ensemble-lsp: ' .. message)
end

--- Run a command of the server's; `done` gets its result.
---@param command string
---@param argument table
---@param done fun(result: any)
function M.ask(command, argument, done)
  local client = require('ensemble_lsp').client()
  if not client then
    return M.fail("the server is not running; see ':checkhealth ensemble_lsp'")
  end
  local id
  local params = { command = command, arguments = { argument } }
  local sent, request = client:request('workspace/executeCommand', params, function(err, result)
    if id then
      running[id] = nil
    end
    if err then
      return M.fail(err.message)
    end
    done(result)
  end)
  if sent and request then
    id = request
    running[id] = client
  end
end

--- Cancel what was asked and is not answered yet.
---@return integer number of requests
function M.cancel()
  local count = 0
  for id, client in pairs(running) do
    client:cancel_request(id)
    count = count + 1
  end
  running = {} -- Neovim keeps the answer to what was cancelled to itself
  return count
end

---@param markdown string
function M.float(markdown)
  vim.lsp.util.open_floating_preview(vim.split(markdown, '\n'), 'markdown', {
    border = 'rounded',
    focus_id = 'ensemble_lsp',
    max_width = math.min(100, vim.o.columns - 4),
  })
end

--- What is at the cursor, or the lines of a command's range, as `uri` and `range`.
---@param opts table of a user command
function M.place(opts)
  local client = require('ensemble_lsp').client()
  local encoding = client and client.offset_encoding or 'utf-16'
  local params
  if opts.range > 0 then
    local last = vim.api.nvim_buf_get_lines(0, opts.line2 - 1, opts.line2, true)[1]
    local from, to = { opts.line1, 0 }, { opts.line2, math.max(0, #last - 1) }
    params = vim.lsp.util.make_given_range_params(from, to, 0, encoding)
    -- An empty last line has no last character that could be counted in.
    if last == '' then
      params.range['end'].character = 0
    end
  else
    params = vim.lsp.util.make_range_params(0, encoding)
  end
  return { uri = params.textDocument.uri, range = params.range }
end

return M
