-- :Ensemble …
local ask = require('ensemble_lsp.ask')

local M = {}

local TASKS = { 'complete', 'explain', 'generate' }

---@class ensemble_lsp.Command
---@field run fun(opts: table, words: string[])
---@field complete? fun(words: string[]): string[] what may follow these words

local commands = {} ---@type table<string, ensemble_lsp.Command>

local function plugin()
  return require('ensemble_lsp')
end

-- The names of models, for completion on the command line. Kept for a short while: each key asks.
local known = { at = -math.huge, names = {} }

local function model_names()
  local client = plugin().client()
  if client and vim.uv.now() - known.at > 3000 then
    local params = { command = 'ensemble.models', arguments = { vim.empty_dict() } }
    local answer = client:request_sync('workspace/executeCommand', params, 1000)
    if not answer or not answer.result then
      return known.names
    end
    known = { at = vim.uv.now(), names = {} }
    for _, model in ipairs(answer.result) do
      known.names[#known.names + 1] = model.name
    end
  end
  return known.names
end

local function is_task(word)
  return vim.tbl_contains(TASKS, word)
end

--- `name=value` words as a table. A value that is JSON is read as JSON: numbers, true, lists.
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
      return ask.fail('usage: Ensemble accept [word|line]')
    end
    local done
    if by then
      done = plugin().accept_part(by)
    else
      done = plugin().accept()
    end
    if not done then
      ask.tell('there is no suggestion')
    end
  end,
  complete = function()
    return { 'word', 'line' }
  end,
}

commands.reject = {
  run = function()
    if not plugin().dismiss() then
      ask.tell('there is no suggestion')
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

local function share(value)
  return math.floor(100 * value + 0.5)
end

commands.why = {
  run = function()
    local ghost = require('ensemble_lsp.ghost')
    local id = ghost.shown() or ghost.last
    local argument = { id = id }
    if not id then
      local place = ask.place({ range = 0 })
      argument = { uri = place.uri, position = place.range.start, task = 'complete' }
    end
    ask.ask('ensemble.why', argument, function(result)
      local lines = { result.why, '' }
      for _, score in ipairs(result.scores or {}) do
        local expected = type(score.expected) == 'number' and score.expected or 0
        lines[#lines + 1] = ('- **%s**: expected reward %.2f'):format(score.model, expected)
      end
      ask.float(table.concat(lines, '\n'))
    end)
  end,
}

-- Tasks ------------------------------------------------------------------------------------------

commands.generate = {
  run = function(opts, words)
    local argument = ask.place(opts)
    argument.instruction = table.concat(words, ' ')
    ask.ask('ensemble.generate', argument, function(result)
      require('ensemble_lsp.ghost').last = result.candidates[1] and result.candidates[1].id
      if result.settled == false then
        return ask.tell('the models do not agree: choose which answer goes in')
      end
      local told = '%d answers, agreement %d %%; others under code actions'
      ask.tell(told:format(#result.candidates, share(result.agreement or 1)))
    end)
  end,
}

commands.explain = {
  run = function(opts)
    ask.ask('ensemble.explain', ask.place(opts), function(result)
      ask.float(result.markdown .. '\n\n*' .. table.concat(result.models, ', ') .. '*')
    end)
  end,
}

commands.cancel = {
  run = function()
    local count = ask.cancel()
    ask.tell(count == 0 and 'nothing is being asked' or 'cancelled')
  end,
}

-- Models -----------------------------------------------------------------------------------------

commands.models = {
  run = function()
    ask.ask('ensemble.models', vim.empty_dict(), function(models)
      local lines = {}
      for _, model in ipairs(models) do
        local state = model.available and table.concat(model.tasks, ', ') or model.reason
        local told = '- **%s** (%s %s): %s'
        lines[#lines + 1] = told:format(model.name, model.provider, model.model, state)
        for task, row in vim.spairs(type(model.stats) == 'table' and model.stats or {}) do
          local told_stats = '    - %s: %d suggested, %d accepted'
          lines[#lines + 1] = told_stats:format(task, row.suggestions or 0, row.accepted or 0)
        end
      end
      ask.float(table.concat(lines, '\n'))
    end)
  end,
}

commands.pin = {
  run = function(_, words)
    local task, name = words[1], words[2]
    if not is_task(task) then
      return ask.fail('usage: Ensemble pin ' .. table.concat(TASKS, '|') .. ' [MODEL]')
    end
    ask.ask('ensemble.pin', { task = task, name = name or vim.NIL }, function()
      ask.tell(task .. ' by ' .. (name or 'the selector'))
    end)
  end,
  complete = function(words)
    return #words == 0 and TASKS or model_names()
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
      local told =
        'usage: Ensemble add name=NAME provider=PROVIDER model=ID [baseUrl=URL] … [save]'
      return ask.fail(wrong and ('%q is not name=value; '):format(wrong) .. told or told)
    end
    settings.save = save
    ask.ask('ensemble.addModel', settings, function()
      known.at = -math.huge
      ask.tell(settings.name .. ' was added' .. (save and ' and saved' or ' for this session'))
    end)
  end,
  complete = function()
    local providers = { 'openai', 'anthropic', 'llamacpp', 'recall' }
    local offered = { 'name=', 'model=', 'baseUrl=', 'apiKeyEnv=', 'api=', 'save' }
    for _, provider in ipairs(providers) do
      offered[#offered + 1] = 'provider=' .. provider
    end
    return offered
  end,
}

commands.remove = {
  run = function(_, words)
    local rest, save = without_save(words)
    if #rest ~= 1 then
      return ask.fail('usage: Ensemble remove MODEL [save]')
    end
    ask.ask('ensemble.removeModel', { name = rest[1], save = save }, function()
      known.at = -math.huge
      ask.tell(rest[1] .. ' was removed' .. (save and ' for good' or ' for this session'))
    end)
  end,
  complete = function(words)
    return #words == 0 and model_names() or { 'save' }
  end,
}

-- Measuring --------------------------------------------------------------------------------------

local function show_written(result)
  local path = type(result) == 'table' and result.markdown
  if not path then
    return ask.tell('nothing was written')
  end
  vim.cmd.split(vim.fn.fnameescape(path))
  if result.html then
    ask.tell('also as ' .. result.html)
  end
end

commands.report = {
  run = function(_, words)
    if words[1] and not is_task(words[1]) then
      return ask.fail('usage: Ensemble report [' .. table.concat(TASKS, '|') .. ']')
    end
    ask.ask('ensemble.report', words[1] and { task = words[1] } or vim.empty_dict(), show_written)
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
      'Models are asked many questions about this code, and what they cost is paid. Go on?'
    if vim.fn.confirm(question, '&Yes\n&No', 2) ~= 1 then
      return
    end
    argument.yes = true
    ask.ask('ensemble.compare', argument, show_written)
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
      return ask.fail('usage: Ensemble set KEY=VALUE …, e.g. complete.enabled=false')
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
    vim.cmd.split(vim.fn.fnameescape(vim.lsp.log.get_filename()))
  end,
}

---@param opts table of a user command
function M.run(opts)
  local words = vim.deepcopy(opts.fargs)
  local name = table.remove(words, 1)
  local command = commands[name]
  if not command then
    return ask.fail(('%q is not a command; use %s'):format(name, table.concat(M.names(), ', ')))
  end
  command.run(opts, words)
end

---@return string[]
function M.names()
  local names = vim.tbl_keys(commands)
  table.sort(names)
  return names
end

--- Completion of the command line.
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
