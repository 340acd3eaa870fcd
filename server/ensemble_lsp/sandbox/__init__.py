"""Runs unreviewed model output in isolation: docstring examples and repository tests."""
