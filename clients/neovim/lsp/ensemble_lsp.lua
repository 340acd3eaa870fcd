-- For vim.lsp.enable('ensemble_lsp').
---@type vim.lsp.Config
return {
  cmd = { 'ensemble-lsp', '--stdio' },
  root_markers = { '.git' },
  settings = { ensemble = {} },
  handlers = {
    ['ensemble/status'] = function(_, status)
      require('ensemble_lsp').on_status(status)
    end,
  },
}
