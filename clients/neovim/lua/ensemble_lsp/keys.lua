-- Keys of Insert and Normal mode. Where an action does not apply, a key does what it did before:
-- the mapping it had, of Neovim, the user or another plugin, or its usual effect.
local M = {}

local DESC = 'Ensemble: '

--- The keys that had a mapping, by mode, with the <Plug> mapping that keeps it.
local earlier = { i = {}, n = {} } ---@type table<string, table<string, string>>

---@param keys string
local function raw(keys)
  return vim.api.nvim_replace_termcodes(keys, true, true, true)
end

--- Keep the global mapping of a key under another name.
---@param mode string
---@param lhs string
local function keep(mode, lhs)
  local code = raw(lhs)
  for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do
    local ours = vim.startswith(map.desc or '', DESC)
    if (map.lhsraw == code or map.lhsrawalt == code) and not ours then
      local plug = ('<Plug>(ensemble-before-%s)'):format(lhs:gsub('[<>]', ''))
      map.lhs, map.lhsraw, map.lhsrawalt = plug, raw(plug), nil
      vim.fn.mapset(mode, false, map)
      earlier[mode][lhs] = plug
    end
  end
end

--- Whether a key is the <Tab> of a snippet, which jumps, whatever is suggested.
---@param mode string
---@param lhs string
local function jumps(mode, lhs)
  return mode == 'i' and raw(lhs) == '\t' and vim.snippet.active({ direction = 1 })
end

---@param mode string
---@param lhs string
local function before(mode, lhs)
  if earlier[mode][lhs] then
    return earlier[mode][lhs]
  end
  if jumps(mode, lhs) then
    return '<Cmd>lua vim.snippet.jump(1)<CR>'
  end
  return lhs
end

--- Map a key that runs `action`, which returns whether it applied.
---@param mode string
---@param lhs string
---@param action fun(): boolean?
---@param desc string
function M.with_fallback(mode, lhs, action, desc)
  keep(mode, lhs)
  vim.keymap.set(mode, lhs, function()
    return not jumps(mode, lhs) and action() and '' or before(mode, lhs)
  end, { expr = true, remap = true, replace_keycodes = true, desc = DESC .. desc })
end

--- Map a key that only runs `action`.
---@param mode string
---@param lhs string
---@param action fun()
---@param desc string
function M.plain(mode, lhs, action, desc)
  vim.keymap.set(mode, lhs, action, { desc = DESC .. desc })
end

return M
