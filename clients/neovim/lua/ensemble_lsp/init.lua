-- ensemble-lsp for Neovim: setting it up, and what the server says of itself.
local M = {}

M.name = 'ensemble_lsp'
M.status = nil ---@type table?

local ghost = require('ensemble_lsp.ghost')

-- Functions for keys of one's own.
M.accept = ghost.accept
M.accept_part = ghost.accept_part
M.dismiss = ghost.dismiss
M.next = ghost.next
M.previous = ghost.previous
M.trigger = ghost.trigger

--- The server of the current buffer, else any that runs.
---@return vim.lsp.Client?
function M.client()
  return vim.lsp.get_clients({ name = M.name, bufnr = 0 })[1]
    or vim.lsp.get_clients({ name = M.name })[1]
end

---@param status table
function M.on_status(status)
  -- A status need not name a model; the one that spoke last is still of interest.
  M.status = vim.tbl_extend('keep', status, { model = M.status and M.status.model })
  vim.api.nvim_exec_autocmds('User', { pattern = 'EnsembleStatus', data = status })
  vim.cmd.redrawstatus()
end

--- For the status line: what the server is doing, and which model spoke last.
---@return string
function M.statusline()
  if not M.client() then
    return ''
  end
  local status = M.status or {}
  local icon = ({ busy = '…', offline = '!' })[status.state] or ''
  return 'ensemble' .. icon .. (status.model and (': ' .. status.model) or '')
end

--- Change the server's settings while it runs. They hold for this session.
---@param settings table what stands under `ensemble`, e.g. { complete = { enabled = false } }
function M.configure(settings)
  vim.lsp.config(M.name, { settings = { ensemble = settings } })
  for _, client in ipairs(vim.lsp.get_clients({ name = M.name })) do
    client.settings = vim.tbl_deep_extend('force', client.settings or {}, { ensemble = settings })
    client:notify('workspace/didChangeConfiguration', { settings = client.settings })
  end
end

local function map(lhs, run, desc)
  if lhs then
    vim.keymap.set('i', lhs, run, { desc = 'Ensemble: ' .. desc })
  end
end

--- A key that does something where there is a suggestion, and is itself where there is none.
local function map_or_key(lhs, accept, desc)
  if lhs then
    vim.keymap.set('i', lhs, function()
      return accept() and '' or lhs
    end, { expr = true, desc = 'Ensemble: ' .. desc, replace_keycodes = true })
  end
end

local function map_keys(keys)
  map_or_key(keys.accept, M.accept, 'accept the suggestion')
  map_or_key(keys.word, function()
    return M.accept_part('word')
  end, 'accept a word')
  map_or_key(keys.line, function()
    return M.accept_part('line')
  end, 'accept a line')
  map_or_key(keys.dismiss, M.dismiss, 'refuse the suggestion')
  map(keys.next, M.next, 'next suggestion')
  map(keys.previous, M.previous, 'previous suggestion')
end

--- Before 0.12 the same suggestions come as completions.
local function complete_instead(group)
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == M.name and client:supports_method('textDocument/completion') then
        -- Else the first one is put into the buffer as soon as the menu opens.
        vim.bo[event.buf].completeopt = 'menuone,noselect,popup'
        vim.lsp.completion.enable(true, client.id, event.buf, { autotrigger = true })
      end
    end,
  })
end

---@class ensemble_lsp.Keymaps
---@field accept? string|false
---@field word? string|false
---@field line? string|false
---@field next? string|false
---@field previous? string|false
---@field dismiss? string|false
---@field trigger? string|false

---@class ensemble_lsp.Opts
---@field keymaps? ensemble_lsp.Keymaps
---@field config? vim.lsp.Config

--- Enable the server and, with Neovim 0.12, its ghost text.
---@param opts? ensemble_lsp.Opts
function M.setup(opts)
  opts = opts or {}
  if opts.config then
    vim.lsp.config(M.name, opts.config)
  end
  local keys = vim.tbl_extend('force', {
    accept = '<Tab>',
    word = '<M-Right>',
    line = '<M-Down>',
    next = '<M-]>',
    previous = '<M-[>',
    dismiss = '<C-]>',
    trigger = '<M-\\>',
  }, opts.keymaps or {})
  map(keys.trigger, M.trigger, 'ask for suggestions')
  local group = vim.api.nvim_create_augroup('ensemble_lsp', {})
  if vim.lsp.inline_completion then
    vim.lsp.inline_completion.enable(true)
    ghost.watch(group)
    map_keys(keys)
  else
    complete_instead(group)
  end
  vim.lsp.enable(M.name)
end

return M
