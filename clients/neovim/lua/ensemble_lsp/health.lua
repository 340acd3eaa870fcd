-- :checkhealth ensemble_lsp
local M = {}

local TIMEOUT_MS = 5000

local function check_models(client)
  local health = vim.health
  local request = { command = 'ensemble.models', arguments = { vim.empty_dict() } }
  local answer = client:request_sync('workspace/executeCommand', request, TIMEOUT_MS)
  if not answer or answer.err then
    local message = answer and answer.err.message or 'the server does not answer'
    health.error(message, ':Ensemble restart')
  end
  for _, model in ipairs(answer and answer.result or {}) do
    local tasks = table.concat(model.tasks, ', ')
    local line = ('%s (%s): %s'):format(model.name, model.provider, tasks)
    if model.available then
      health.ok(line)
    else
      health.warn(line, model.reason)
    end
  end
end

function M.check()
  local health = vim.health
  health.start('ensemble-lsp')
  if vim.fn.has('nvim-0.11') == 0 then
    health.error('Neovim 0.11 or newer is required')
    return
  end
  if vim.lsp.inline_completion then
    health.ok('inline completion (ghost text) is available')
  else
    health.info('inline completion needs Neovim 0.12: suggestions are offered as completions')
  end
  if require('ensemble_lsp.next_edit').is_enabled() then
    health.ok('next edits are shown')
  else
    health.info('next edits are switched off')
  end
  local config = vim.lsp.config[require('ensemble_lsp').name]
  local program = config and type(config.cmd) == 'table' and config.cmd[1] or 'ensemble-lsp'
  if vim.fn.executable(program) == 0 then
    local advice = 'pip install "ensemble-lsp[local]", or set its path in `config.cmd`'
    health.error(program .. ' is not installed', advice)
    return
  end
  health.ok(program .. ' is installed: ' .. vim.fn.exepath(program))
  local client = require('ensemble_lsp').client()
  if not client then
    health.warn('the server is not running in any buffer', "vim.lsp.enable('ensemble_lsp')")
    return
  end
  local version = (client.server_info or {}).version or 'unknown'
  health.ok('the server is running, version ' .. version)
  check_models(client)
end

return M
