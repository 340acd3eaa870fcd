-- :Ensemble edit …
local next_edit = require('ensemble_lsp.next_edit')
local ui = require('ensemble_lsp.ui')

local actions = {} ---@type table<string, fun()>

function actions.dismiss()
  if not next_edit.dismiss() then
    ui.info('there is no next edit')
  end
end

function actions.on()
  next_edit.enable(true)
end

function actions.off()
  next_edit.enable(false)
end

--- Jump to the next edit or apply it; without one, ask for it.
local function advance()
  if next_edit.jump_or_apply_now() then
    return
  end
  local requested = next_edit.ask(function(found)
    if not found then
      ui.info('no next edit is predicted here')
    end
  end)
  if not requested then
    ui.error("the server is not running; see ':checkhealth ensemble_lsp'")
  end
end

---@type ensemble_lsp.Command
return {
  run = function(_, words)
    local action = actions[words[1]]
    if action then
      action()
    elseif words[1] then
      ui.error('usage: Ensemble edit [dismiss|on|off]')
    else
      advance()
    end
  end,
  complete = function(words)
    return #words == 0 and vim.tbl_keys(actions) or {}
  end,
}
