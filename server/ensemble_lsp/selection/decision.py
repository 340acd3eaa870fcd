"""The models to ask for one request, and the choice that they come from."""

from __future__ import annotations

from dataclasses import dataclass

from ..models.interface import Model
from .choice import Choice
from .request_context import RequestContext


@dataclass(frozen=True, slots=True)
class Decision:
    """Models to ask, best first, with the choice and the context that led to the order."""

    models: list[Model]
    choice: Choice
    context: RequestContext
    pinned: bool = False
    """The user pinned the first model; others are asked only if it fails or returns nothing."""
