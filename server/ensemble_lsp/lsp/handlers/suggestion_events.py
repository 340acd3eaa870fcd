"""ensemble/didShow, didPartiallyAccept, didEnd: reports about suggestions from our plugins and Copilot's clients.

They complement the document's changes, from which the server learns alone. Invalid ones are ignored.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ...types import Suggestion
from ..convert import code_points
from ..neovim import from_line_start
from ..server import EnsembleServer, Host

if TYPE_CHECKING:
    from pydantic import BaseModel

logger = logging.getLogger(__name__)

Params = TypeVar("Params", bound="BaseModel")


def _parsed(model: type[Params], params: Any) -> Params | None:
    from pydantic import ValidationError

    try:
        return model.model_validate(params)
    except ValidationError:
        logger.warning("ignored a notification with invalid %s", model.__name__)
        return None


def did_show(ls: EnsembleServer, params: Any) -> None:
    """Record that a suggestion is on the screen."""
    if host := ls.host_if_ready():
        from ..notification_schemas import DidShowParams

        if event := _parsed(DidShowParams, params):
            host.app.suggestions.shown(event.id)


def did_partially_accept(ls: EnsembleServer, params: Any) -> None:
    """Record how much of a suggestion was accepted."""
    if host := ls.host_if_ready():
        from ..notification_schemas import DidPartiallyAcceptParams

        if event := _parsed(DidPartiallyAcceptParams, params):
            _partially_accepted(ls, host, event.id, event.length)


def did_partially_accept_item(ls: EnsembleServer, params: Any) -> None:
    """Record how much of an item was accepted, as Copilot's clients report it."""
    if host := ls.host_if_ready():
        from ..inline_edit_params import accepted_id

        id_ = accepted_id(params)
        length = cast("dict[str, Any]", params).get("acceptedLength") if id_ else None
        if id_ and isinstance(length, int) and not isinstance(length, bool):
            _partially_accepted(ls, host, id_, length)


def _partially_accepted(ls: EnsembleServer, host: Host, id_: str, length: int) -> None:
    suggestion = host.app.suggestions.find(id_)
    length = _accepted(ls, suggestion, length) if suggestion else length
    host.app.suggestions.partially_accepted(id_, length)


def _accepted(ls: EnsembleServer, suggestion: Suggestion, length: int) -> int:
    """Return the length in code points, without the line's start that Neovim's items begin with."""
    text = suggestion.text
    if ls.client.neovim and (document := ls.documents.get(suggestion.uri)):
        text, _ = from_line_start(document, suggestion)
    return max(0, code_points(text, length) - (len(text) - len(suggestion.text)))


def did_end(ls: EnsembleServer, params: Any) -> None:
    """Record that a suggestion left the screen."""
    if host := ls.host_if_ready():
        from ..notification_schemas import DidEndParams

        if event := _parsed(DidEndParams, params):
            host.app.suggestions.ended(event.id, event.reason, event.shown_ms)
