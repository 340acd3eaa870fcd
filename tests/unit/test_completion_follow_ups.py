"""What follows after an answer: a better model's beside an instant one, further samples, the rest of a partial one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ensemble_lsp.selection.choice import Choice, Ranked
from ensemble_lsp.selection.instant_answer import leads
from ensemble_lsp.types import Chunk, Prompt
from tests.support.fake_models import FakeModel
from tests.support.sources import CODE
from tests.support.waiting import until
from tests.unit.test_completion_completer import ANSWER, Bench, bench

__all__ = ["bench"]


def recall(text: str = "recalled()", confidence: float = 0.8) -> FakeModel:
    return FakeModel("recall", text, free=True, local=True, confidence=confidence)


class Sampled(FakeModel):
    """A model on this machine whose samples wait for ``later``."""

    def __init__(self, *answers: str) -> None:
        rest = iter(answers)
        super().__init__("local", lambda _: next(rest), local=True)
        self.later = asyncio.Event()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        if prompt.temperature:
            await self.later.wait()
        async for chunk in super().stream(prompt):
            yield chunk


# An instant answer, and a better model's


async def test_an_instant_answer_is_shown_at_once_and_the_other_is_there_to_cycle(
    bench: Bench,
) -> None:
    gate = asyncio.Event()
    better = FakeModel("better", ANSWER, gate=gate)
    bench.with_models(recall(), better, budget_ms=20_000)
    assert await bench.texts(CODE) == ["recalled()"]
    await better.asked.wait()  # it did not keep the better model from being asked
    by_hand = bench.ask(CODE, trigger="invoked")
    gate.set()
    assert [s.text for s in await by_hand] == ["recalled()", ANSWER]
    assert len(better.prompts) == 1


async def test_while_it_is_typed_an_instant_answer_stays_the_first(bench: Bench) -> None:
    better = FakeModel("better", ANSWER)
    bench.with_models(recall(), better)
    assert await bench.texts(CODE) == ["recalled()"]
    await bench.completer.settled()
    assert await bench.texts(CODE + "rec") == ["alled()"]
    assert await bench.texts(CODE + "wid") == ["th * height"]  # typed away to the other's
    assert len(better.prompts) == 1


async def test_a_model_that_answers_before_anybody_could_read_is_shown_instead(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def soon(*_: object) -> bool:
        return True

    monkeypatch.setattr("ensemble_lsp.completion.completer.is_expected_within", soon)
    monkeypatch.setattr("ensemble_lsp.completion.completer.UNREAD_MS", 20_000.0)
    bench.with_models(recall(), FakeModel("better", ANSWER))
    assert await bench.texts(CODE) == [ANSWER]
    assert await bench.texts(CODE + "wid") == ["th * height"]
    by_hand = await bench.texts(CODE, trigger="invoked")
    assert by_hand[:2] == [ANSWER, "recalled()"]


async def test_without_an_instant_answer_the_model_is_asked_as_ever(bench: Bench) -> None:
    bench.with_models(recall(""), FakeModel("better", ANSWER))
    assert await bench.texts(CODE) == [ANSWER]


async def test_typing_something_else_ends_the_model_behind_an_instant_answer(bench: Bench) -> None:
    better = FakeModel("better", ANSWER, gate=asyncio.Event())
    bench.with_models(recall(), better, budget_ms=20_000)
    assert await bench.texts(CODE) == ["recalled()"]
    await better.asked.wait()
    assert await bench.texts(CODE + "other.") == ["recalled()"]
    await until(lambda: better.closed)
    bench.completer.close()


def ranked(model: str, utility: float, observations: int = 0) -> Ranked:
    return Ranked(model, utility, 0, 1, 10, 0, utility, observations, "a test")


@pytest.mark.parametrize(
    ("confidence", "observations", "rival", "shown"),
    [
        (0.9, 0, 0.5, True),  # .15 + .6 * .9 = .69
        (0.5, 0, 0.5, False),  # .45
        (0.9, 0, 0.75, False),
        (0.9, 100, 0.5, False),  # its answers were refused a hundred times
        (0.4, 100, 0.2, True),
    ],
)
def test_an_instant_answer_counts_by_its_confidence_and_by_its_outcomes(
    confidence: float, observations: int, rival: float, shown: bool
) -> None:
    choice = Choice((ranked("better", rival), ranked("recall", 0.3, observations)), explored=False)
    assert leads(choice, "recall", confidence) is shown


def test_a_fixed_order_and_an_exploration_keep_their_first_model() -> None:
    pair = (ranked("better", 0.1), ranked("recall", 0.9))
    assert not leads(Choice(pair, explored=True), "recall", 0.9)
    assert not leads(Choice(pair, explored=False, reason="pinned"), "recall", 0.9)
    assert leads(Choice(pair[::-1], explored=False, reason="pinned"), "recall", 0.9)
    assert not leads(Choice(pair[:1], explored=False), "recall", 0.9)


# Further samples


async def test_a_request_by_hand_shows_the_first_answer_and_the_others_follow(bench: Bench) -> None:
    model = Sampled("one", "two", "three")
    bench.with_models(model, budget_ms=20_000)
    assert await bench.texts(CODE, trigger="invoked") == ["one"]
    again = bench.ask(CODE, trigger="invoked")
    model.later.set()
    assert [s.text for s in await again] == ["one", "two", "three"]
    assert len(model.prompts) == 3


# A partial answer


async def test_an_answer_that_the_budget_cut_off_is_shown_kept_and_continued(bench: Bench) -> None:
    text = "def area(width):\n    "
    lines = "total = width\n    total += 1\n    return total"
    tail = asyncio.Event()
    model = FakeModel("m", lines, pieces=2, tail=tail)
    bench.with_models(model, budget_ms=300)
    (partial,) = await bench.texts(text)
    assert partial
    assert lines.startswith(partial)
    assert len(partial) < len(lines)
    assert await bench.texts(text + partial[:4]) == [partial[4:]]  # kept
    tail.set()
    await bench.completer.settled()
    assert await bench.texts(text + partial[:4]) == [lines[4:]]  # continued
    assert (len(model.prompts), model.closed) == (1, 0)


async def test_a_line_that_the_budget_cut_off_is_taken_over_by_the_next_key(bench: Bench) -> None:
    tail = asyncio.Event()
    model = FakeModel("m", ANSWER, tail=tail)
    bench.with_models(model, budget_ms=300)
    assert await bench.texts(CODE) == []
    tail.set()
    assert await bench.texts(CODE + "wid") == ["th * height"]
    assert len(model.prompts) == 1


async def test_an_answer_that_never_ends_is_closed(bench: Bench) -> None:
    model = FakeModel("m", ANSWER, tail=asyncio.Event())
    bench.with_models(model, budget_ms=50)
    assert await bench.texts(CODE) == []
    await until(lambda: model.closed)
