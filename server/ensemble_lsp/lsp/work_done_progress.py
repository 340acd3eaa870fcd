"""Work-done progress with a token of our own, and cancelling by it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Coroutine
from typing import Any, TypeVar

from lsprotocol import types

from .server import EnsembleServer

R = TypeVar("R")


class Progress:
    """One progress bar in the editor; does nothing for a client without them."""

    def __init__(self, ls: EnsembleServer, token: str | int | None) -> None:
        self._ls = ls
        self._token = token

    def report(self, message: str, percentage: int | None = None) -> None:
        """Say how far it is."""
        if self._token is not None:
            value = types.WorkDoneProgressReport(message=message, percentage=percentage)
            self._ls.work_done_progress.report(self._token, value)

    def end(self, message: str) -> None:
        """Close the bar; the token is forgotten."""
        if self._token is not None:
            self._ls.work_done_progress.end(self._token, types.WorkDoneProgressEnd(message=message))
            self._ls.work_done_progress.tokens.pop(self._token, None)
            self._token = None


async def begin(
    ls: EnsembleServer, title: str, given: str | int | None
) -> tuple[Progress, asyncio.Future[Any] | None]:
    """Open a progress bar: on the client's token, else on one the server makes, if the client can."""
    if not ls.client.progress and given is None:
        return Progress(ls, None), None
    bars = ls.work_done_progress
    token = given if given is not None else uuid.uuid4().hex
    if given is None:
        try:
            await asyncio.wait_for(bars.create_async(token), 2)
        except Exception:  # a client that refuses or never answers does without the bar
            return Progress(ls, None), None
    bars.begin(token, types.WorkDoneProgressBegin(title=title, cancellable=True, percentage=0))
    future = bars.tokens.get(token)
    return Progress(ls, token), asyncio.wrap_future(future) if future is not None else None


async def with_progress(
    ls: EnsembleServer,
    title: str,
    token: str | int | None,
    work: Any,
) -> Any:
    """Run ``work(progress)`` with a bar; the bar's cancel button cancels it.

    ``work`` takes a ``Progress`` and returns a coroutine. Raises ``asyncio.CancelledError`` when the
    user cancels.
    """
    bar, cancelled = await begin(ls, title, token)
    coroutine: Coroutine[Any, Any, Any] = work(bar)
    task = asyncio.ensure_future(coroutine)
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
