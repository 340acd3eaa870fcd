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

--- Show Markdown in a floating window.
---@param markdown string
---@return integer buffer
function M.float(markdown)
  return vim.lsp.util.open_floating_preview(vim.split(markdown, '\n'), 'markdown', {
    border = 'rounded',
    focus_id = 'ensemble_lsp',
    max_width = math.min(100, vim.o.columns - 4),
  })
end

--- Open a file that holds text of models. A modeline in it must set no option.
---@param path string
function M.split(path)
  local modeline = vim.go.modeline
  vim.go.modeline = false
  local opened, problem = pcall(vim.cmd.split, vim.fn.fnameescape(path))
  vim.go.modeline = modeline
  if not opened then
    M.error(tostring(problem))
  end
end

return M
