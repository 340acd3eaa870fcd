"""Training data from the history, a repository or a file, and the jobs that train on it.

``prepare`` selects and checks examples; ``openai_jobs`` is the client of a provider's files and jobs;
``job_runner`` starts and follows a job, ``jobs`` stores it; ``registration`` adds its model to the
config. ``local_training`` trains on this machine, with ``local``.
"""
