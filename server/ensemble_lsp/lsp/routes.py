"""The one table of everything the server answers: methods, notifications and commands.

A new method or command is one line here and one function in ``handlers``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from .error_responses import raise_to_user
from .handlers import (
    code_action,
    config_watching,
    configuration,
    copilot_session,
    generation_commands,
    hover,
    inline_completion,
    inline_edit,
    lifecycle,
    model_commands,
    notebook_sync,
    popup_completion,
    preset_actions,
    report_commands,
    setup_commands,
    snooze_command,
    suggestion_commands,
    suggestion_events,
    text_sync,
)
from .server import ClientFeatures, EnsembleServer


@dataclass(frozen=True, slots=True)
class Route:
    """One method. It is announced to the clients for which ``when`` is true."""

    method: str
    handler: Callable[..., Any]
    options: Any = None
    when: Callable[[ClientFeatures], bool] = lambda client: True
    experimental: str = ""
    """The experimental capability that announces a method which LSP does not have."""


ROUTES: tuple[Route, ...] = (
    Route(types.INITIALIZED, lifecycle.initialized),
    Route(types.SHUTDOWN, lifecycle.shutdown),
    Route(types.SET_TRACE, lifecycle.set_trace),
    Route(types.WORKSPACE_DID_CHANGE_CONFIGURATION, configuration.did_change_configuration),
    Route(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, config_watching.did_change_watched_files),
    Route(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, configuration.did_change_folders),
    Route(types.TEXT_DOCUMENT_DID_OPEN, text_sync.did_open),
    Route(types.TEXT_DOCUMENT_DID_CHANGE, text_sync.did_change),
    Route(types.TEXT_DOCUMENT_DID_SAVE, text_sync.did_save),
    Route(types.TEXT_DOCUMENT_DID_CLOSE, text_sync.did_close),
    Route(types.NOTEBOOK_DOCUMENT_DID_OPEN, notebook_sync.did_open),
    Route(types.NOTEBOOK_DOCUMENT_DID_CHANGE, notebook_sync.did_change),
    Route(types.NOTEBOOK_DOCUMENT_DID_SAVE, notebook_sync.did_save),
    Route(types.NOTEBOOK_DOCUMENT_DID_CLOSE, notebook_sync.did_close),
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
        popup_completion.is_offered,
    ),
    Route(
        types.COMPLETION_ITEM_RESOLVE,
        popup_completion.resolve_completion,
        None,
        popup_completion.is_offered,
    ),
    Route(types.TEXT_DOCUMENT_HOVER, hover.hover, types.HoverOptions()),
    Route(
        types.TEXT_DOCUMENT_CODE_ACTION,
        code_action.code_action,
        types.CodeActionOptions(
            code_action_kinds=[
                code_action.GENERATE_KIND,
                code_action.EXPLAIN_KIND,
                inline_edit.NEXT_EDIT_KIND,
                preset_actions.FIX_KIND,
                preset_actions.WRITE_KIND,
            ],
            resolve_provider=True,
        ),
    ),
    Route(types.CODE_ACTION_RESOLVE, code_action.resolve_code_action),
    Route(
        "textDocument/copilotInlineEdit",
        inline_edit.inline_edit,
        experimental="copilotInlineEditProvider",
    ),
    Route("textDocument/didShowInlineEdit", inline_edit.did_show_item),
    Route("textDocument/didShowCompletion", inline_edit.did_show_item),
    Route("textDocument/didPartiallyAcceptCompletion", suggestion_events.did_partially_accept_item),
    Route("textDocument/didFocus", inline_edit.did_focus),
    Route("checkStatus", copilot_session.check_status),
    Route("signIn", copilot_session.sign_in),
    Route("signInInitiate", copilot_session.sign_in),
    Route("signInConfirm", copilot_session.sign_in),
    Route("setEditorInfo", copilot_session.set_editor_info),
    Route("getVersion", copilot_session.get_version),
    Route("ensemble/didShow", suggestion_events.did_show),
    Route("ensemble/didPartiallyAccept", suggestion_events.did_partially_accept),
    Route("ensemble/didEnd", suggestion_events.did_end),
)

Command = Callable[[EnsembleServer, Any], Awaitable[Any]]

COMMANDS: dict[str, Command] = {
    "ensemble.accept": suggestion_commands.accept,
    "ensemble.reject": suggestion_commands.reject,
    "ensemble.choose": suggestion_commands.choose,
    "ensemble.why": suggestion_commands.why,
    "ensemble.generate": generation_commands.generate,
    "ensemble.explain": generation_commands.explain,
    inline_edit.NEXT_EDIT: inline_edit.next_edit,
    "ensemble.snooze": snooze_command.snooze,
    "ensemble.models": model_commands.models,
    "ensemble.providers": model_commands.providers,
    "ensemble.pin": model_commands.pin,
    "ensemble.status": model_commands.status,
    "ensemble.addModel": model_commands.add_model,
    "ensemble.removeModel": model_commands.remove_model,
    "ensemble.packagedModels": setup_commands.packaged_models,
    "ensemble.downloadModel": setup_commands.download_model,
    "ensemble.findModels": setup_commands.find_models,
    "ensemble.testModel": setup_commands.test_model,
    "ensemble.report": report_commands.report,
    "ensemble.compare": report_commands.compare,
}
"""Every command by name. ``command_schemas`` has its arguments, which are validated before it is called."""


def register(server: EnsembleServer) -> None:
    """Register the table. Routes that depend on the client are registered at its ``initialize``."""

    def initialize(ls: EnsembleServer, params: types.InitializeParams) -> None:
        lifecycle.initialize(ls, params)
        for route in ROUTES:
            if route.when(ls.client):
                ls.feature(route.method, route.options)(route.handler)
                if route.experimental:
                    ls.protocol.experimental[route.experimental] = True

    server.feature(types.INITIALIZE)(initialize)
    for name, command in COMMANDS.items():
        server.command(name)(_command_handler(name, command))


def _command_handler(name: str, command: Command) -> Callable[..., Awaitable[Any]]:
    @raise_to_user
    async def run(ls: EnsembleServer, arguments: dict[str, Any]) -> Any:
        await ls.packages_imported()
        from .command_schemas import COMMANDS as SCHEMAS
        from .command_schemas import parse_arguments
        from .model_schemas import AddModelArguments

        schema = SCHEMAS[name][0]
        if schema is AddModelArguments:
            # Checked like any settings: messages about those never repeat a value that may be a key.
            return await command(ls, arguments)
        return await command(ls, parse_arguments(schema, arguments))

    # pygls passes the server to handlers whose first parameter is ``ls``.
    return run
