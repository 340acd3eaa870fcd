-- A server that ended by itself is started anew, unless it keeps ending.
local M = {}

local MOST, WITHIN_MS = 3, 180000

local ends = {} ---@type number[]

local function enabled(name)
  return vim.lsp.is_enabled == nil or vim.lsp.is_enabled(name)
end

local function ended(code, signal)
  local wanted = code == 0 and (signal == 0 or signal == 15)
  local name = require('ensemble_lsp').name
  if vim.v.exiting ~= vim.NIL or wanted or M.asked then
    return
  end
  require('ensemble_lsp').on_status({ state = 'offline', message = 'the server ended' })
  local now = vim.uv.now()
  ends = vim.tbl_filter(function(at)
    return now - at < WITHIN_MS
  end, ends)
  ends[#ends + 1] = now
  if not enabled(name) then
    return
  end
  if #ends <= MOST then
    return vim.defer_fn(M.start, 200)
  end
  local told = 'ensemble-lsp: the server ended %d times (exit code %d); '
    .. "':checkhealth ensemble_lsp' says more, ':Ensemble restart' tries again"
  vim.notify(told:format(#ends, code), vim.log.levels.ERROR)
end

--- Called where no function of Neovim's may be.
---@param code integer
---@param signal integer
function M.on_exit(code, signal)
  vim.schedule(function()
    ended(code, signal)
  end)
end

--- Start the server for all buffers that have none.
function M.start()
  vim.lsp.enable(require('ensemble_lsp').name, true)
end

--- Stop the server and start it anew; the buffers stay as they are.
function M.restart()
  local name = require('ensemble_lsp').name
  ends = {}
  M.asked = true
  vim.lsp.enable(name, false)
  local timer = assert(vim.uv.new_timer())
  local waited = 0
  timer:start(
    50,
    50,
    vim.schedule_wrap(function()
      if timer:is_closing() then
        return
      end
      waited = waited + 50
      local clients = vim.lsp.get_clients({ name = name, _uninitialized = true })
      if #clients > 0 and waited < 5000 then
        return
      end
      timer:close()
      for _, client in ipairs(clients) do
        client:stop(true)
      end
      M.asked = false
      M.start()
    end)
  )
end

return M
