-- Keys of Insert mode. Where an action does not apply, a key does what it did before: the mapping
-- it had, of Neovim, the user or another plugin, or its usual effect.
local M = {}

local DESC = 'Ensemble: '

--- The keys that had a mapping, with the <Plug> mapping that keeps it.
local earlier = {} ---@type table<string, string>

---@param keys string
local function raw(keys)
  return vim.api.nvim_replace_termcodes(keys, true, true, true)
end

--- Keep the global mapping of a key under another name.
---@param lhs string
local function keep(lhs)
  local code = raw(lhs)
  for _, map in ipairs(vim.api.nvim_get_keymap('i')) do
    local ours = vim.startswith(map.desc or '', DESC)
    if (map.lhsraw == code or map.lhsrawalt == code) and not ours then
      local plug = ('<Plug>(ensemble-before-%s)'):format(lhs:gsub('[<>]', ''))
      map.lhs, map.lhsraw, map.lhsrawalt = plug, raw(plug), nil
      vim.fn.mapset('i', false, map)
      earlier[lhs] = plug
    end
  end
end

local function is_tab(lhs)
  return raw(lhs) == '\t'
end

---@param lhs string
local function before(lhs)
  if earlier[lhs] then
    return earlier[lhs]
  end
  if is_tab(lhs) and vim.snippet.active({ direction = 1 }) then
    return '<Cmd>lua vim.snippet.jump(1)<CR>'
  end
  return lhs
end

--- Map a key that runs `action`, which returns whether it applied.
---@param lhs string
---@param action fun(): boolean?
---@param desc string
function M.with_fallback(lhs, action, desc)
  keep(lhs)
  vim.keymap.set('i', lhs, function()
    -- In a snippet <Tab> jumps, whatever is suggested.
    local jumps = is_tab(lhs) and vim.snippet.active({ direction = 1 })
    return not jumps and action() and '' or before(lhs)
  end, { expr = true, remap = true, replace_keycodes = true, desc = DESC .. desc })
end

--- Map a key that only runs `action`.
---@param lhs string
---@param action fun()
---@param desc string
function M.plain(lhs, action, desc)
  vim.keymap.set('i', lhs, action, { desc = DESC .. desc })
end

return M
