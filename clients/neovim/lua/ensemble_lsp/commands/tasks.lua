-- :Ensemble generate, fix, explain, helpful, unhelpful, cancel: requests to the models
local explanation = require('ensemble_lsp.explanation')
local names = require('ensemble_lsp.names')
local request = require('ensemble_lsp.request')
local ui = require('ensemble_lsp.ui')

local commands = {} ---@type table<string, ensemble_lsp.Command>

local function percent(value)
  return math.floor(100 * value + 0.5)
end

local function generate(argument)
  request.execute('ensemble.generate', argument, function(result)
    require('ensemble_lsp.ghost').last = result.candidates[1] and result.candidates[1].id
    if result.settled == false then
      return ui.info('the models do not agree; choose an answer')
    end
    local message = '%d answers, agreement %d %%; the code actions offer the others'
    ui.info(message:format(#result.candidates, percent(result.agreement or 1)))
  end)
end

commands.generate = {
  run = function(opts, words)
    local argument = request.location(opts)
    argument.instruction = table.concat(words, ' ')
    generate(argument)
  end,
}

commands.fix = {
  run = function(opts, words)
    local argument = request.location(opts)
    argument.diagnostics = request.diagnostics(opts)
    argument.preset = 'fix'
    argument.instruction = table.concat(words, ' ')
    if vim.tbl_isempty(argument.diagnostics) then
      return ui.info('no problem is reported here')
    end
    generate(argument)
  end,
}

commands.explain = {
  run = function(opts, words)
    -- Another model explains the same code again, wherever the cursor is now.
    local location = words[1] and explanation.last_location() or request.location(opts)
    location.model = words[1]
    explanation.show(location)
  end,
  complete = function()
    return names.get('models')
  end,
}

commands.helpful = {
  run = function()
    explanation.judge(true)
  end,
}

commands.unhelpful = {
  run = function()
    explanation.judge(false)
  end,
}

commands.cancel = {
  run = function()
    local count = request.cancel()
    ui.info(count == 0 and 'no request is running' or 'cancelled')
  end,
}

return commands
