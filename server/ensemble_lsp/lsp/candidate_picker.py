"""Let the user choose among the candidates of a generation, where the models agree too little."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types
from lsprotocol.types import ErrorCodes
from pygls.exceptions import JsonRpcException

from .message_requests import ask_user
from .server import EnsembleServer

if TYPE_CHECKING:
    from ..generation.candidates import Generation
    from ..types import Suggestion

CHOOSE = "ensemble.choose"
APPLY_TIMEOUT = 10.0
"""Seconds that a client has to confirm that it applied an edit."""


def choose_command(generation: Generation) -> types.Command:
    """Return the command that lets the user choose; an editor runs it after an action without an edit."""
    return types.Command(title="Choose", command=CHOOSE, arguments=[{"id": generation.id}])


async def pick_candidate(ls: EnsembleServer, generation: Generation) -> None:
    """Show the candidates in the order of the code action menu and apply the chosen one."""
    titles = {generation.title(index): index for index in generation.shown}
    question = "Which answer do you want? The code actions at this place preview each."
    message = " ".join(filter(None, (generation.why, generation.unanswered, question)))
    chosen = await ask_user(ls, types.MessageType.Info, message, titles)
    if chosen in titles:
        await apply_candidate(ls, generation, generation.candidates[titles[chosen]])


async def apply_candidate(ls: EnsembleServer, generation: Generation, chosen: Suggestion) -> None:
    """Insert a candidate where its range is now, and record the accept."""
    document = ls.document(generation.uri)
    host = await ls.host()
    tracked = host.services.generator.find(generation.id) or generation
    edit = ls.replacement(document, tracked.span, chosen.text)
    if await apply_edit(ls, "Use answer", edit):
        await host.app.suggestions.accepted(chosen.id, None)


async def apply_edit(ls: EnsembleServer, label: str, edit: types.WorkspaceEdit) -> bool:
    """Ask the client to apply an edit; return whether it confirmed. Tell the user if it did not."""
    params = types.ApplyWorkspaceEditParams(edit=edit, label=label)
    try:
        result = await asyncio.wait_for(ls.workspace_apply_edit_async(params), APPLY_TIMEOUT)
    except asyncio.TimeoutError:
        return False
    except JsonRpcException as error:
        if error.code == ErrorCodes.InvalidParams:
            return False  # an answer such as null, which says nothing
        ls.notify_user(f"The editor cannot apply edits ({error.message}).")
        return False
    if not result.applied:
        reason = f" ({result.failure_reason})" if result.failure_reason else ""
        ls.notify_user(f"The editor did not apply the edit{reason}; try again.")
    return bool(result.applied)
