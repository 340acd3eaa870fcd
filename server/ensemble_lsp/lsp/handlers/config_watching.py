"""The config file while the server runs: a change is noticed, applied and reported.

Clients that can watch files outside the workspace (VS Code) are asked to. A string pattern matches only inside the
workspace there, so the registration needs a relative pattern. The server also looks at the file itself: often for
other clients (Neovim on Linux watches nothing), and now and then behind a client that watches, because a watcher
does not see that the target of a symbolic link has changed.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from ..server import EnsembleServer
from ..settings_messages import uri_of
from .configuration import CLIENT_TIMEOUT, apply_settings

if TYPE_CHECKING:
    from ...app import AppContext

POLL_SECONDS = 2.0
WATCHED_POLL_SECONDS = 15.0
"""Seconds between two looks at a file that the client watches."""
SETTLE_SECONDS = 0.2
"""Seconds without a change after which a file counts as written."""


async def watch_config_file(ls: EnsembleServer) -> None:
    """Reload the settings whenever the config file changes; runs until the server exits."""
    path = (await ls.app()).config_path
    poll = WATCHED_POLL_SECONDS if await _register(ls, path) else POLL_SECONDS
    while True:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(ls.config_touched.wait(), poll)
        ls.config_touched.clear()
        if await _has_changed(ls, path):
            await reload_config(ls)


async def _register(ls: EnsembleServer, path: Path) -> bool:
    """Ask the client to watch the file; return whether it does."""
    if not ls.client.watches_files:
        return False
    folder = uri_of(path).rpartition("/")[0]
    pattern = types.RelativePattern(base_uri=folder, pattern=path.name)
    options = types.DidChangeWatchedFilesRegistrationOptions(
        watchers=[types.FileSystemWatcher(glob_pattern=pattern)]
    )
    method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    params = types.RegistrationParams([types.Registration("ensemble-config-file", method, options)])
    try:
        await asyncio.wait_for(ls.client_register_capability_async(params), CLIENT_TIMEOUT)
    except Exception:  # the client refused or did not answer
        return False
    return True


async def _has_changed(ls: EnsembleServer, path: Path) -> bool:
    """Return whether the file differs from the one that was read, once it is written completely."""
    from ...settings import config_stamp

    stamp = await asyncio.to_thread(config_stamp, path)
    if stamp == (await ls.app()).config_stamp:
        return False
    while True:
        await asyncio.sleep(SETTLE_SECONDS)
        earlier, stamp = stamp, await asyncio.to_thread(config_stamp, path)
        if stamp == earlier:
            return stamp != (await ls.app()).config_stamp


async def reload_config(ls: EnsembleServer) -> None:
    """Apply the config file as it is now, and report what is wrong in it."""

    async def current(app: AppContext) -> Any:
        return app.layers.editor

    await apply_settings(ls, current)


def did_change_watched_files(ls: EnsembleServer, params: types.DidChangeWatchedFilesParams) -> None:
    """Look at the config file now."""
    ls.config_touched.set()
