"""The editor's settings: requested at the start and whenever they change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from ..server import EnsembleServer
from ..settings_messages import report_settings

if TYPE_CHECKING:
    from ...app import AppContext
    from ...settings import SettingsIssue

logger = logging.getLogger(__name__)

SECTION = "ensemble"
CLIENT_TIMEOUT = 5.0
"""Seconds that a client has to answer a request about its settings."""


async def request_configuration(ls: EnsembleServer, known: Any = None) -> Any:
    """Return the editor's ``ensemble`` settings; empty if it has none, and those ``known`` if it does not answer."""
    if not ls.client.configuration:
        return {}
    params = types.ConfigurationParams(items=[types.ConfigurationItem(section=SECTION)])
    try:
        answer = await asyncio.wait_for(ls.workspace_configuration_async(params), CLIENT_TIMEOUT)
        return answer[0] if answer else {}
    except Exception as error:
        logger.warning("workspace/configuration was not answered: %s", type(error).__name__)
        return known or {}


async def watch_configuration(ls: EnsembleServer) -> None:
    """Register for changes with a client that supports dynamic registration (VS Code)."""
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
        await asyncio.wait_for(ls.client_register_capability_async(params), CLIENT_TIMEOUT)


async def did_change_configuration(
    ls: EnsembleServer, params: types.DidChangeConfigurationParams
) -> None:
    """Apply new settings without a restart; old clients send them with the notification."""

    async def requested(app: AppContext) -> Any:
        if not ls.client.configuration:
            return _pushed(params.settings)
        # Settings such as ``privacy.exclude`` must not be lost while the editor is busy.
        return await request_configuration(ls, app.layers.editor)

    await apply_settings(ls, requested)


async def apply_settings(
    ls: EnsembleServer, editor_settings: Callable[[AppContext], Awaitable[Any]]
) -> None:
    """Apply the config file and the editor's settings as they are now, and report what is wrong in them."""
    issues: list[SettingsIssue] = []

    async def changed(app: AppContext) -> AppContext:
        from ...app import reconfigured

        new, found = await reconfigured(app, await editor_settings(app))
        issues.extend(found)
        return new

    app = await ls.change(changed)
    report_settings(ls, issues, app.config_path)
    ls.background(app.prepare())


def _pushed(settings: Any) -> Any:
    """Return our part of the settings in a notification."""
    from ...settings.shape import without_other_servers

    if not isinstance(settings, dict):
        return settings
    own, foreign = without_other_servers(cast("dict[str, Any]", settings))
    if foreign:
        logger.info("settings of other servers: %s", ", ".join(foreign))
    return own


async def did_change_folders(
    ls: EnsembleServer, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    """Add and remove workspace folders."""
    removed = {folder.uri for folder in params.event.removed}
    kept = [uri for uri in ls.folders if uri not in removed]
    ls.folders = (*kept, *(f.uri for f in params.event.added if f.uri not in kept))
    host = await ls.host()
    await host.app.workspace.set_folders(ls.folders)
    host.app.workspace.index_files()
