"""The task complete: what is offered at a cursor, when, and by which model."""

from __future__ import annotations

from .completer import Completer
from .request import CompletionRequest, SelectedItem

__all__ = ["Completer", "CompletionRequest", "SelectedItem"]
