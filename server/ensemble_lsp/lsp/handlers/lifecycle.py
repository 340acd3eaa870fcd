"""initialize, initialized, setTrace, shutdown."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Any, cast

from lsprotocol import types

from ..server import Client, EnsembleServer
from .configuration import watch_configuration

logger = logging.getLogger(__name__)


def initialize(ls: EnsembleServer, params: types.InitializeParams) -> None:
    """Remember what the client is and wants. Imports nothing heavy: the answer must be quick."""
    ls.client = Client.of(params)
    ls.trace = params.trace or types.TraceValue.Off
    options = params.initialization_options
    if isinstance(options, dict):
        options = cast("dict[str, Any]", options)
        ls.trusted = options.pop("workspaceTrusted", True) is not False
        ls.initialization_options = cast("dict[str, Any]", options.get("ensemble", options))
    roots = [folder.uri for folder in params.workspace_folders or []]
    ls.folders = tuple(roots or ([params.root_uri] if params.root_uri else []))
    if params.process_id:
        ls.background(_leave_with_parent(ls, params.process_id))


async def initialized(ls: EnsembleServer, params: types.InitializedParams) -> None:
    """Build the session now, beside whatever the client asks meanwhile."""
    await watch_configuration(ls)
    host = await ls.host()
    app, loop = host.app, asyncio.get_running_loop()
    told: set[str] = set()

    def tell_news() -> None:
        for notice in app.notices():
            if notice not in told:
                told.add(notice)
                ls.tell(notice)

    def soon() -> None:
        loop.call_soon_threadsafe(tell_news)

    # A disk may fill up, or a file be removed, hours after the start.
    app.history.on_notice = soon
    tell_news()


def set_trace(ls: EnsembleServer, params: types.SetTraceParams) -> None:
    """How much the client wants to know."""
    ls.trace = params.value
    verbose = params.value == types.TraceValue.Verbose
    logging.getLogger("ensemble_lsp").setLevel(logging.DEBUG if verbose else logging.INFO)


async def shutdown(ls: EnsembleServer, *args: Any) -> None:
    """Settle what is open; requests that still run are cancelled by the protocol."""
    if host := ls.opened():
        await host.app.suggestions.flush()


async def _leave_with_parent(ls: EnsembleServer, pid: int) -> None:
    """An editor that dies without ``exit`` takes the server with it."""
    while _alive(pid):
        await asyncio.sleep(2)
    logger.warning("the editor (process %d) is gone", pid)
    ls.leave(1)


def _alive(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # its standard input ends; signal 0 would end the process there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
