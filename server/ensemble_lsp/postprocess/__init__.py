"""Turns a model's raw text into an answer: pure functions, one module per family of rules."""

from .completion_text import clean_completion
from .explanation_text import clean_prose, escape_markdown
from .generated_code import clean_code

__all__ = ["clean_code", "clean_completion", "clean_prose", "escape_markdown"]
