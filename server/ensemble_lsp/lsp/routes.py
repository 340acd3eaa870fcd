"""The one table of everything the server answers: method, options, handler.

A new method is one line here and one function in this folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from .handlers import (
    code_action,
    configuration,
    hover,
    inline_completion,
    lifecycle,
    popup_completion,
    suggestion_events,
    text_sync,
)
from .handlers.execute_command import COMMANDS
from .server import Client, EnsembleServer


@dataclass(frozen=True, slots=True)
class Route:
    """One method; ``when`` tells for which clients it is announced."""

    method: str
    handler: Callable[..., Any]
    options: Any = None
    when: Callable[[Client], bool] = lambda client: True


ROUTES: tuple[Route, ...] = (
    Route(types.INITIALIZED, lifecycle.initialized),
    Route(types.SHUTDOWN, lifecycle.shutdown),
    Route(types.SET_TRACE, lifecycle.set_trace),
    Route(types.WORKSPACE_DID_CHANGE_CONFIGURATION, configuration.did_change_configuration),
    Route(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, configuration.did_change_folders),
    Route(types.TEXT_DOCUMENT_DID_OPEN, text_sync.did_open),
    Route(types.TEXT_DOCUMENT_DID_CHANGE, text_sync.did_change),
    Route(types.TEXT_DOCUMENT_DID_SAVE, text_sync.did_save),
    Route(types.TEXT_DOCUMENT_DID_CLOSE, text_sync.did_close),
    Route(
        types.TEXT_DOCUMENT_INLINE_COMPLETION,
        inline_completion.inline_completion,
        types.InlineCompletionOptions(),
        lambda client: client.inline_completion,
    ),
    Route(
        types.TEXT_DOCUMENT_COMPLETION,
        popup_completion.completion,
        types.CompletionOptions(
            trigger_characters=[".", "(", " ", ":", "=", "\n"], resolve_provider=True
        ),
        lambda client: not client.inline_completion,
    ),
    Route(
        types.COMPLETION_ITEM_RESOLVE,
        popup_completion.resolve_completion,
        None,
        lambda client: not client.inline_completion,
    ),
    Route(types.TEXT_DOCUMENT_HOVER, hover.hover, types.HoverOptions()),
    Route(
        types.TEXT_DOCUMENT_CODE_ACTION,
        code_action.code_action,
        types.CodeActionOptions(
            code_action_kinds=[code_action.GENERATE_KIND, code_action.EXPLAIN_KIND],
            resolve_provider=True,
        ),
    ),
    Route(types.CODE_ACTION_RESOLVE, code_action.resolve_code_action),
    Route("ensemble/didShow", suggestion_events.did_show),
    Route("ensemble/didPartiallyAccept", suggestion_events.did_partially_accept),
    Route("ensemble/didEnd", suggestion_events.did_end),
)


def register(server: EnsembleServer) -> None:
    """Put the table into a server. Routes that depend on the client wait for its ``initialize``."""

    def initialize(ls: EnsembleServer, params: types.InitializeParams) -> None:
        lifecycle.initialize(ls, params)
        for route in ROUTES:
            if route.when(ls.client):
                ls.feature(route.method, route.options)(route.handler)

    server.feature(types.INITIALIZE)(initialize)
    for name, command in COMMANDS.items():
        server.command(name)(_named(command))


def _named(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pygls hands the server to a function whose first parameter is ``ls``."""

    async def run(ls: EnsembleServer, arguments: dict[str, Any]) -> Any:
        return await command(ls, arguments)

    return run
