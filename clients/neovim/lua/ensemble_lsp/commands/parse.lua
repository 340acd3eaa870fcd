-- The words of a command
local M = {}

M.TASKS = { 'complete', 'explain', 'generate', 'edit' }

---@param word string?
function M.is_task(word)
  return vim.tbl_contains(M.TASKS, word)
end

--- Parse `name=value` words. A value that is valid JSON, such as a number or a list, is decoded.
---@param words string[]
---@return table? values
---@return string? invalid the first word that is not `name=value`
function M.fields(words)
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

return M
