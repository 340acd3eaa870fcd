"""initialize, initialized, setTrace, shutdown."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

from lsprotocol import types

from ...workspace_trust import split_trust
from ..server import ClientFeatures, EnsembleServer
from ..settings_messages import report_settings
from .config_watching import watch_config_file
from .configuration import watch_configuration

logger = logging.getLogger(__name__)


def initialize(ls: EnsembleServer, params: types.InitializeParams) -> None:
    """Store the client's features and options. Imports nothing heavy, so that the answer is quick."""
    ls.client = ClientFeatures.of(params)
    ls.trace = params.trace or types.TraceValue.Off
    ls.initialization_options, denied = split_trust(params.initialization_options)
    ls.trusted = not denied
    roots = [folder.uri for folder in params.workspace_folders or []]
    root = params.root_uri or _uri_of(params.root_path or "")
    ls.folders = tuple(roots or ([root] if root else []))
    # A process that is not visible is outside of this container, or on another machine: its end cannot be seen.
    if params.process_id and _alive(params.process_id):
        ls.background(_exit_with_parent(ls, params.process_id))


def _uri_of(root_path: str) -> str:
    """Return the URI of the obsolete ``rootPath``; empty for one that is not absolute."""
    return Path(root_path).as_uri() if Path(root_path).is_absolute() else ""


async def initialized(ls: EnsembleServer, params: types.InitializedParams) -> None:
    """Build the context in the background, and show its notices as they come."""
    await watch_configuration(ls)
    host = await ls.host()
    app, loop = host.app, asyncio.get_running_loop()
    shown: set[str] = set()

    def show_new_notices() -> None:
        for notice in app.history.notices:
            if notice not in shown:
                shown.add(notice)
                ls.notify_user(notice)

    def from_history_thread() -> None:
        loop.call_soon_threadsafe(show_new_notices)

    # A disk may fill up, or a file be removed, hours after the start.
    app.history.on_notice = from_history_thread
    report_settings(ls, app.faults(), app.config_path)
    show_new_notices()
    app.workspace.index_files()
    app.suggestions.tracker.habits.exact = ls.client.sends_exact_edits
    ls.background(watch_config_file(ls))


def set_trace(ls: EnsembleServer, params: types.SetTraceParams) -> None:
    """Set the verbosity of the log."""
    ls.trace = params.value
    verbose = params.value == types.TraceValue.Verbose
    logging.getLogger("ensemble_lsp").setLevel(logging.DEBUG if verbose else logging.INFO)


async def shutdown(ls: EnsembleServer, *args: Any) -> None:
    """Flush the history. The protocol cancels the requests that still run."""
    if host := ls.host_if_ready():
        await host.app.suggestions.flush()


async def _exit_with_parent(ls: EnsembleServer, pid: int) -> None:
    """Exit when the editor's process is gone, even without an ``exit`` notification."""
    while _alive(pid):
        await asyncio.sleep(2)
    logger.warning("the editor (process %d) is gone", pid)
    ls.request_exit(1)


def _alive(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # signal 0 would end the process; the end of standard input is enough
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
