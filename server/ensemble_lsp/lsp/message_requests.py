"""Questions to the user: a message with buttons."""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from .server import EnsembleServer


async def ask_user(
    ls: EnsembleServer, kind: types.MessageType, message: str, titles: Iterable[str]
) -> str | None:
    """Return the title of the button that the user pressed; None for none.

    An editor that has no such messages shows the text alone.
    """
    items = [types.MessageActionItem(title) for title in titles]
    params = types.ShowMessageRequestParams(kind, message, items)
    try:
        chosen = await ls.window_show_message_request_async(params)
    except JsonRpcException:
        ls.notify_user(message, kind)
        return None
    return chosen.title if chosen is not None else None
