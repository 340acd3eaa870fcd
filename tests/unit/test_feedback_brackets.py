"""Outcomes of a suggestion that replaces the bracket that the editor closed."""

from __future__ import annotations

import pytest

from ensemble_lsp.types import Position, Span, Suggestion
from tests.support.tracked_document import World

BRACKETS = "class A {\n    if ()\n}\n"
REPLACING = "!sf) return x;"
"""Replaces the bracket that the editor closed."""


def replacing() -> World:
    world = World(BRACKETS)
    span = Span(Position(1, 8), Position(1, 9))
    suggestion = Suggestion(
        "1", "complete", REPLACING, ("m",), world.document.uri, world.document.version, span
    )
    world.tracker.offered([suggestion], world.document)
    return world


@pytest.mark.parametrize(
    "edits",
    [
        [(8, 9, REPLACING)],
        [(0, 9, "    if (" + REPLACING)],
        [(8, 8, "!sf"), (12, 12, " return x;")],
        [(9, 9, " return x;"), (8, 8, "!sf")],
        [(8, 9, ""), (8, 8, REPLACING)],
    ],
    ids=["one edit", "a line", "insertions", "insertions from the end", "deletion and insertion"],
)
def test_an_accept_that_replaces_a_bracket_is_whole(edits: list[tuple[int, int, str]]) -> None:
    world = replacing()
    for start, end, text in edits:
        world.edit(Position(1, start), Position(1, end), text)
    world.wait(5)
    assert [(o.kind, o.share) for o in world.settled] == [("accepted", 1.0)]


def test_a_part_before_a_replaced_bracket_has_its_share() -> None:
    world = replacing()
    world.insert("!sf", Position(1, 8))
    world.tracker.closed(world.document)
    assert [(o.kind, round(o.share, 3)) for o in world.settled] == [("partial", round(3 / 11, 3))]


def test_typing_over_a_closed_bracket_is_typed() -> None:
    world = replacing()
    for number, key in enumerate("!sf"):
        world.insert(key, Position(1, 8 + number))
    for number, key in enumerate(" return x;"):
        world.insert(key, Position(1, 12 + number))
    world.wait(5)
    assert [(o.kind, o.share) for o in world.settled] == [("typed", 1.0)]


def test_an_undo_that_brings_the_replaced_bracket_back_is_an_undo() -> None:
    world = replacing()
    world.edit(Position(1, 8), Position(1, 9), REPLACING)
    world.wait(1)
    world.edit(Position(1, 8), Position(1, 8 + len(REPLACING)), ")")
    assert world.last.kind == "rejected"
