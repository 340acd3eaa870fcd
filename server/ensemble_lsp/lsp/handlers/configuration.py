"""The editor's settings: asked for, and asked for again when they change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from ..server import EnsembleServer

if TYPE_CHECKING:
    from ...app import AppContext

logger = logging.getLogger(__name__)

SECTION = "ensemble"


async def ask_configuration(ls: EnsembleServer) -> dict[str, Any]:
    """What the editor has under ``ensemble``; empty for a client that cannot tell or does not answer."""
    if not ls.client.configuration:
        return {}
    params = types.ConfigurationParams(items=[types.ConfigurationItem(section=SECTION)])
    try:
        answer = await asyncio.wait_for(ls.workspace_configuration_async(params), 5)
    except Exception as error:
        logger.warning("workspace/configuration was not answered: %s", type(error).__name__)
        return {}
    first = answer[0] if answer else None
    return without_nulls(first) if isinstance(first, dict) else {}


def without_nulls(table: Any) -> dict[str, Any]:
    """VS Code sends null for what is not set: that is no value."""
    items = cast("dict[str, Any]", table).items()
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in items
        if value is not None
    }


async def watch_configuration(ls: EnsembleServer) -> None:
    """Ask to be told of changes, where the client registers that at run time (VS Code)."""
    if not ls.client.watches_configuration:
        return
    method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
    registration = types.Registration(
        "ensemble-configuration",
        method,
        types.DidChangeConfigurationRegistrationOptions(section=SECTION),
    )
    with contextlib.suppress(Exception):
        params = types.RegistrationParams(registrations=[registration])
        await asyncio.wait_for(ls.client_register_capability_async(params), 5)


async def did_change_configuration(
    ls: EnsembleServer, params: types.DidChangeConfigurationParams
) -> None:
    """Take new settings without a restart: asked for, or (older clients) as they were sent."""
    sent = cast("dict[str, Any]", params.settings) if isinstance(params.settings, dict) else {}

    async def changed(app: AppContext) -> AppContext:
        from ...app import reconfigured

        if ls.client.configuration:
            raw = await ask_configuration(ls)
        else:
            raw = without_nulls(sent.get(SECTION, sent))
        new, issues = await reconfigured(app, raw)
        ls.tell_faults(issues)
        return new

    app = await ls.change(changed)
    ls.background(app.prepare())


async def did_change_folders(
    ls: EnsembleServer, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    """Folders come and go while the server runs."""
    gone = {folder.uri for folder in params.event.removed}
    kept = [uri for uri in ls.folders if uri not in gone]
    ls.folders = (*kept, *(f.uri for f in params.event.added if f.uri not in kept))
    host = await ls.host()
    await host.app.workspace.set_folders(ls.folders)
