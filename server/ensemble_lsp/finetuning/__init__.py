"""Training data from the history, a repository or a file, and the jobs that train on it.

``prepare`` gathers and checks examples; ``service`` speaks to a provider's files and jobs;
``running`` starts and follows a job, ``jobs`` remembers it; ``joining`` makes its model one of the
models. ``local`` trains on this machine.
"""
