-- Messages and windows.
local M = {}

---@param message string
function M.error(message)
  vim.notify('ensemble-lsp: ' .. message, vim.log.levels.ERROR)
end

---@param message string
function M.info(message)
  vim.notify('ensemble-lsp: ' .. message)
end

local shown ---@type { name: string, window: integer }? the floating window

--- Show Markdown in a floating window that replaces the one before. The same command again moves
--- the cursor into the window.
---@param markdown string
---@param name? string of what is shown
---@return integer buffer
function M.float(markdown, name)
  local again = false
  if shown and vim.api.nvim_win_is_valid(shown.window) then
    again = name ~= nil and shown.name == name
    vim.api.nvim_win_close(shown.window, true)
  end
  local buffer, window = vim.lsp.util.open_floating_preview(vim.split(markdown, '\n'), 'markdown', {
    border = 'rounded',
    focus_id = 'ensemble_lsp.' .. (name or ''),
    max_width = math.min(100, vim.o.columns - 4),
  })
  shown = { name = name or '', window = window }
  if again then
    vim.api.nvim_set_current_win(window)
  end
  return buffer
end

--- Open a file that holds text of models. A modeline in it must set no option, and no language
--- server is started for it.
---@param path string
---@param filetype? string
function M.split(path, filetype)
  local modeline = vim.go.modeline
  vim.go.modeline = false
  local opened, problem = pcall(vim.cmd, 'noautocmd split ' .. vim.fn.fnameescape(path))
  vim.go.modeline = modeline
  if opened then
    vim.bo.buftype = 'nowrite' -- before the file type: Neovim starts servers for files alone
    vim.bo.filetype = filetype or ''
  end
  if not opened then
    M.error(tostring(problem))
  end
end

return M
