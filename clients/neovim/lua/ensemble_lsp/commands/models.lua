-- :Ensemble models, pin, add, remove
local names = require('ensemble_lsp.names')
local parse = require('ensemble_lsp.commands.parse')
local request = require('ensemble_lsp.request')
local ui = require('ensemble_lsp.ui')

local commands = {} ---@type table<string, ensemble_lsp.Command>

commands.models = {
  run = function()
    request.execute('ensemble.models', vim.empty_dict(), function(models)
      local lines = {}
      for _, model in ipairs(models) do
        local state = model.available and table.concat(model.tasks, ', ') or model.reason
        local line = '- **%s** (%s %s): %s'
        lines[#lines + 1] = line:format(model.name, model.provider, model.model, state)
        for task, row in vim.spairs(type(model.stats) == 'table' and model.stats or {}) do
          local record = '    - %s: %d offered, %d accepted'
          lines[#lines + 1] = record:format(task, row.suggestions or 0, row.accepted or 0)
        end
      end
      ui.float(table.concat(lines, '\n'), 'models')
    end)
  end,
}

commands.pin = {
  run = function(_, words)
    local task, name = words[1], words[2]
    if not parse.is_task(task) then
      return ui.error('usage: Ensemble pin ' .. table.concat(parse.TASKS, '|') .. ' [MODEL]')
    end
    request.execute('ensemble.pin', { task = task, name = name or vim.NIL }, function()
      ui.info(
        name and ('%s is pinned for %s'):format(name, task) or 'no model is pinned for ' .. task
      )
    end)
  end,
  complete = function(words)
    return #words == 0 and parse.TASKS or names.get('models')
  end,
}

local function without_save(words)
  local rest = vim.tbl_filter(function(word)
    return word ~= 'save'
  end, words)
  return rest, #rest < #words
end

commands.add = {
  run = function(_, words)
    local rest, save = without_save(words)
    local settings, wrong = parse.fields(rest)
    if not settings or not settings.name then
      local usage =
        'usage: Ensemble add name=NAME provider=PROVIDER model=ID [baseUrl=URL] … [save]'
      return ui.error(wrong and ('%q is not name=value; '):format(wrong) .. usage or usage)
    end
    settings.save = save
    request.execute('ensemble.addModel', settings, function()
      names.invalidate()
      ui.info(settings.name .. ' is added' .. (save and ' and saved' or ' for this session'))
    end)
  end,
  complete = function()
    local offered = { 'name=', 'model=', 'baseUrl=', 'apiKeyEnv=', 'api=', 'save' }
    for _, provider in ipairs(names.get('providers')) do
      offered[#offered + 1] = 'provider=' .. provider
    end
    return offered
  end,
}

commands.remove = {
  run = function(_, words)
    local rest, save = without_save(words)
    if #rest ~= 1 then
      return ui.error('usage: Ensemble remove MODEL [save]')
    end
    request.execute('ensemble.removeModel', { name = rest[1], save = save }, function()
      names.invalidate()
      ui.info(rest[1] .. ' is removed' .. (save and ' from the config file' or ' for this session'))
    end)
  end,
  complete = function(words)
    return #words == 0 and names.get('models') or { 'save' }
  end,
}

return commands
