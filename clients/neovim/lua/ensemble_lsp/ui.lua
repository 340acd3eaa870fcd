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

return M
