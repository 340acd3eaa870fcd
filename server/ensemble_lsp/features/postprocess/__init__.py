"""A model's raw text → what is offered: pure functions, one module for each family of rules."""

from .code import clean_code
from .completion import clean_completion
from .prose import clean_prose, plain_text

__all__ = ["clean_code", "clean_completion", "clean_prose", "plain_text"]
