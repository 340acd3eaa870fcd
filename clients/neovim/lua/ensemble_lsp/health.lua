-- :checkhealth ensemble_lsp
local M = {}

function M.check()
  local health = vim.health
  health.start('ensemble-lsp')
  if vim.fn.has('nvim-0.11') == 0 then
    health.error('Neovim 0.11 or newer is needed')
    return
  end
  if vim.lsp.inline_completion then
    health.ok('inline completion (ghost text) is there')
  else
    health.info('no inline completion before Neovim 0.12: suggestions come as completions')
  end
  local config = vim.lsp.config[require('ensemble_lsp').name]
  local program = config and type(config.cmd) == 'table' and config.cmd[1] or 'ensemble-lsp'
  if vim.fn.executable(program) == 0 then
    local remedy = 'pip install "ensemble-lsp[local]", or give its path in `config.cmd`'
    health.error(program .. ' is not found', remedy)
    return
  end
  health.ok(program .. ' is found: ' .. vim.fn.exepath(program))
  local client = require('ensemble_lsp').client()
  if not client then
    health.warn('the server is not running in any buffer', "vim.lsp.enable('ensemble_lsp')")
    return
  end
  local version = (client.server_info or {}).version or 'unknown'
  health.ok('the server is running, version ' .. version)
  local request = { command = 'ensemble.models', arguments = { vim.empty_dict() } }
  local answer = client:request_sync('workspace/executeCommand', request, 5000)
  if not answer or answer.err then
    health.error(answer and answer.err.message or 'the server does not answer', ':Ensemble restart')
  end
  for _, model in ipairs(answer and answer.result or {}) do
    local told = ('%s (%s): %s'):format(model.name, model.provider, table.concat(model.tasks, ', '))
    if model.available then
      health.ok(told)
    else
      health.warn(told, model.reason)
    end
  end
end

return M
