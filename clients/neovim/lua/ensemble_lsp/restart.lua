-- Restarts the server after a crash, unless it keeps crashing, and on the user's request.
local M = {}

local MAX_RESTARTS, WITHIN_MS = 3, 180000
local STOP_TIMEOUT_MS, POLL_MS = 5000, 50

local crashes = {} ---@type number[] the times of recent crashes, in milliseconds
local restarting = false

local function is_enabled(name)
  return vim.lsp.is_enabled == nil or vim.lsp.is_enabled(name)
end

local function handle_exit(code, signal)
  local expected = code == 0 and (signal == 0 or signal == 15)
  local name = require('ensemble_lsp').name
  if vim.v.exiting ~= vim.NIL or expected or restarting then
    return
  end
  require('ensemble_lsp').on_status({ state = 'offline', message = 'the server crashed' })
  local now = vim.uv.now()
  crashes = vim.tbl_filter(function(at)
    return now - at < WITHIN_MS
  end, crashes)
  crashes[#crashes + 1] = now
  if not is_enabled(name) then
    return
  end
  if #crashes <= MAX_RESTARTS then
    return vim.defer_fn(M.start, 200)
  end
  local message = 'the server crashed %d times (exit code %d); '
    .. "see ':checkhealth ensemble_lsp', then try ':Ensemble restart'"
  require('ensemble_lsp.ui').error(message:format(#crashes, code))
end

--- Handler of the client's exit. It runs in a fast event, where most functions are not allowed.
---@param code integer
---@param signal integer
function M.on_exit(code, signal)
  vim.schedule(function()
    handle_exit(code, signal)
  end)
end

--- Start the server for all buffers without one.
function M.start()
  vim.lsp.enable(require('ensemble_lsp').name, true)
end

--- Stop the server and start it again; the buffers stay open.
function M.restart()
  local name = require('ensemble_lsp').name
  crashes = {}
  restarting = true
  vim.lsp.enable(name, false)
  local timer = assert(vim.uv.new_timer())
  local waited = 0
  timer:start(
    POLL_MS,
    POLL_MS,
    vim.schedule_wrap(function()
      if timer:is_closing() then
        return
      end
      waited = waited + POLL_MS
      local clients = vim.lsp.get_clients({ name = name })
      if #clients > 0 and waited < STOP_TIMEOUT_MS then
        return
      end
      timer:close()
      for _, client in ipairs(clients) do
        client:stop(true)
      end
      restarting = false
      M.start()
    end)
  )
end

return M
