"""Asking: side by side, within a budget, resumed, cancelled; what fails is a row."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.errors import (
    AuthenticationError,
    ProviderError,
    RateLimitedError,
    ServiceUnavailableError,
    SettingsError,
)
from ensemble_lsp.evaluation.admission import CaseAdmission
from ensemble_lsp.evaluation.case_selection import select_cases
from ensemble_lsp.evaluation.comparison import _questions
from ensemble_lsp.evaluation.eval_runner import EvalQuestion, EvalRun, ModelUnderTest
from ensemble_lsp.evaluation.results import Result, ResultStore
from ensemble_lsp.evaluation.scenario import ScenarioWorkspace
from ensemble_lsp.evaluation.signed_lines import LineSigner
from ensemble_lsp.evaluation.source_files import survey
from ensemble_lsp.evaluation.spending_limit import (
    Budget,
    check_prices,
    estimate_cost,
)
from ensemble_lsp.models.token_estimates import INSTRUCTION_TOKENS, THINKING_TOKENS, max_cost
from ensemble_lsp.settings import PrivacySettings
from ensemble_lsp.types import Chunk, Prompt, Usage
from ensemble_lsp.wording import dollars
from tests.support.fake_models import FakeModel
from tests.unit.test_evaluation_cases import CODE

SIGNER = LineSigner(b"the user's key")


class Stage:
    """Eight questions about a small repository, and a results file."""

    def __init__(
        self, questions: Sequence[EvalQuestion], bench: ScenarioWorkspace, path: Path
    ) -> None:
        self.questions = questions
        self.bench = bench
        self.path = path
        self.waits: list[float] = []

    async def run(self, *models: Any, limit: float | None = None, told: Any = None) -> EvalRun:
        """One run of these models, as of the command line."""
        contestants = [ModelUnderTest(m, f"fake/{m.profile.name}") for m in models]
        for question in self.questions:
            prompt = next(iter(question.prompts.values()))
            question.prompts.update({c.name: prompt for c in contestants})
        results = await asyncio.to_thread(ResultStore.open, self.path, SIGNER)
        self.results = results
        self.run_ = EvalRun(
            self.bench, results, Budget(limit, results.spent()), on_progress=told, sleep=self._sleep
        )
        try:
            await self.run_.ask(self.questions, contestants)
        finally:
            results.close()
        return self.run_

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def rows(self, model: str) -> list[Result]:
        """What the file holds of a model."""
        rows = [json.loads(line) for line in self.path.read_text().splitlines() if line]
        found = [Result.from_json(r) for r in rows if r.get("model") == model]
        return [r for r in found if r is not None]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    def build() -> Any:
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "shop.py").write_text(CODE)
        return select_cases(survey([tmp_path / "code"]), "complete", 8)

    drawn = await asyncio.to_thread(build)
    bench = ScenarioWorkspace(drawn.documents, drawn.folder, PrivacySettings(), max_lines=12)
    asker = ModelUnderTest(FakeModel("asker"), "fake/asker")
    questions = await _questions(bench, drawn, [asker])
    assert len(questions) >= 5
    yield Stage(questions, bench, tmp_path / "out" / "results.jsonl")
    await bench.close()


def truth_of(stage: Stage) -> Any:
    """A model's answers: what really stood there."""
    by_prefix = {q.prompts["asker"].prefix: q.scenario.case.reference for q in stage.questions}
    return lambda prompt: by_prefix[prompt.prefix]


async def test_a_model_that_knows_the_answers_is_exact_and_another_is_not(stage: Stage) -> None:
    await stage.run(FakeModel("good", truth_of(stage)), FakeModel("bad", "xyzzy"))
    good, bad = stage.rows("good"), stage.rows("bad")
    assert len(good) == len(bad) == len(stage.questions)
    assert all(r.scores["exact"] == 1 and r.scores["similarity"] == 1 for r in good)
    assert all(r.scores["exact"] == 0 and r.scores["similarity"] < 0.5 for r in bad)
    assert all(r.scores.get("parses") == 1 for r in good)


async def test_a_second_run_asks_only_what_has_no_answer(stage: Stage) -> None:
    failing = FakeModel("m", ServiceUnavailableError("m", "m is overloaded."))
    await stage.run(failing)
    assert all(r.error_kind == "ServiceUnavailableError" for r in stage.rows("m"))
    answering = FakeModel("m", "x")
    await stage.run(answering)
    assert len(answering.prompts) == len(stage.questions)
    await stage.run(again := FakeModel("m", "x"))
    assert not again.prompts


def test_a_fresh_run_forgets_the_answers_and_not_what_they_cost(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    first = ResultStore.open(path, SIGNER)
    first.add(Result("case", "m", "id", text="old", cost=0.5))
    first.close()
    looked = ResultStore.open(
        path, SIGNER, fresh=True
    )  # no run is begun: somebody said no to its price
    assert looked.get("case", "m", "id") is None
    looked.close()
    fresh = ResultStore.open(path, SIGNER, fresh=True)
    fresh.begin_run()
    assert fresh.get("case", "m", "id") is None and fresh.spent() == 0.5
    fresh.add(Result("other", "m", "id", text="new", cost=0.25))
    fresh.close()
    later = ResultStore.open(path, SIGNER)  # goes on with the fresh run
    assert later.get("case", "m", "id") is None and later.get("other", "m", "id") is not None
    assert later.spent() == 0.75
    later.close()


async def test_a_cancelled_run_goes_on_where_it_was(stage: Stage) -> None:
    gate = asyncio.Event()
    seen: list[Any] = []

    def answer(prompt: Prompt) -> str:
        if len(seen) >= 2:
            gate.clear()
        return "x"

    model = FakeModel("m", answer, gate=gate, local=True)
    gate.set()
    enough = asyncio.Event()

    def told(step: Any) -> None:
        seen.append(step)
        if len(seen) == 2:
            gate.clear()
            enough.set()

    running = asyncio.ensure_future(stage.run(model, told=told))
    await enough.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    kept = len(stage.rows("m"))
    assert 2 <= kept < len(stage.questions)
    await stage.run(rest := FakeModel("m", "x", local=True))
    assert len(rest.prompts) == len(stage.questions) - kept


async def test_a_line_that_a_crash_cut_short_costs_that_answer_alone(stage: Stage) -> None:
    await stage.run(FakeModel("m", "x"))
    text = stage.path.read_text()
    await asyncio.to_thread(stage.path.write_text, text[:-20])
    await stage.run(again := FakeModel("m", "x"))
    assert len(again.prompts) == 1
    await stage.run(third := FakeModel("m", "x"))
    assert not third.prompts


async def test_a_model_without_a_key_is_asked_once_or_as_often_as_it_had_places(
    stage: Stage,
) -> None:
    model = FakeModel("m", AuthenticationError("m", "The key of m is wrong."))
    other = FakeModel("other", "x")
    run = await stage.run(model, other)
    assert len(model.prompts) <= model.profile.concurrency
    assert "key of m" in run.stopped["m"]
    assert len(stage.rows("other")) == len(stage.questions)


async def test_a_rate_limit_is_waited_for_as_long_as_the_provider_says(stage: Stage) -> None:
    class Limited(FakeModel):
        async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
            if not self.prompts:
                self.prompts.append(prompt)
                raise RateLimitedError(self.profile.name, "slow down", retry_after=7.0)
            async for chunk in super().stream(prompt):
                yield chunk

    await stage.run(Limited("m", "x"))
    assert stage.waits == [7.0]
    assert not any(r.failed for r in stage.rows("m"))


async def test_a_paused_model_is_waited_for_twice_and_no_more(stage: Stage) -> None:
    error = ServiceUnavailableError("m", "m is paused.")
    error.was_sent = False
    run = await stage.run(FakeModel("m", error), FakeModel("n", "x"))
    assert len(stage.waits) == 2
    assert "m" in run.stopped and not stage.rows("m")
    assert len(stage.rows("n")) == len(stage.questions)


async def test_models_answer_side_by_side_but_those_on_this_machine_in_turn(stage: Stage) -> None:
    at_once: dict[str, int] = {}
    now: dict[str, int] = {"here": 0, "away": 0}

    class Watched(FakeModel):
        async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
            place = "here" if self.profile.local else "away"
            now[place] += 1
            at_once[place] = max(at_once.get(place, 0), now[place])
            for _ in range(5):
                await asyncio.sleep(0)
            async for chunk in super().stream(prompt):
                yield chunk
            now[place] -= 1

    await stage.run(
        Watched("a", "x", local=True),
        Watched("b", "x", local=True),
        Watched("c", "x"),
        Watched("d", "x"),
    )
    assert at_once["here"] == 1
    assert 2 <= at_once["away"] <= 8


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
async def test_a_budget_is_never_passed(stage: Stage, share: float) -> None:
    """Answers that cost as much as any can: the limit still holds, however many are under way."""

    class Dear(FakeModel):
        paid = 0.0

        async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
            self.prompts.append(prompt)
            for _ in range(3):
                await asyncio.sleep(0)
            usage = Usage(
                len(prompt.prefix) + INSTRUCTION_TOKENS, prompt.max_tokens + THINKING_TOKENS
            )
            self.paid += self.profile.cost(usage)
            yield Chunk("x", self.profile.name, usage, "stop")

    model, other = Dear("m"), Dear("n")
    whole = sum(max_cost(model.profile, q.prompts["asker"]) for q in stage.questions)
    run = await stage.run(model, other, limit=whole * share)
    assert model.paid + other.paid <= whole * share
    effect = "ended the run after" if share else "allows no case"
    assert run.ended.startswith(f"The budget of {dollars(whole * share)} {effect}")
    assert not run.stopped  # a budget is no failure of a model
    assert len(model.prompts) == len(other.prompts) and (model.prompts or not share)
    # What an earlier run spent counts as well.
    await stage.run(model, other, limit=whole * share)
    assert model.paid + other.paid <= whole * share


async def test_a_model_that_stops_leaves_its_share_of_the_budget_to_the_others(
    stage: Stage,
) -> None:
    good = FakeModel("m", "x")
    keyless = FakeModel("n", AuthenticationError("n", "The key of n is not valid."))
    whole = sum(max_cost(good.profile, q.prompts["asker"]) for q in stage.questions)
    run = await stage.run(good, keyless, limit=whole * 1.5)
    assert not run.ended and list(run.stopped) == ["n"]
    assert len(good.prompts) == len(stage.questions)


async def test_a_failed_call_that_may_have_been_paid_for_is_booked(stage: Stage) -> None:
    model = FakeModel("m", ProviderError("m", "it broke off"))
    await stage.run(model)
    prompt = stage.questions[0].prompts["m"]
    booked = next(r for r in stage.rows("m") if r.case == stage.questions[0].scenario.case.id)
    assert booked.cost == pytest.approx(max_cost(model.profile, prompt))


def test_no_budget_holds_for_a_model_of_unknown_price() -> None:
    profile = replace(FakeModel("m").profile, input_price=0, output_price=0)
    prompt = Prompt("complete", "python", "a.py", prefix="x = ")
    with pytest.raises(SettingsError, match="needs the price of m, which is not known"):
        check_prices([estimate_cost(profile, [prompt])], 1.0)
    check_prices([estimate_cost(profile, [prompt])], None)
    check_prices([estimate_cost(replace(profile, local=True), [prompt])], 1.0)


def test_lines_that_the_user_did_not_sign_are_ignored(tmp_path: Path) -> None:
    path, mine = tmp_path / "results.jsonl", Result("mine", "m", "id", text="x", cost=0.5)
    for signer, result in (
        (SIGNER, mine),
        (LineSigner(b"another"), replace(mine, case="planted", cost=-90.0)),
    ):
        results = ResultStore.open(path, signer)
        results.add(result)
        results.append("case", {"id": result.case})
        results.close()
    first = json.loads(path.read_text().splitlines()[0])
    with path.open("a") as file:
        for line in (
            {"type": "fresh"},
            {"type": "result", "case": "bare", "model": "m", "id": "id", "cost": "free"},
            {**first, "case": "changed"},
            {**first, "signature": 7},
            {**first, "signature": "\ud800"},
        ):
            file.write(json.dumps(line) + "\n")
        file.write("[" * 100_000 + "\n" + '{"type":' * 5000 + "\n")
    found = ResultStore.open(path, SIGNER)
    assert [found.get(case, "m", "id") for case in ("planted", "bare", "changed")] == [None] * 3
    assert found.get("mine", "m", "id") == mine and found.spent() == 0.5
    assert found.notice.startswith("5 answers in ")
    found.close()


def test_the_key_of_results_is_the_users_alone(tmp_path: Path) -> None:
    line = {"type": "result", "x": 0.1}
    signed = LineSigner.of(tmp_path / "data").signed(line)
    assert LineSigner.of(tmp_path / "data").signs(signed)
    assert not LineSigner.of(tmp_path / "other").signs(signed)
    (file,) = (tmp_path / "data").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    for content in ("", "short"):
        file.write_text(content)
        renewed = LineSigner.of(tmp_path / "data")
        assert not renewed.signs(signed) and len(file.read_text()) > 60


def test_another_programs_file_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("dear diary\n")
    with pytest.raises(SettingsError, match="not a results file"):
        ResultStore.open(path, SIGNER)
    assert path.read_text() == "dear diary\n"


def test_a_folder_of_our_own_is_kept_out_of_commits(tmp_path: Path) -> None:
    ResultStore.open(tmp_path / "new" / "results.jsonl", SIGNER).close()
    assert (tmp_path / "new" / ".gitignore").read_text() == "*\n"
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / "file").write_text("")
    ResultStore.open(tmp_path / "users" / "results.jsonl", SIGNER).close()
    assert not (tmp_path / "users" / ".gitignore").exists()


@pytest.mark.parametrize("seed", range(8))
async def test_models_of_different_speed_and_price_never_wait_for_each_other(seed: int) -> None:
    """One model waits for money that only another one's requests, already admitted, release."""
    rng = random.Random(seed)
    costs = [{"a": rng.uniform(0.5, 0.9), "b": rng.uniform(0.2, 0.5)} for _ in range(30)]
    budget = Budget(3.0)
    admission = CaseAdmission(budget, costs)
    asked: dict[str, int] = {"a": 0, "b": 0}

    async def work(model: str, cases: Iterator[int]) -> None:
        for case in cases:
            if not await admission.admit(case):
                return
            reserved = admission.take(case, model)
            for _ in range(rng.randrange(9)):
                await asyncio.sleep(0)
            asked[model] += 1
            await budget.settle(reserved, reserved * 0.2)

    workers = [work(model, cases) for model in asked for cases in [iter(range(30))] for _ in "1234"]
    await asyncio.wait_for(asyncio.gather(*workers), 30)
    assert admission.refused and budget.spent <= 3.0
    assert asked == {"a": admission.admitted, "b": admission.admitted}
