-- The names of models and providers, for completion on the command line. Completion must not wait
-- for the server, so it uses the last known names and refreshes them for the next key.
local M = {}

local FRESH_MS = 3000

local COMMANDS = { models = 'ensemble.models', providers = 'ensemble.providers' }

---@class ensemble_lsp.Names
---@field names string[]
---@field at number when they were requested, in milliseconds

local cached = {} ---@type table<string, ensemble_lsp.Names>

---@param kind 'models'|'providers'
local function refresh(kind)
  local client = require('ensemble_lsp').client()
  local entry = cached[kind]
  if not client or (entry and vim.uv.now() - entry.at < FRESH_MS) then
    return
  end
  cached[kind] = { names = entry and entry.names or {}, at = vim.uv.now() }
  local params = { command = COMMANDS[kind], arguments = { vim.empty_dict() } }
  client:request('workspace/executeCommand', params, function(err, result)
    if err or type(result) ~= 'table' then
      return
    end
    cached[kind].names = vim.tbl_map(function(one)
      return one.name
    end, result)
  end)
end

--- The names known now; a refresh runs in the background.
---@param kind 'models'|'providers'
---@return string[]
function M.get(kind)
  refresh(kind)
  return cached[kind] and cached[kind].names or {}
end

--- Request all names again, for example after a change.
function M.invalidate()
  for kind in pairs(COMMANDS) do
    if cached[kind] then
      cached[kind].at = -math.huge
    end
    refresh(kind)
  end
end

return M
