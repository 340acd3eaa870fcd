from __future__ import annotations

import dataclasses

import pytest

from ensemble_lsp.consensus.judge import judge_candidates, judge_prompt, parse_choice
from ensemble_lsp.errors import TimedOutError
from ensemble_lsp.types import Prompt
from tests.support.fake_models import FakeModel
from tests.support.scripted import PROMPT

GENERATE = dataclasses.replace(PROMPT, task="generate", instruction="sort the list")


def test_a_judge_sees_the_candidates_under_letters_and_no_names() -> None:
    asked = judge_prompt(GENERATE, ["one()", "two()"], [1, 0])
    assert asked.selection.index("two()") < asked.selection.index("one()")
    assert "=== candidate A ===\ntwo()" in asked.selection
    assert "sort the list" in asked.instruction
    assert asked.prefix == GENERATE.prefix


@pytest.mark.parametrize(
    ("reply", "picked"),
    [
        ("B", 0),
        ("**A**", 2),
        ("The answer is C.", 1),
        ("A or B", None),
        ("none of them", None),
        ("D", None),
        ("", None),
    ],
)
def test_a_reply_names_one_candidate_or_none(reply: str, picked: int | None) -> None:
    assert parse_choice(reply, [2, 0, 1]) == picked


async def test_the_pick_is_the_candidate_whatever_place_it_was_shown_at() -> None:
    def reply(prompt: Prompt) -> str:
        before = prompt.selection.split("right()")[0]
        return before.rsplit("candidate ", 1)[1][0]

    places: set[str] = set()
    for seed in range(12):
        judge = FakeModel("judge", reply)
        texts = ["wrong()", "bad()", "right()"]
        assert await judge_candidates(judge, GENERATE, texts, budget_ms=5000, seed=seed) == 2
        places.add(reply(judge.prompts[0]))
    assert places == {"A", "B", "C"}


async def test_a_judge_that_fails_picks_nothing() -> None:
    judge = FakeModel("judge", TimedOutError("judge", "late"))
    assert await judge_candidates(judge, GENERATE, ["a", "b"], budget_ms=5000) is None
