"""The task ``complete``: inline completions at a cursor."""

from __future__ import annotations

from .completer import Completer
from .request import CompletionRequest, SelectedItem

__all__ = ["Completer", "CompletionRequest", "SelectedItem"]
