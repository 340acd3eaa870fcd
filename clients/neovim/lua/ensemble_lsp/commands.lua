-- :Ensemble …
local names = require('ensemble_lsp.names')
local request = require('ensemble_lsp.request')
local ui = require('ensemble_lsp.ui')

local M = {}

local TASKS = { 'complete', 'explain', 'generate', 'edit' }

---@class ensemble_lsp.Command
---@field run fun(opts: table, words: string[])
---@field complete? fun(words: string[]): string[] the words that may follow

local commands = {} ---@type table<string, ensemble_lsp.Command>

local function plugin()
  return require('ensemble_lsp')
end

local function is_task(word)
  return vim.tbl_contains(TASKS, word)
end

--- Parse `name=value` words. A value that is valid JSON, such as a number or a list, is decoded.
---@param words string[]
---@return table? values
---@return string? invalid the first word that is not `name=value`
local function fields(words)
  local found = {}
  for _, word in ipairs(words) do
    local key, value = word:match('^([%w_.]+)=(.*)$')
    if not key then
      return nil, word
    end
    local read, decoded = pcall(vim.json.decode, value)
    found[key] = value
    if read then
      found[key] = decoded
    end
  end
  return found
end

-- Suggestions ------------------------------------------------------------------------------------

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

commands.edit = require('ensemble_lsp.next_edit.command')
commands.snooze = require('ensemble_lsp.snooze')

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

local function percent(value)
  return math.floor(100 * value + 0.5)
end

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

-- Tasks ------------------------------------------------------------------------------------------

commands.generate = {
  run = function(opts, words)
    local argument = request.location(opts)
    argument.instruction = table.concat(words, ' ')
    request.execute('ensemble.generate', argument, function(result)
      require('ensemble_lsp.ghost').last = result.candidates[1] and result.candidates[1].id
      if result.settled == false then
        return ui.info('the models do not agree; choose an answer')
      end
      local message = '%d answers, agreement %d %%; the code actions offer the others'
      ui.info(message:format(#result.candidates, percent(result.agreement or 1)))
    end)
  end,
}

local explained ---@type { id: string, location: table }? the last explanation

--- Say whether the last explanation was helpful.
---@param helpful boolean
local function judge(helpful)
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
function M.explain(location)
  request.execute('ensemble.explain', location, function(result)
    explained = { id = result.id, location = location }
    local text = result.markdown .. '\n\n*' .. table.concat(result.models, ', ') .. '*'
    local buffer = ui.float(text, 'explain')
    for key, helpful in pairs({ ['+'] = true, ['-'] = false }) do
      vim.keymap.set('n', key, function()
        judge(helpful)
      end, { buffer = buffer, nowait = true, desc = 'Say whether the explanation was helpful' })
    end
  end)
end

commands.explain = {
  run = function(opts, words)
    local location = request.location(opts)
    -- Another model explains the same code again, wherever the cursor is now.
    if words[1] and explained then
      location = vim.deepcopy(explained.location)
    end
    location.model = words[1]
    M.explain(location)
  end,
  complete = function()
    return names.get('models')
  end,
}

commands.helpful = {
  run = function()
    judge(true)
  end,
}

commands.unhelpful = {
  run = function()
    judge(false)
  end,
}

commands.cancel = {
  run = function()
    local count = request.cancel()
    ui.info(count == 0 and 'no request is running' or 'cancelled')
  end,
}

-- Models -----------------------------------------------------------------------------------------

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
    if not is_task(task) then
      return ui.error('usage: Ensemble pin ' .. table.concat(TASKS, '|') .. ' [MODEL]')
    end
    request.execute('ensemble.pin', { task = task, name = name or vim.NIL }, function()
      ui.info(
        name and ('%s is pinned for %s'):format(name, task) or 'no model is pinned for ' .. task
      )
    end)
  end,
  complete = function(words)
    return #words == 0 and TASKS or names.get('models')
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
    local settings, wrong = fields(rest)
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

-- Reports ----------------------------------------------------------------------------------------

local function show_written(result)
  local path = type(result) == 'table' and result.markdown
  if not path then
    return ui.info('no report was written')
  end
  ui.split(path, 'markdown')
  if result.html then
    ui.info('the report is also in ' .. result.html)
  end
end

commands.report = {
  run = function(_, words)
    if words[1] and not is_task(words[1]) then
      return ui.error('usage: Ensemble report [' .. table.concat(TASKS, '|') .. ']')
    end
    request.execute(
      'ensemble.report',
      words[1] and { task = words[1] } or vim.empty_dict(),
      show_written
    )
  end,
  complete = function()
    return TASKS
  end,
}

commands.compare = {
  run = function(_, words)
    local argument, paths = {}, {}
    for _, word in ipairs(words) do
      local one = fields({ word })
      if one then
        argument = vim.tbl_extend('force', argument, one)
      else
        paths[#paths + 1] = vim.fn.fnamemodify(word, ':p')
      end
    end
    if type(argument.models) == 'string' then
      argument.models = vim.split(argument.models, ',', { trimempty = true })
    end
    argument.paths = #paths > 0 and paths or { vim.fn.getcwd() }
    local question =
      'The comparison sends parts of this code to the models and may cost money. Continue?'
    if vim.fn.confirm(question, '&Yes\n&No', 2) ~= 1 then
      return
    end
    argument.yes = true
    request.execute('ensemble.compare', argument, show_written)
  end,
  complete = function(words)
    return vim.list_extend(
      { 'task=complete', 'task=generate', 'samples=20', 'models=' },
      vim.fn.getcompletion(words[#words] or '', 'file')
    )
  end,
}

-- The server -------------------------------------------------------------------------------------

commands.set = {
  run = function(_, words)
    local given = fields(words)
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

---@param opts table of a user command
function M.run(opts)
  local words = vim.deepcopy(opts.fargs)
  local name = table.remove(words, 1)
  if not name then
    return ui.float(require('ensemble_lsp.overview').markdown(M.names()), 'commands')
  end
  local command = commands[name]
  if not command then
    return ui.error(('%q is not a command; use %s'):format(name, table.concat(M.names(), ', ')))
  end
  command.run(opts, words)
end

---@return string[]
function M.names()
  local sorted = vim.tbl_keys(commands)
  table.sort(sorted)
  return sorted
end

--- Complete the command line. Never waits for the server.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(line:gsub('^.-Ensemble%s*', ''), '%s+', { trimempty = true })
  if lead ~= '' then
    table.remove(words)
  end
  local name = table.remove(words, 1)
  local command = name and commands[name]
  local offered = name and (command and command.complete and command.complete(words) or {})
    or M.names()
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, offered)
end

return M
