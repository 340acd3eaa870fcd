-- :Ensemble …
local ui = require('ensemble_lsp.ui')

local M = {}

---@class ensemble_lsp.Command
---@field run fun(opts: table, words: string[])
---@field complete? fun(words: string[]): string[] the words that may follow

---@type table<string, ensemble_lsp.Command>
local commands = {
  edit = require('ensemble_lsp.next_edit.command'),
  snooze = require('ensemble_lsp.snooze'),
}
for _, group in ipairs({ 'suggestions', 'tasks', 'models', 'reports', 'server' }) do
  commands = vim.tbl_extend('error', commands, require('ensemble_lsp.commands.' .. group))
end

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
