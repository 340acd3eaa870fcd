-- The last explanation: shown in a window, and judged by the user
local request = require('ensemble_lsp.request')
local ui = require('ensemble_lsp.ui')

local M = {}

local explained ---@type { id: string, location: table }? the last explanation

--- Say whether the last explanation was helpful.
---@param helpful boolean
function M.judge(helpful)
  if not explained then
    return ui.info('there is no explanation yet')
  end
  local command = helpful and 'ensemble.accept' or 'ensemble.reject'
  request.execute(command, { id = explained.id }, function()
    ui.info(helpful and 'noted as helpful' or 'noted as not helpful')
  end)
end

--- Show an explanation. In its window, `+` and `-` say whether it was helpful.
---@param location table
function M.show(location)
  request.execute('ensemble.explain', location, function(result)
    explained = { id = result.id, location = location }
    local text = result.markdown .. '\n\n*' .. table.concat(result.models, ', ') .. '*'
    local buffer = ui.float(text, 'explain')
    for key, helpful in pairs({ ['+'] = true, ['-'] = false }) do
      vim.keymap.set('n', key, function()
        M.judge(helpful)
      end, { buffer = buffer, nowait = true, desc = 'Say whether the explanation was helpful' })
    end
  end)
end

--- The arguments that explain the code of the last explanation again.
---@return table?
function M.last_location()
  return explained and vim.deepcopy(explained.location)
end

return M
