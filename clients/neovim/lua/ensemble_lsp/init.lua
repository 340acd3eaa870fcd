-- ensemble-lsp for Neovim: setup, and the server's status.
local M = {}

M.name = 'ensemble_lsp'
M.status = nil ---@type table?

local ghost = require('ensemble_lsp.ghost')
local next_edit = require('ensemble_lsp.next_edit')

M.accept = ghost.accept
M.accept_part = ghost.accept_part
M.reject = ghost.reject
M.next = ghost.next
M.previous = ghost.previous
M.trigger = ghost.trigger

--- The server of the current buffer, or any that is running.
---@return vim.lsp.Client?
function M.client()
  return vim.lsp.get_clients({ name = M.name, bufnr = 0 })[1]
    or vim.lsp.get_clients({ name = M.name })[1]
end

---@param status table
function M.on_status(status)
  -- A status may name no model; then the last one is kept.
  M.status = vim.tbl_extend('keep', status, { model = M.status and M.status.model })
  vim.api.nvim_exec_autocmds('User', { pattern = 'EnsembleStatus', data = status })
  vim.cmd.redrawstatus()
end

--- For the status line: the server's state and the model of the last answer. A status line may run
--- code behind a percent sign, and a model's name may come from another program on this machine.
---@return string
function M.statusline()
  if not M.client() then
    return ''
  end
  local status = M.status or {}
  local icon = ({ busy = '…', offline = '!' })[status.state] or ''
  local edit = next_edit.statusline()
  return 'ensemble'
    .. (status.snoozed and ' (snoozed)' or icon)
    .. (status.model and (': ' .. status.model:gsub('%%', '')) or '')
    .. (edit == '' and '' or ' ' .. edit)
end

--- Change the server's settings for this session, without a restart.
---@param settings table the settings under `ensemble`, e.g. { complete = { enabled = false } }
function M.configure(settings)
  vim.lsp.config(M.name, { settings = { ensemble = settings } })
  for _, client in ipairs(vim.lsp.get_clients({ name = M.name })) do
    client.settings = vim.tbl_deep_extend('force', client.settings or {}, { ensemble = settings })
    client:notify('workspace/didChangeConfiguration', { settings = client.settings })
  end
end

---@class ensemble_lsp.Keymaps
---@field accept? string|false
---@field word? string|false
---@field line? string|false
---@field next? string|false
---@field previous? string|false
---@field reject? string|false
---@field trigger? string|false
---@field edit? string|false in Normal mode
---@field dismiss? string|false in Normal mode

---@type ensemble_lsp.Keymaps
M.default_keymaps = {
  accept = '<Tab>',
  word = '<M-Right>',
  line = '<M-Down>',
  next = '<M-]>',
  previous = '<M-[>',
  reject = '<C-]>',
  trigger = '<M-\\>',
  edit = '<Tab>',
  dismiss = '<Esc>',
}

---@class ensemble_lsp.Action
---@field run fun(): boolean?
---@field desc string
---@field fallback? boolean without a suggestion the key does what it did before
---@field mode? string Insert mode if not set

---@type table<string, ensemble_lsp.Action>
local ACTIONS = {
  accept = {
    run = function()
      return M.accept() or next_edit.jump_or_apply()
    end,
    desc = 'accept the suggestion, or the next edit',
    fallback = true,
  },
  word = {
    run = function()
      return M.accept_part('word')
    end,
    desc = 'accept the next word of the suggestion',
    fallback = true,
  },
  line = {
    run = function()
      return M.accept_part('line')
    end,
    desc = 'accept the next line of the suggestion',
    fallback = true,
  },
  next = { run = M.next, desc = 'show the next suggestion' },
  previous = { run = M.previous, desc = 'show the previous suggestion' },
  reject = {
    run = function()
      return M.reject() or next_edit.dismiss()
    end,
    desc = 'reject the suggestion, or the next edit',
    fallback = true,
  },
  trigger = { run = M.trigger, desc = 'ask for suggestions' },
  edit = {
    run = next_edit.jump_or_apply,
    desc = 'jump to the next edit, or apply it',
    fallback = true,
    mode = 'n',
  },
  dismiss = {
    run = next_edit.dismiss,
    desc = 'dismiss the next edit',
    fallback = true,
    mode = 'n',
  },
}

local WITH_GHOST_TEXT = { word = true, line = true, next = true, previous = true }

---@param name string
---@param lhs string
local function map(name, lhs)
  local action = ACTIONS[name]
  if not action then
    local names = vim.tbl_keys(ACTIONS)
    table.sort(names)
    return require('ensemble_lsp.ui').error(
      ('%q is not an action; use %s'):format(name, table.concat(names, ', '))
    )
  end
  local keys = require('ensemble_lsp.keys')
  local set = action.fallback and keys.with_fallback or keys.plain
  set(action.mode or 'i', lhs, action.run, action.desc)
end

--- Before Neovim 0.12 the suggestions are offered as completions.
local function enable_completion(group)
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == M.name and client:supports_method('textDocument/completion') then
        -- Without noselect the menu inserts its first entry as it opens.
        vim.bo[event.buf].completeopt = 'menuone,noselect,popup'
        vim.lsp.completion.enable(true, client.id, event.buf, { autotrigger = true })
      end
    end,
  })
end

---@class ensemble_lsp.Opts
---@field keymaps? ensemble_lsp.Keymaps|'default' none by default
---@field next_edit? boolean predict the next edit; true by default
---@field config? vim.lsp.Config

--- Enable the server and, with Neovim 0.12, ghost text. Maps only the keys given in `keymaps`.
---@param opts? ensemble_lsp.Opts
function M.setup(opts)
  opts = opts or {}
  if opts.config then
    vim.lsp.config(M.name, opts.config)
  end
  local group = vim.api.nvim_create_augroup('ensemble_lsp', {})
  if vim.lsp.inline_completion then
    ghost.setup(group)
    vim.lsp.inline_completion.enable(true)
  else
    enable_completion(group)
  end
  next_edit.setup(group)
  next_edit.enable(opts.next_edit ~= false)
  local keymaps = opts.keymaps == 'default' and M.default_keymaps or opts.keymaps or {}
  for name, lhs in pairs(keymaps) do
    -- Before 0.12 there is no ghost text to act on.
    local acts = vim.lsp.inline_completion or not WITH_GHOST_TEXT[name]
    if lhs and acts then
      map(name, lhs)
    end
  end
  vim.lsp.enable(M.name)
end

return M
