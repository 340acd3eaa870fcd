-- :Ensemble snooze: no automatic suggestions for a time.
local request = require('ensemble_lsp.request')
local ui = require('ensemble_lsp.ui')

local DEFAULT_MINUTES = 10

---@type ensemble_lsp.Command
return {
  run = function(_, words)
    local minutes = tonumber(words[1] or DEFAULT_MINUTES)
    if not minutes or minutes < 0 then
      return ui.error('usage: Ensemble snooze [MINUTES]')
    end
    request.execute('ensemble.snooze', { minutes = minutes }, function(result)
      if not result.snoozed then
        return ui.info('suggestions are automatic again')
      end
      require('ensemble_lsp.next_edit').clear()
      ui.info(('no automatic suggestions for %g minutes'):format(minutes))
    end)
  end,
}
