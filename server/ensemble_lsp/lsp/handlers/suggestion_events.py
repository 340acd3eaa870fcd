"""ensemble/didShow, didPartiallyAccept, didEnd: reports about suggestions from our plugins.

They complement the document's changes, from which the server learns alone. Invalid ones are ignored.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

from ...types import Suggestion
from ..convert import code_points
from ..neovim import from_line_start
from ..server import EnsembleServer

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
            suggestion = host.app.suggestions.find(event.id)
            length = _accepted(ls, suggestion, event.length) if suggestion else event.length
            host.app.suggestions.partially_accepted(event.id, length)


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
