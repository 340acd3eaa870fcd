"""ensemble/status: the server's state, for clients that show it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..app.activity import Activity

METHOD = "ensemble/status"
COALESCE = 0.03
"""Coalescing delay in seconds: short-lived states are never sent, and no answer waits for a status."""


class StatusNotifier:
    """Sends the status when it changes: the latest one, and never the same twice in a row."""

    def __init__(self, notify: Callable[[str, Any], None]) -> None:
        self._notify = notify
        self._last: dict[str, Any] = {}
        self._next: dict[str, Any] | None = None

    def watch(self, activity: Activity) -> None:
        """Send the client what the server is doing."""
        activity.on_status = self.send

    def send(self, state: str, **fields: Any) -> None:
        """Schedule a status; ``notification_schemas.StatusParams`` describes its fields."""
        if self._next is None:
            asyncio.get_running_loop().call_later(COALESCE, self._send)
        self._next = {"state": state, **{k: v for k, v in fields.items() if v is not None}}

    def _send(self) -> None:
        status, self._next = self._next, None
        if status is not None and status != self._last:
            self._last = status
            self._notify(METHOD, status)
