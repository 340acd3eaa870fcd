-- The command and the <Plug> mappings. No key is mapped here.
if vim.g.loaded_ensemble_lsp then
  return
end
vim.g.loaded_ensemble_lsp = true

vim.api.nvim_create_user_command('Ensemble', function(opts)
  require('ensemble_lsp.commands').run(opts)
end, {
  nargs = '*',
  range = true,
  desc = 'ensemble-lsp: suggestions, tasks, models, reports and the server',
  complete = function(lead, line)
    return require('ensemble_lsp.commands').complete(lead, line)
  end,
})

---@param mode string|string[]
---@param action string
---@param rhs string|function
local function plug(mode, action, rhs)
  vim.keymap.set(mode, ('<Plug>(ensemble-%s)'):format(action), rhs, {
    desc = 'Ensemble: ' .. action:gsub('-', ' '),
  })
end

---@param name string
---@param ... any
local function call(name, ...)
  local arguments = { ... }
  return function()
    require('ensemble_lsp')[name](unpack(arguments))
  end
end

---@param name string
local function edit(name)
  return function()
    require('ensemble_lsp.next_edit')[name]()
  end
end

plug('i', 'accept', call('accept'))
plug('i', 'accept-word', call('accept_part', 'word'))
plug('i', 'accept-line', call('accept_part', 'line'))
plug('i', 'reject', call('reject'))
plug('i', 'next', call('next'))
plug('i', 'previous', call('previous'))
plug('i', 'trigger', call('trigger'))
plug({ 'n', 'i' }, 'edit', edit('jump_or_apply_now'))
plug({ 'n', 'i' }, 'edit-apply', edit('apply'))
plug({ 'n', 'i' }, 'edit-dismiss', edit('dismiss'))
plug({ 'n', 'i' }, 'edit-ask', edit('ask'))
for _, task in ipairs({ 'generate', 'explain' }) do
  plug('n', task, ('<Cmd>Ensemble %s<CR>'):format(task))
  plug('x', task, (':Ensemble %s<CR>'):format(task)) -- with the selected lines as its range
end
local COMMANDS =
  { 'why', 'cancel', 'models', 'report', 'compare', 'enable', 'disable', 'restart', 'log' }
for _, name in ipairs(COMMANDS) do
  plug('n', name, ('<Cmd>Ensemble %s<CR>'):format(name))
end
