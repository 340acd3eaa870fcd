"""ensemble/*: what a client with our plugin tells beside what the document shows."""

from __future__ import annotations

from typing import Any, cast

from ..convert import code_points
from ..server import EnsembleServer

ENDS = ("accepted", "rejected", "ignored", "superseded")


def _fields(params: Any) -> tuple[str, dict[str, Any]]:
    fields = cast("dict[str, Any]", params) if isinstance(params, dict) else {}
    return str(fields.get("id", "")), fields


def did_show(ls: EnsembleServer, params: Any) -> None:
    """A suggestion is on the screen."""
    id_, _ = _fields(params)
    if host := ls.opened():
        host.app.suggestions.shown(id_)


def did_partially_accept(ls: EnsembleServer, params: Any) -> None:
    """So much of a suggestion was taken: ``length`` UTF-16 units from its start, cumulative."""
    id_, fields = _fields(params)
    length = fields.get("length")
    if (host := ls.opened()) and isinstance(length, int):
        suggestion = host.app.suggestions.find(id_)
        taken = code_points(suggestion.text, length) if suggestion else length
        host.app.suggestions.partially_accepted(id_, taken)


def did_end(ls: EnsembleServer, params: Any) -> None:
    """A suggestion left the screen."""
    id_, fields = _fields(params)
    reason, shown = fields.get("reason"), fields.get("shownMs")
    if (host := ls.opened()) and reason in ENDS:
        shown_ms = float(shown) if isinstance(shown, int | float) else None
        host.app.suggestions.ended(id_, reason, shown_ms)
