"""Run code that models wrote: the prompt's examples and the repository's own tests, in sandboxes."""
