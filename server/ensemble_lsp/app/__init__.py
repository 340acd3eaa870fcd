"""A session: settings, models and selector, swapped as one; and the runtime that outlives it."""

from .runtime import Runtime
from .session import Session, open_session

__all__ = ["Runtime", "Session", "open_session"]
