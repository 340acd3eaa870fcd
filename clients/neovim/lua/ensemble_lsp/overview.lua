-- `:Ensemble` alone: what there is.
local M = {}

local GROUPS = {
  {
    'Suggestions',
    { 'accept [word|line]', 'accept the suggestion, or its next word or line' },
    { 'reject', 'reject the suggestion' },
    { 'suggest', 'ask for several suggestions at the cursor' },
    { 'next', 'show the next suggestion' },
    { 'previous', 'show the previous suggestion' },
    { 'why', 'show why this model was asked' },
  },
  {
    'Tasks',
    { 'generate [instruction]', 'write code with several models' },
    { 'explain [model]', 'explain the code at the cursor or in the range' },
    { 'helpful', 'say that the explanation was helpful' },
    { 'unhelpful', 'say that it was not' },
    { 'cancel', 'cancel all running requests' },
  },
  {
    'Models',
    { 'models', 'show the models and their records' },
    { 'pin {task} [model]', 'always ask this model first' },
    { 'add name=… provider=… model=…', 'add a model' },
    { 'remove {name}', 'remove a model' },
  },
  {
    'Reports',
    { 'report [task]', 'show acceptance, latency and cost by model' },
    { 'compare [path …]', 'compare the models on your own code' },
  },
  {
    'Server',
    { 'set {key}={value} …', 'change settings for this session' },
    { 'enable', 'start the server' },
    { 'disable', 'stop the server' },
    { 'restart', 'stop the server and start it again' },
    { 'log', "open Neovim's log of language servers" },
  },
}

--- The commands by group, as Markdown. Commands of other modules follow without a description.
---@param names string[] all commands
---@return string
function M.markdown(names)
  local lines, listed = {}, {}
  for _, group in ipairs(GROUPS) do
    lines[#lines + 1] = ('**%s**'):format(group[1])
    for index = 2, #group do
      local usage, text = unpack(group[index])
      listed[usage:match('^%S+')] = true
      lines[#lines + 1] = ('- `%s`: %s'):format(usage, text)
    end
    lines[#lines + 1] = ''
  end
  local more = vim.tbl_filter(function(name)
    return not listed[name]
  end, names)
  if #more > 0 then
    vim.list_extend(lines, { '`' .. table.concat(more, '`, `') .. '`', '' })
  end
  lines[#lines + 1] = '`:help :Ensemble` describes them.'
  return table.concat(lines, '\n')
end

return M
