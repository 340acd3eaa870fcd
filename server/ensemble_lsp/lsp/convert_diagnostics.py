"""Diagnostics of other servers, as the editor sends them and as our commands take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from ..context.diagnostics import MAX_DIAGNOSTICS, Diagnostic
from ..types import Document, Span
from .convert import Encoding, range_json, to_span

if TYPE_CHECKING:
    from .generation_schemas import DiagnosticArgument

_SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}
_MAX_TEXT = 2000
"""Characters of a message that an action carries."""


def diagnostics_at(
    document: Document, params: types.CodeActionParams, encoding: Encoding
) -> list[Diagnostic]:
    """Return the problems on the lines of a request, the worst and nearest first.

    Hints are left out: editors use them to fade code.
    """
    wanted = to_span(document, params.range, encoding)
    found = [_from_lsp(document, each, encoding) for each in params.context.diagnostics]
    near = [d for d in found if d.severity != "hint" and _on_lines(d.span, wanted)]
    order = list(_SEVERITIES.values())
    near.sort(key=lambda d: (order.index(d.severity), not _touches(d.span, wanted), d.span.start))
    # The problems under the cursor, else those of its line.
    at = [d for d in near if _touches(d.span, wanted)]
    return (at or near)[:MAX_DIAGNOSTICS]


def covering(diagnostics: Sequence[Diagnostic]) -> Span:
    """Return the span of several problems."""
    return Span(min(d.span.start for d in diagnostics), max(d.span.end for d in diagnostics))


def as_arguments(
    document: Document, diagnostics: Sequence[Diagnostic], encoding: Encoding
) -> list[dict[str, Any]]:
    """Return diagnostics as a command's argument."""
    return [
        {
            "message": each.message,
            "range": range_json(document, each.span, encoding),
            "severity": each.severity,
            "code": each.code,
            "source": each.source,
        }
        for each in diagnostics
    ]


def from_arguments(
    document: Document, arguments: Sequence[DiagnosticArgument] | None, encoding: Encoding
) -> list[Diagnostic]:
    """Return the diagnostics of a command's argument."""
    return [
        Diagnostic(
            each.message,
            to_span(document, cast("types.Range", each.range), encoding),
            each.severity or "error",
            each.code or "",
            each.source or "",
        )
        for each in (arguments or [])[:MAX_DIAGNOSTICS]
    ]


def _from_lsp(document: Document, each: types.Diagnostic, encoding: Encoding) -> Diagnostic:
    return Diagnostic(
        each.message[:_MAX_TEXT],
        to_span(document, each.range, encoding),
        _SEVERITIES.get(int(each.severity or 1), "error"),
        "" if each.code is None else str(each.code),
        each.source or "",
    )


def _on_lines(one: Span, other: Span) -> bool:
    return one.start.line <= other.end.line and other.start.line <= one.end.line


def _touches(one: Span, other: Span) -> bool:
    return one.start <= other.end and other.start <= one.end
