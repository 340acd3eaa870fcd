-- :Ensemble …
local M = {}

local TASKS = { 'complete', 'explain', 'generate' }

local function fail(message)
  vim.notify('ensemble-lsp: ' .. message, vim.log.levels.ERROR)
end

---@param command string
---@param argument table
---@param done fun(result: any)
local function ask(command, argument, done)
  local client = require('ensemble_lsp').client()
  if not client then
    return fail("the server is not running; see ':checkhealth ensemble_lsp'")
  end
  local params = { command = command, arguments = { argument } }
  client:request('workspace/executeCommand', params, function(err, result)
    if err then
      return fail(err.message)
    end
    done(result)
  end)
end

local function place(opts)
  local client = require('ensemble_lsp').client()
  local encoding = client and client.offset_encoding or 'utf-16'
  local params = vim.lsp.util.make_range_params(0, encoding)
  if opts.range > 0 then
    local last = vim.api.nvim_buf_get_lines(0, opts.line2 - 1, opts.line2, true)[1]
    params = vim.lsp.util.make_given_range_params(
      { opts.line1, 0 },
      { opts.line2, math.max(0, #last - 1) },
      0,
      encoding
    )
  end
  return { uri = params.textDocument.uri, range = params.range }
end

local function float(markdown)
  vim.lsp.util.open_floating_preview(vim.split(markdown, '\n'), 'markdown', {
    border = 'rounded',
    focus_id = 'ensemble_lsp',
  })
end

local commands = {}

function commands.generate(opts, words)
  local argument = place(opts)
  argument.instruction = table.concat(words, ' ')
  ask('ensemble.generate', argument, function(result)
    local share = math.floor(100 * result.agreement + 0.5)
    vim.notify(('ensemble-lsp: %d answers, agreement %d %%'):format(#result.candidates, share))
  end)
end

function commands.explain(opts)
  ask('ensemble.explain', place(opts), function(result)
    float(result.markdown .. '\n\n*' .. table.concat(result.models, ', ') .. '*')
  end)
end

function commands.models()
  ask('ensemble.models', vim.empty_dict(), function(models)
    local lines = {}
    for _, model in ipairs(models) do
      local state = model.available and table.concat(model.tasks, ', ') or model.reason
      lines[#lines + 1] = ('- **%s** (%s %s): %s'):format(
        model.name,
        model.provider,
        model.model,
        state
      )
    end
    float(table.concat(lines, '\n'))
  end)
end

function commands.pin(_, words)
  if not vim.tbl_contains(TASKS, words[1]) then
    return fail('usage: Ensemble pin ' .. table.concat(TASKS, '|') .. ' [MODEL]')
  end
  local argument = { task = words[1], name = words[2] or vim.NIL }
  ask('ensemble.pin', argument, function()
    vim.notify('ensemble-lsp: ' .. words[1] .. ' by ' .. (words[2] or 'the selector'))
  end)
end

function commands.enable()
  vim.lsp.enable(require('ensemble_lsp').name, true)
end

function commands.disable()
  vim.lsp.enable(require('ensemble_lsp').name, false)
end

function M.run(opts)
  local words = vim.deepcopy(opts.fargs)
  local name = table.remove(words, 1)
  local command = commands[name]
  if not command then
    return fail(('%q is not a command; use %s'):format(name, table.concat(M.names(), ', ')))
  end
  command(opts, words)
end

---@return string[]
function M.names()
  local names = vim.tbl_keys(commands)
  table.sort(names)
  return names
end

function M.complete(lead, line)
  local before = vim.split(line, '%s+', { trimempty = true })
  if #before == 1 or (#before == 2 and lead ~= '') then
    return vim.tbl_filter(function(name)
      return vim.startswith(name, lead)
    end, M.names())
  end
  if before[2] == 'pin' then
    return vim.tbl_filter(function(task)
      return vim.startswith(task, lead)
    end, TASKS)
  end
  return {}
end

return M
