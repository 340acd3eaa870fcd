"""ensemble/status: what the server is doing, for a client that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..session.runtime import Runtime
    from .base import EnsembleServer

METHOD = "ensemble/status"


class Status:
    """Sends a status when it changes, never twice the same."""

    def __init__(self, ls: EnsembleServer) -> None:
        self._ls = ls
        self._last: dict[str, Any] = {}

    def watch(self, runtime: Runtime) -> None:
        """Tell the client what the runtime reports."""
        runtime.on_status = self.send

    def send(self, state: str, **fields: Any) -> None:
        """``state`` is idle, busy or offline; task, model, message and acceptRate where known."""
        status = {"state": state, **{k: v for k, v in fields.items() if v is not None}}
        if status != self._last:
            self._last = status
            self._ls.protocol.notify(METHOD, status)
