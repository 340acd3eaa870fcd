"""The state of the server: a frozen ``AppContext`` that every change swaps whole, and the parts that outlive it."""

from .app_context import AppContext, open_app
from .runtime import Runtime

__all__ = ["AppContext", "Runtime", "open_app"]
