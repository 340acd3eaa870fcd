"""Candidates of an ensemble put to the user: where the models agree too little for one edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from .convert import workspace_edit
from .server import EnsembleServer

if TYPE_CHECKING:
    from ..generation.candidates import Generation
    from ..types import Suggestion

CHOOSE = "ensemble.choose"


def choose_command(generation: Generation) -> types.Command:
    """The command that lets the user choose: run by the editor after an action without an edit."""
    return types.Command(title="Choose", command=CHOOSE, arguments=[{"id": generation.id}])


async def ask_which(ls: EnsembleServer, generation: Generation) -> None:
    """Show the candidates' names, the same way and in the same order as the menu; apply the chosen one."""
    titles = {generation.title(index): index for index in generation.shown}
    items = [types.MessageActionItem(title=title) for title in titles]
    message = f"{generation.why} Which answer goes in? The menu at the place shows each as an edit."
    params = types.ShowMessageRequestParams(types.MessageType.Info, message, items)
    chosen = await ls.window_show_message_request_async(params)
    if chosen is not None and chosen.title in titles:
        await apply_candidate(ls, generation, generation.candidates[titles[chosen.title]])


async def apply_candidate(ls: EnsembleServer, generation: Generation, one: Suggestion) -> None:
    """Put a candidate to where its place is now; what became of it is told."""
    document = ls.document(generation.uri)
    current = ls.opened()
    followed = current.tools.generator.find(generation.id) if current else None
    span = followed.span if followed is not None else generation.span
    edit = workspace_edit(
        document, span, one.text, ls.encoding, versioned=ls.client.versioned_edits
    )
    result = await ls.workspace_apply_edit_async(
        types.ApplyWorkspaceEditParams(edit=edit, label="Use answer")
    )
    if result.applied:
        await (await ls.app()).suggestions.accepted(one.id, None)
