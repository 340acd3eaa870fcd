from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import product

import pytest

from ensemble_lsp.consensus.canonical_form import canonical
from ensemble_lsp.consensus.code import VotingParameters, consensus_of_code
from ensemble_lsp.consensus.divergence import have_diverged, partial_tokens, tokens_of
from ensemble_lsp.consensus.early_stopping import EarlyStopping, is_decided, match_probability
from ensemble_lsp.consensus.fan_out import query_all
from ensemble_lsp.consensus.votes import Vote
from ensemble_lsp.sandbox.check_results import CheckResults
from ensemble_lsp.types import Completion
from tests.support.scripted import PROMPT, ScriptedModel

ONE, OTHER = "def f(a):\n    return a + 1\n", "def f(a):\n    return a - 1\n"
LONG = "def f(a):\n" + "".join(f"    a = g(a, {n})\n" for n in range(60)) + "    return a\n"


def said(*texts: str) -> list[Completion]:
    return [Completion(text, name) for name, text in zip("abcde", texts, strict=False)]


def still(*names: str) -> dict[str, str]:
    """Models that run, of which nothing has come yet."""
    return dict.fromkeys(names, "")


async def test_two_that_agree_settle_it_where_nobody_left_can_catch_up() -> None:
    weights = dict.fromkeys("abcde", 0.5)
    assert not await EarlyStopping("python", weights)(said(ONE), still("b", "c"))
    assert not await EarlyStopping("python", weights)(said(ONE, OTHER), still("c"))
    assert await EarlyStopping("python", weights)(said(ONE, ONE), still("c"))
    assert await EarlyStopping("python", weights)(said(ONE, ONE, ONE, OTHER), still("e"))


async def test_two_of_five_equals_are_no_majority_yet() -> None:
    weights = dict.fromkeys("abcde", 0.5)
    assert not await EarlyStopping("python", weights)(said(ONE, ONE), still("c", "d", "e"))
    assert await EarlyStopping("python", weights)(said(ONE, ONE, ONE), still("d", "e"))


async def test_what_is_known_of_those_still_running_counts() -> None:
    strong = {"a": 0.4, "b": 0.4, "c": 0.98}
    assert not await EarlyStopping("python", strong)(said(ONE, ONE), still("c"))
    weak = {"a": 0.6, "b": 0.6, "c": 0.2, "d": 0.2}
    assert await EarlyStopping("python", weak)(said(ONE, ONE), still("c", "d"))


async def test_the_best_alone_settles_it_where_long_answers_hardly_ever_agree() -> None:
    weights = {"a": 0.9, "b": 0.6, "c": 0.6}
    assert await EarlyStopping("python", weights)(said(LONG), still("b", "c"))
    short = {"a": 0.7, "b": 0.6, "c": 0.6}
    assert not await EarlyStopping("python", short)(said(ONE), still("b", "c"))
    assert not await EarlyStopping("python", dict.fromkeys("abc", 0.6))(said(LONG), still("b", "c"))


async def test_a_failed_promise_waits_for_better() -> None:
    async def run_checks(text: str) -> CheckResults:
        return CheckResults(int(text == ONE), 1, ("",))

    weights = {"a": 0.9, "b": 0.6, "c": 0.2}
    quorum = EarlyStopping("python", weights, run_checks=run_checks)
    assert not await quorum(said(OTHER), still("b", "c"))
    assert await quorum(said(OTHER, ONE), still("c"))
    answers = await quorum.votes(said(OTHER, ONE))
    assert [a.checks.passed for a in answers if a.checks] == [0, 1]
    assert consensus_of_code(answers, "python").models == ("b",)


async def test_the_seeds_rule_waits_for_all() -> None:
    quorum = EarlyStopping("python", {}, rule="seed")
    assert not await quorum(said(ONE, ONE), still("c"))
    assert await quorum(said(ONE, ONE), still())


async def test_answers_that_do_not_parse_make_no_quorum_and_are_cleaned_once() -> None:
    assert not await EarlyStopping("python", {})(said("def f(:", "def f(:"), still("c"))
    cleaned: list[str] = []

    def clean(text: str) -> str:
        cleaned.append(text)
        return text.strip("`").removeprefix("python\n")

    fenced = f"```python\n{ONE}```"
    quorum = EarlyStopping("python", {}, clean)
    assert await quorum(said(fenced, fenced), still("c"))
    assert len(await quorum.votes(said(fenced, fenced))) == 2
    assert len(cleaned) == 2


def test_what_logic_settles_never_changes() -> None:
    """Where joining and pairing could matter it is not settled, whatever the odds."""
    weights = {"a": 0.7, "b": 0.55, "c": 0.4, "d": 0.3}
    texts = (ONE, OTHER, "def f(a):\n    return 3\n")
    for chosen in product(texts, repeat=4):
        votes = [
            Vote(n, t, weights[n], canonical(t, "python"))
            for n, t in zip("abcd", chosen, strict=True)
        ]
        for count in (2, 3):
            if is_decided(votes[:count], [a.weight for a in votes[count:]], VotingParameters()):
                early = consensus_of_code(votes[:count], "python").text
                assert consensus_of_code(votes, "python").text == early


def test_the_longer_the_rarer_two_agree() -> None:
    odds = [match_probability(n) for n in (0, 50, 100, 200, 400, 1000, 10_000)]
    assert odds == sorted(odds, reverse=True)
    assert odds[0] == pytest.approx(0.5)


async def test_models_that_are_not_needed_are_closed() -> None:
    slow = ScriptedModel("c", [["begun", asyncio.Event()]])
    models = [ScriptedModel("a", [[ONE]]), ScriptedModel("b", [[ONE]]), slow]
    asked = await query_all(
        models, PROMPT, budget_ms=60_000, should_stop=EarlyStopping("python", {})
    )
    assert asked.cancelled == ["c"]
    assert slow.ended == 1


async def test_a_stream_that_says_otherwise_is_not_waited_for() -> None:
    weights = {"a": 0.75, "b": 0.5, "c": 0.5, "d": 0.5}
    other = LONG.replace("g(a, 0)", "h(a) + 7 + 8")
    begun = "\n".join(other.split("\n")[:6]) + "\n    a"
    same = "\n".join(LONG.split("\n")[:6]) + "\n    a"
    third = same.replace("def f(a):", "def f(a):\n    if a is None:\n        raise ValueError")
    quorum = EarlyStopping("python", weights)
    answers = said(LONG, other.replace("h(a)", "k(a) * a"))
    running = {"c": same.replace("g(a, 0)", "k(a) * a + 7 + 8"), "d": ""}
    assert not await quorum(answers, still("c", "d"))
    assert not await quorum(answers, running)
    assert await quorum(answers, {"c": begun, "d": third})
    # Talk before the code tells nothing.
    assert not await quorum(answers, {"c": "Sure, I shall\nwrite it for you\nnow", "d": ""})


async def test_streams_are_read_only_where_they_can_settle_it() -> None:
    read: list[str] = []

    def clean(text: str) -> str:
        read.append(text)
        return text

    equals = EarlyStopping("python", dict.fromkeys("abc", 0.5), clean)
    assert not await equals(said(ONE), {"b": OTHER, "c": OTHER})
    assert read == [ONE]
    better = EarlyStopping("python", {"a": 0.75, "b": 0.5, "c": 0.5, "d": 0.5}, clean)
    await better(said(LONG, LONG.replace("0)", "7)")), {"c": OTHER, "d": OTHER})
    assert read[-1] == OTHER


def test_names_layout_and_comments_part_no_streams_and_other_code_does() -> None:
    whole = tokens_of("def f(items):\n    total = 0\n    for i in items:\n        total += i\n")
    begun = partial_tokens(
        "def f(xs):  # adds\n    s = (0)\n\n    for x in xs:\n        s +", "python"
    )
    assert begun and not have_diverged(begun, whole)
    other = partial_tokens("def f(xs):\n    s = 1\n    for x in xs:\n        s +", "python")
    assert have_diverged(other, whole)
    assert partial_tokens("Sure, here is\nthe code:\n", "python") == ()


async def test_a_stream_is_looked_at_while_it_comes() -> None:
    seen: list[str] = []

    async def settled(completions: object, running: Mapping[str, str]) -> bool:
        seen.append(running.get("b", ""))
        return running.get("b", "").startswith("begun")

    slow = ScriptedModel("b", [["begun", asyncio.Event()]])
    asked = await query_all(
        [ScriptedModel("a", [[ONE]]), slow], PROMPT, budget_ms=60_000, should_stop=settled
    )
    assert asked.cancelled == ["b"] and seen[-1] == "begun"
