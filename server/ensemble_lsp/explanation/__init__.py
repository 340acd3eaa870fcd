"""The task ``explain``: what a piece of code does."""
