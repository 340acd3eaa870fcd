-- For vim.lsp.enable('ensemble_lsp').
---@type vim.lsp.Config
return {
  cmd = { 'ensemble-lsp', '--stdio' },
  root_markers = { '.git' },
  settings = { ensemble = vim.empty_dict() },
  handlers = {
    ['ensemble/status'] = function(_, status)
      require('ensemble_lsp').on_status(status)
    end,
  },
  commands = {
    -- Remembers the accepted suggestion for ':Ensemble why', then runs the command on the server.
    ['ensemble.accept'] = function(command, context)
      require('ensemble_lsp.ghost').on_accepted(command, context)
    end,
    -- Shows the code action's explanation in a window: servers would attach to a file.
    ['ensemble.explain'] = function(command)
      local argument = vim.tbl_extend('force', command.arguments[1], { show = false })
      require('ensemble_lsp.explanation').show(argument)
    end,
  },
  on_init = function()
    require('ensemble_lsp.names').invalidate()
  end,
  on_exit = function(code, signal)
    require('ensemble_lsp.restart').on_exit(code, signal)
  end,
}
