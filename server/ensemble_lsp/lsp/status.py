"""ensemble/status: what the server is doing, for a client that shows it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..app.activity import Activity
    from .server import EnsembleServer

METHOD = "ensemble/status"
PAUSE = 0.03
"""Seconds until a change is told: what is over by then nobody sees, and no answer waits behind it."""


class Status:
    """Sends a status when it changes, never twice the same; of several at once the last."""

    def __init__(self, ls: EnsembleServer) -> None:
        self._ls = ls
        self._last: dict[str, Any] = {}
        self._next: dict[str, Any] | None = None

    def watch(self, activity: Activity) -> None:
        """Send the client what the server is doing."""
        activity.on_status = self.send

    def send(self, state: str, **fields: Any) -> None:
        """``state`` is idle, busy or offline; task, model, message and acceptRate where known."""
        if self._next is None:
            asyncio.get_running_loop().call_later(PAUSE, self._send)
        self._next = {"state": state, **{k: v for k, v in fields.items() if v is not None}}

    def _send(self) -> None:
        status, self._next = self._next, None
        if status is not None and status != self._last:
            self._last = status
            self._ls.protocol.notify(METHOD, status)
