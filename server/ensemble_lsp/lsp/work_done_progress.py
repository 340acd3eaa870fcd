"""Work-done progress: a progress bar in the editor that can cancel the work."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from lsprotocol import types

from .server import EnsembleServer

R = TypeVar("R")

CREATE_TIMEOUT = 2.0
"""Seconds that a client has to create a progress bar; after that the work runs without one."""


class WorkDoneProgress:
    """One progress bar in the editor; without a token it does nothing."""

    def __init__(self, ls: EnsembleServer, token: str | int | None) -> None:
        self._ls = ls
        self._token = token

    def report(self, message: str, percentage: int | None = None) -> None:
        """Update the bar."""
        if self._token is not None:
            value = types.WorkDoneProgressReport(message=message, percentage=percentage)
            self._ls.work_done_progress.report(self._token, value)

    def end(self, message: str) -> None:
        """Close the bar and forget its token."""
        if self._token is not None:
            self._ls.work_done_progress.end(self._token, types.WorkDoneProgressEnd(message=message))
            self._ls.work_done_progress.tokens.pop(self._token, None)
            self._token = None


async def _begin(
    ls: EnsembleServer, title: str, client_token: str | int | None
) -> tuple[WorkDoneProgress, asyncio.Future[Any] | None]:
    """Open a bar on the client's token or on a new one; the future is cancelled by the user."""
    if not ls.client.progress and client_token is None:
        return WorkDoneProgress(ls, None), None
    bars = ls.work_done_progress
    token = client_token if client_token is not None else uuid.uuid4().hex
    if client_token is None:
        try:
            await asyncio.wait_for(bars.create_async(token), CREATE_TIMEOUT)
        except Exception:  # the client refused or did not answer
            return WorkDoneProgress(ls, None), None
    bars.begin(token, types.WorkDoneProgressBegin(title=title, cancellable=True, percentage=0))
    future = bars.tokens.get(token)
    return WorkDoneProgress(ls, token), asyncio.wrap_future(future) if future is not None else None


async def with_progress(
    ls: EnsembleServer,
    title: str,
    token: str | int | None,
    work: Callable[[WorkDoneProgress], Coroutine[Any, Any, R]],
) -> R:
    """Run ``work`` with a progress bar; raise ``asyncio.CancelledError`` when the user cancels it."""
    bar, cancelled = await _begin(ls, title, token)
    task = asyncio.ensure_future(work(bar))
    if cancelled is not None:
        cancelled.add_done_callback(lambda f: task.cancel() if f.cancelled() else None)
    ending = "cancelled"
    try:
        result = await task
        ending = "done"
        return result
    except asyncio.CancelledError:
        task.cancel()
        raise
    except Exception:
        ending = "failed"
        raise
    finally:
        with contextlib.suppress(Exception):
            bar.end(ending)
