"""State, with two owners: a frozen ``AppContext`` that every change swaps whole, and the ``Workspace``.

``SuggestionLog`` leads from an offered suggestion to what the selector learns.
"""

from .app_context import AppContext
from .builders import open_app, reconfigured
from .suggestion_log import SuggestionLog
from .workspace import Workspace

__all__ = ["AppContext", "SuggestionLog", "Workspace", "open_app", "reconfigured"]
