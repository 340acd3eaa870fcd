"""The tracker's outcomes, from reports of the client and from changes of the document."""

from __future__ import annotations

import random

import pytest

from ensemble_lsp.feedback.reward import reward_of
from ensemble_lsp.types import Edit, Position, Span, Suggestion
from tests.support.edit_scenarios import SCENARIOS
from tests.support.edit_sequences import SHAPES, play, scores, sequences
from tests.support.tracked_document import HERE, World, world

__all__ = ["world"]  # a fixture


@pytest.mark.parametrize("shape", SHAPES)
def test_outcomes_are_told_from_edits_alone(shape: str) -> None:
    pairs = [(s.expected, play(s)[0]) for s in sequences() if s.shape == shape]
    assert len(pairs) == 18 * len(SCENARIOS)
    exact = shape in ("vscode", "neovim")
    for kind, (_, precision, recall) in scores(pairs).items():
        assert min(precision, recall) >= (0.98 if exact else 0.95), kind


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.shown("x"),
        lambda t: t.accepted("x"),
        lambda t: t.accepted("x", 3),
        lambda t: t.partially_accepted("x", 3),
        lambda t: t.rejected("x"),
        lambda t: t.ended("x", "rejected", 10),
    ],
)
def test_unknown_ids_are_ignored(world: World, call: object) -> None:
    assert call(world.tracker) is False
    assert world.settled == []


def test_nothing_open_means_nothing_to_wait_for(world: World) -> None:
    assert world.tracker.tick() is None
    world.offer("x + 1")
    assert world.tracker.tick() == pytest.approx(2.0)


def test_an_accept_by_command_after_the_edit_is_one_outcome_with_the_better_source(
    world: World,
) -> None:
    [s] = world.offer("x + 1")
    world.now += 1
    world.insert("x + 1")
    assert world.tracker.accepted(s.id)
    world.tracker.accepted(s.id)
    world.tracker.ended(s.id, "accepted")
    assert [(o.kind, o.source) for o in world.settled] == [("accepted", "document")]
    assert (world.revised[0].kind, world.revised[0].source) == ("accepted", "command")


def test_a_command_before_its_edit_is_one_outcome(world: World) -> None:
    [s] = world.offer("x + 1")
    world.tracker.accepted(s.id)
    world.insert("x + 1")
    world.wait(31)
    assert [(o.kind, o.source) for o in world.settled] == [("accepted", "command")]
    assert [o.survival for o in world.revised] == [1.0]


@pytest.mark.parametrize("typed", ["", "wid"])
@pytest.mark.parametrize("rest", ["", "* height"])
def test_a_command_after_a_word_accepts_the_word(world: World, typed: str, rest: str) -> None:
    """coc.nvim runs the accept command after each word, and asks again for the rest."""
    world.offer("width * height")
    for key, column in zip(typed, range(HERE.column, HERE.column + 9), strict=False):
        world.insert(key, Position(HERE.line, column))
    [s] = world.offer("width * height"[len(typed) :], at=after(typed))
    world.now += 1
    world.insert("width "[len(typed) :], after(typed))
    world.tracker.accepted(s.id)
    assert [o.kind for o in world.settled if o.kind != "superseded"] == []
    world.offer("* height", at=after("width "))
    if rest:
        world.insert(rest, after("width "))
    else:
        world.insert("42", after("width "))
    world.wait(9)
    kinds = [o.kind for o in world.settled if o.kind != "superseded"]
    assert kinds == ["accepted" if rest else "partial"]


def after(text: str) -> Position:
    return Position(HERE.line, HERE.column + len(text))


def test_a_client_may_tell_of_an_accept_that_nobody_saw(world: World) -> None:
    [s] = world.offer("x + 1")
    world.offer("other()")
    assert world.last.kind == "superseded"
    world.tracker.accepted(s.id)
    assert world.revised[-1].kind == "accepted"


def test_a_part_that_is_told_and_then_ended_is_partial(world: World) -> None:
    [s] = world.offer("width * height")
    world.now += 2
    world.tracker.partially_accepted(s.id, 7)
    world.tracker.ended(s.id, "rejected", 3000)
    assert (world.last.kind, world.last.source) == ("partial", "notification")
    assert world.last.share == pytest.approx(0.5)


def test_parts_that_add_up_to_the_whole_are_an_accept(world: World) -> None:
    [s] = world.offer("width")
    world.tracker.partially_accepted(s.id, 3)
    world.tracker.partially_accepted(s.id, 5)
    assert world.last.kind == "accepted"


@pytest.mark.parametrize(("ms", "kind"), [(400.0, "ignored"), (900.0, "rejected")])
def test_what_was_shown_for_a_moment_was_not_refused(world: World, ms: float, kind: str) -> None:
    [s] = world.offer("x + 1")
    world.tracker.ended(s.id, "rejected", ms)
    assert world.last.kind == kind
    assert (world.last.reward is None) == (kind == "ignored")


def test_the_look_begins_when_the_client_shows_it(world: World) -> None:
    [s] = world.offer("x + 1")
    world.now += 5
    world.tracker.shown(s.id)
    world.now += 0.3
    world.insert("q")
    world.wait(3)
    assert (world.last.kind, world.last.reward) == ("ignored", None)


def test_the_same_text_of_another_model_stays_and_both_are_right(world: World) -> None:
    world.offer("x + 1", models=("a",))
    world.now += 0.2
    world.offer("x + 1", models=("b",))
    assert world.settled == []
    world.insert("x + 1")
    assert [o.kind for o in world.settled] == ["accepted", "accepted"]


def test_choosing_one_candidate_tells_about_those_above_it(world: World) -> None:
    a, b, c = world.offer("one()", "two()", "three()")
    world.now += 2
    world.insert("two()")
    assert {o.id: o.kind for o in world.settled} == {
        b.id: "accepted",
        a.id: "rejected",
        c.id: "superseded",
    }
    assert world.preferred == [(b.id, [a.id])]  # nobody saw the third


def test_generated_answers_wait_for_a_choice(world: World) -> None:
    a, b = world.offer("one()\n    two()", "three()", task="generate")
    world.now += 5
    world.insert("# note\n", Position(0, 0))
    world.wait(20)
    assert world.settled == []
    world.tracker.accepted(b.id)
    assert {o.id: o.kind for o in world.settled} == {b.id: "accepted", a.id: "rejected"}


def test_survival_is_looked_at_twice_and_at_save_and_close(world: World) -> None:
    world.offer("alpha + beta + gamma")
    world.now += 1
    world.insert("alpha + beta + gamma")
    world.wait(31)
    world.edit(Position(1, 11), Position(1, 16), "delta")
    world.wait(90)
    world.edit(Position(1, 11), Position(1, 23), "")
    world.tracker.saved(world.document)
    world.tracker.closed(world.document)
    found = [o.survival for o in world.revised]
    assert found == pytest.approx([1.0, 0.8, 0.4, 0.4])
    rewards = [o.reward for o in world.revised]
    assert rewards == pytest.approx([1.0, 0.8, 0.4, 0.4])
    assert world.tracker.tick() is None


def test_an_accepted_text_is_followed_as_it_shifts_and_moves() -> None:
    world = World("a = 1\n\n\nb = 2\n")
    text = "compute_everything(now=True)\nprint('done with it')"
    world.offer(text, at=Position(1, 0))
    world.now += 1
    world.insert(text, Position(1, 0))
    world.insert("# new\n# lines\n", Position(0, 0))
    world.tracker.saved(world.document)
    assert world.last.survival == 1.0
    world.wait(12)
    world.edit(Position(3, 0), Position(5, 0), "")
    world.tracker.saved(world.document)
    assert world.last.survival == 0.0
    end = world.document.end
    world.insert("\n" + text + "\n", end)
    world.tracker.saved(world.document)
    assert world.last.survival == 1.0


def test_an_accept_that_is_cut_and_pasted_at_once_is_not_undone() -> None:
    world = World("a = 1\n\n\nb = 2\n")
    text = "compute_everything(now=True)"
    world.offer(text, at=Position(1, 0))
    world.now += 1
    world.insert(text, Position(1, 0))
    before = world.document
    middle = before.replace(Span(Position(1, 0), Position(1, len(text))), "")
    after = middle.replace(Span(middle.end, middle.end), text, 9)
    cut = Edit(Span(Position(1, 0), Position(1, len(text))), "")
    world.tracker.changed(before, after, [cut, Edit(Span(middle.end, middle.end), text)])
    world.tracker.saved(after)
    assert (world.last.kind, world.last.survival) == ("accepted", 1.0)


def test_an_undone_accept_is_worth_nothing_and_is_not_looked_at_again(world: World) -> None:
    world.offer("x + 1")
    world.now += 1
    world.insert("x + 1")
    world.now += 3
    world.edit(HERE, Position(1, 16), "")
    assert (world.last.kind, world.last.reward, world.last.survival) == ("rejected", 0.0, None)
    world.wait(200)
    world.tracker.saved(world.document)
    assert len(world.revised) == 1


def test_an_offer_that_goes_on_with_the_same_text_keeps_its_past(world: World) -> None:
    world.offer("return_it()", models=("a",))
    for number, char in enumerate("return_"):
        world.now += 0.15
        world.insert(char, Position(1, 11 + number))
        world.offer("return_it()"[number + 1 :], at=Position(1, 12 + number), models=("a",))
    for number, char in enumerate("it()"):
        world.now += 0.15
        world.insert(char, Position(1, 18 + number))
    world.wait(5)
    kinds = [o.kind for o in world.settled]
    assert kinds == ["superseded"] * 7 + ["typed"]
    assert world.settled[-1].share == 1.0


def test_every_suggestion_is_settled_once_whatever_is_edited() -> None:
    rng = random.Random(5)
    alphabet = ["x", "(", ")", "\n", "\r\n", "é", "🎉", " ", "ab", "x + 1", "", "\r"]
    for _ in range(300):
        world = World("".join(rng.choice(alphabet) for _ in range(40)))
        offered: list[str] = []
        for _ in range(30):
            lines = world.document.lines
            spots = sorted(
                world.document.clamp(Position(rng.randrange(len(lines)), rng.randrange(12)))
                for _ in range(2)
            )
            world.now += rng.choice([0.05, 0.5, 3.0])
            if rng.random() < 0.3:
                texts = ["x + 1", "x(é)\n ab", "🎉"][: rng.randrange(1, 4)]
                new = [
                    Suggestion(
                        f"s{len(offered) + n}",
                        "complete",
                        t,
                        ("a",),
                        world.document.uri,
                        1,
                        Span(*spots),
                        shown_at=n,
                    )
                    for n, t in enumerate(texts)
                ]
                offered += [s.id for s in new]
                world.tracker.offered(new, world.document)
            elif rng.random() < 0.2:
                world.edit(Position(0, 0), world.document.end, "".join(rng.sample(alphabet, 8)))
            else:
                world.edit(spots[0], spots[1], "".join(rng.sample(alphabet, 2)))
            world.tracker.tick()
        world.tracker.closed(world.document)
        assert sorted(o.id for o in world.settled) == sorted(offered)
        assert world.tracker.tick() is None


def test_a_thousand_edits_in_one_message_are_taken_as_one(world: World) -> None:
    world.offer("x + 1")
    world.now += 1
    before = document = world.document
    edits: list[Edit] = []
    for _ in range(1000):
        edits.append(Edit(Span(Position(0, 0), Position(0, 0)), "# a\n"))
        document = document.replace(edits[-1].span, edits[-1].text)
    end = Position(1001, 11)
    edits.append(Edit(Span(end, end), "x + 1"))
    document = document.replace(edits[-1].span, "x + 1", 2)
    world.tracker.changed(before, document, edits)
    assert world.last.kind == "accepted"


def test_an_accepted_text_is_ranked_above_a_refused_one_only_while_it_stands() -> None:
    refused = reward_of("rejected", 0, 2000)
    assert refused is not None
    kept, gone = reward_of("accepted", 1, 2000, 1.0), reward_of("accepted", 1, 2000, 0.0)
    assert kept is not None and gone is not None
    assert gone < refused < kept


@pytest.mark.parametrize("measured", [False, True])
def test_an_accept_that_is_reported_after_a_partial_outcome_keeps_its_kind(
    world: World, measured: bool
) -> None:
    [offered] = world.offer("alpha + beta + gamma")
    world.insert("alpha + ")
    world.insert("# elsewhere", Position(3, 0))
    world.wait(5)
    assert [outcome.kind for outcome in world.settled] == ["partial"]
    if measured:
        world.tracker.saved(world.document)
    world.tracker.accepted(offered.id)
    assert (world.last.kind, world.last.share, world.last.source) == ("accepted", 1.0, "command")
    world.wait(40)  # the first measurement of what is still there
    last = world.last
    assert (last.kind, last.share, last.survival) == ("accepted", 1.0, 1.0)
    assert last.reward == reward_of("accepted", 1.0, last.shown_ms, 1.0)
