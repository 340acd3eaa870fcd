-- :Ensemble set, enable, disable, restart, log: the server itself
local parse = require('ensemble_lsp.commands.parse')
local ui = require('ensemble_lsp.ui')

local commands = {} ---@type table<string, ensemble_lsp.Command>

local function plugin()
  return require('ensemble_lsp')
end

commands.set = {
  run = function(_, words)
    local given = parse.fields(words)
    if not given or not next(given) then
      return ui.error('usage: Ensemble set KEY=VALUE …, e.g. complete.enabled=false')
    end
    local settings = {}
    for key, value in pairs(given) do
      local at, parts = settings, vim.split(key, '.', { plain = true })
      for number = 1, #parts - 1 do
        at[parts[number]] = at[parts[number]] or {}
        at = at[parts[number]]
      end
      at[parts[#parts]] = value
    end
    plugin().configure(settings)
  end,
  complete = function()
    return {
      'complete.enabled=false',
      'complete.enabled=true',
      'complete.debounceMs=',
      'complete.ensemble=',
      'explain.hover=false',
      'explain.hover=true',
      'ensemble.size=',
      'selector.strategy="learned"',
      'selector.strategy="fixed"',
    }
  end,
}

commands.enable = {
  run = function()
    vim.lsp.enable(plugin().name, true)
  end,
}

commands.disable = {
  run = function()
    vim.lsp.enable(plugin().name, false)
  end,
}

commands.restart = {
  run = function()
    require('ensemble_lsp.restart').restart()
  end,
}

commands.log = {
  run = function()
    ui.split(vim.lsp.log.get_filename())
  end,
}

return commands
