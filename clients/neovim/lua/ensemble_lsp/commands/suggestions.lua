-- :Ensemble accept, reject, suggest, next, previous, why: the suggestion on the screen
local request = require('ensemble_lsp.request')
local ui = require('ensemble_lsp.ui')

local commands = {} ---@type table<string, ensemble_lsp.Command>

local function plugin()
  return require('ensemble_lsp')
end

commands.accept = {
  run = function(_, words)
    local by = words[1]
    if by ~= nil and by ~= 'word' and by ~= 'line' then
      return ui.error('usage: Ensemble accept [word|line]')
    end
    local done
    if by then
      done = plugin().accept_part(by)
    else
      done = plugin().accept()
    end
    if not done then
      ui.info('there is no suggestion')
    end
  end,
  complete = function()
    return { 'word', 'line' }
  end,
}

commands.reject = {
  run = function()
    if not plugin().reject() then
      ui.info('there is no suggestion')
    end
  end,
}

commands.suggest = {
  run = function()
    plugin().trigger()
  end,
}

commands.next = {
  run = function()
    plugin().next()
  end,
}

commands.previous = {
  run = function()
    plugin().previous()
  end,
}

commands.why = {
  run = function()
    local ghost = require('ensemble_lsp.ghost')
    local id = ghost.shown() or require('ensemble_lsp.next_edit').shown() or ghost.last
    local argument = { id = id }
    if not id then
      local location = request.location({ range = 0 })
      argument = { uri = location.uri, position = location.range.start, task = 'complete' }
    end
    request.execute('ensemble.why', argument, function(result)
      local lines = { result.why, '', 'Details:', '' }
      for _, score in ipairs(result.scores or {}) do
        local expected = type(score.expected) == 'number' and score.expected or 0
        lines[#lines + 1] = ('- **%s**: expected reward %.2f'):format(score.model, expected)
      end
      ui.float(table.concat(lines, '\n'), 'why')
    end)
  end,
}

return commands
