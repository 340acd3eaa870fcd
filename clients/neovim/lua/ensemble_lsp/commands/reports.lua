-- :Ensemble report, compare
local parse = require('ensemble_lsp.commands.parse')
local request = require('ensemble_lsp.request')
local ui = require('ensemble_lsp.ui')

local commands = {} ---@type table<string, ensemble_lsp.Command>

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
    if words[1] and not parse.is_task(words[1]) then
      return ui.error('usage: Ensemble report [' .. table.concat(parse.TASKS, '|') .. ']')
    end
    request.execute(
      'ensemble.report',
      words[1] and { task = words[1] } or vim.empty_dict(),
      show_written
    )
  end,
  complete = function()
    return parse.TASKS
  end,
}

commands.compare = {
  run = function(_, words)
    local argument, paths = {}, {}
    for _, word in ipairs(words) do
      local one = parse.fields({ word })
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

return commands
