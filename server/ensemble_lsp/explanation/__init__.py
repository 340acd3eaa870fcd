"""The task ``explain``: a description of code."""
