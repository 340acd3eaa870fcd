"""Checks of an answer, and the stronger model that is asked where they doubt it."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from ..context.syntax import Trees, encode
from ..types import Document, Position, Span
from .cascade import Findings, stronger, told

if TYPE_CHECKING:
    from tree_sitter import Node

    from ..app import Session
    from ..app.runtime import Decision
    from ..models.interface import Model


def better_model(
    session: Session,
    decision: Decision,
    findings: Findings,
    asked: Collection[str],
    *,
    deadline: float | None = None,
) -> tuple[Model, Decision] | None:
    """The model to ask because the answer of ``asked`` is doubted, and the decision that says so.

    None where nothing speaks against the answer, no model is expected to do better within the time
    (``deadline`` on ``perf_counter``), or the setting ``selector.escalate`` is off. The daily budget
    holds here too: what is too dear is not among the decision's models.
    """
    doubt = findings.doubt() if session.settings.selector.escalate else ""
    if not doubt:
        return None
    left = None if deadline is None else (deadline - time.perf_counter()) * 1e3
    better = stronger(decision.choice.ranked, asked, left)
    models = {m.profile.name: m for m in decision.models}
    if better is None or better.model not in models:
        return None
    first = " and ".join(asked)
    choice = told(decision.choice, first, better.model, doubt)
    return models[better.model], type(decision)(decision.models, choice, decision.situation)


def could_ask(session: Session, decision: Decision, asked: Collection[str]) -> bool:
    """Whether a check is worth its time: it may be followed by something."""
    on = session.settings.selector.escalate and not decision.pinned
    return on and stronger(decision.choice.ranked, asked) is not None


def parses_at(document: Document, position: Position, text: str) -> bool | None:
    """Whether a text fits the syntax of the place it is to go to; None where nobody can tell.

    Only an error inside the text counts: the code around is often not finished, and what
    the text leaves open at its end may be closed by what is typed next.
    """
    after = document.replace(Span(position, position), text)
    syntax = Trees(1).at(after, position)
    if syntax is None:
        return None
    row, column = syntax.point(position)
    lines = text.rstrip().split("\n")
    size = len(encode(lines[-1]))
    start = (row, column)
    end = (row + len(lines) - 1, size + (column if len(lines) == 1 else 0))
    return not _error_within(syntax.root, start, end, _open_at_end(text))


def _open_at_end(text: str) -> bool:
    """Whether more is needed after a text: an open bracket, an operator, the body of a block."""
    opened = sum(text.count(c) for c in "([{") - sum(text.count(c) for c in ")]}")
    return opened > 0 or text.rstrip().endswith(tuple(",:=+-*/%|&<>.\\"))


def _error_within(
    root: Node, start: tuple[int, int], end: tuple[int, int], open_at_end: bool
) -> bool:
    """Whether an error lies inside a range; ``open_at_end``: and does not touch its end."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        first, last = tuple(node.start_point), tuple(node.end_point)
        if not node.has_error or last <= start or first >= end:
            continue
        if (
            (node.is_error or node.is_missing)
            and first >= start
            and last <= end
            and not (last == end and open_at_end)
        ):
            return True
        waiting.extend(node.children)
    return False
