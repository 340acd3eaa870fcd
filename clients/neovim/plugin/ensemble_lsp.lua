if vim.g.loaded_ensemble_lsp then
  return
end
vim.g.loaded_ensemble_lsp = true

vim.api.nvim_create_user_command('Ensemble', function(opts)
  require('ensemble_lsp.commands').run(opts)
end, {
  nargs = '+',
  range = true,
  desc = 'ensemble-lsp: suggestions, tasks, models, measuring, the server',
  complete = function(lead, line)
    return require('ensemble_lsp.commands').complete(lead, line)
  end,
})
