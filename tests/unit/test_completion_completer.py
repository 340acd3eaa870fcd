"""Completions: strategies, cache and take-over, with models in process."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from ensemble_lsp.app import AppContext, open_app
from ensemble_lsp.completion import Completer, CompletionRequest
from ensemble_lsp.completion import request as request_module
from ensemble_lsp.completion.debounce import TypingRhythm
from ensemble_lsp.types import Chunk, Document, Position, Prompt, Suggestion, Trigger, Usage
from tests.support.fake_models import FakeModel
from tests.support.sources import CODE
from tests.support.waiting import until

ANSWER = "width * height"


class Models:
    """In place of the registry: these models, whatever they are asked for."""

    def __init__(self, models: Sequence[FakeModel]) -> None:
        self.models = list(models)

    def for_task(self, _task: str) -> list[FakeModel]:
        return self.models

    def get(self, name: str) -> FakeModel:
        return next(m for m in self.models if m.profile.name == name)

    def ids(self) -> dict[str, str]:
        return {m.profile.name: f"{m.profile.provider}/{m.profile.model}" for m in self.models}

    async def close(self) -> None:
        """Nothing to give back."""


class Slow(FakeModel):
    """Tells that its answer is whole, and goes on until ``end``."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.end = asyncio.Event()
        self.over = False

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        yield Chunk(ANSWER, self.profile.name)
        yield Chunk("", self.profile.name, None, "stop")
        await self.end.wait()
        self.over = True
        yield Chunk("", self.profile.name, Usage(10, 5), "stop")


class Bench:
    """A completer, and a document that is typed into."""

    def __init__(self, app: AppContext) -> None:
        self.app = app
        self.completer = Completer()
        self.version = 0

    def with_models(self, *models: FakeModel, **complete: Any) -> None:
        """These models, asked in this order; and settings of ``complete``."""
        old = self.app.settings
        fields = {"debounce_ms": 0, "candidates": 3, **complete}
        settings = old.model_copy(update={"complete": old.complete.model_copy(update=fields)})
        registry = cast(Any, Models(models))
        self.app = dataclasses.replace(self.app, settings=settings, registry=registry)

    def document(self, text: str) -> Document:
        self.version += 1
        return Document.from_text("file:///w/a.py", self.version, "python", text)

    def ask(
        self, text: str, after: str = "", trigger: Trigger = "automatic"
    ) -> asyncio.Future[list[Suggestion]]:
        """Ask between two texts."""
        lines = text.split("\n")
        place = Position(len(lines) - 1, len(lines[-1]))
        request = CompletionRequest(self.document(text + after), place, trigger)
        return asyncio.ensure_future(self.completer.complete(self.app, request))

    async def has_text(self) -> None:
        """Wait until the running stream has said something."""
        streams: Any = vars(self.completer)["_streams"]
        await until(lambda: any(s.text for s in streams.streams("file:///w/a.py")))

    async def texts(self, text: str, after: str = "", trigger: Trigger = "automatic") -> list[str]:
        return [s.text for s in await self.ask(text, after, trigger)]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    config = tmp_path / "config.toml"
    config.write_text(
        '[[models]]\nname = "recall"\nprovider = "recall"\n[selector]\nstrategy = "fixed"\n'
    )
    app = await open_app(config_path=config, data_dir=tmp_path / "data", env={})
    bench = Bench(app)
    yield bench
    bench.completer.close()
    await app.close()


# From the cache


async def test_after_backspace_within_it_the_rest_is_still_served(bench: Bench) -> None:
    model = FakeModel("m", ANSWER)
    bench.with_models(model)
    assert await bench.texts(CODE) == [ANSWER]
    for typed in ("w", "wi", "wid", "wi", "w", "wid", "width "):
        assert await bench.texts(CODE + typed) == [ANSWER[len(typed) :]]
    assert await bench.texts(CODE + "x") == [ANSWER]  # something else was typed: a new place
    assert len(model.prompts) == 2


async def test_after_an_undo_and_after_a_reopen_it_is_still_served(bench: Bench) -> None:
    model = FakeModel("m", ANSWER)
    bench.with_models(model)
    assert await bench.texts(CODE) == [ANSWER]
    assert await bench.texts(CODE + "wrong = ", "\n") == [ANSWER]
    assert await bench.texts(CODE) == [ANSWER]  # undone
    bench.completer.closed("file:///w/a.py")
    assert await bench.texts(CODE) == [ANSWER]  # closed and opened again
    assert len(model.prompts) == 2


async def test_a_change_after_the_cursor_asks_anew(bench: Bench) -> None:
    model = FakeModel("m", ANSWER)
    bench.with_models(model)
    for after in ("\n", "\n\nx = 1\n", "\n\nx = 2\n"):
        assert await bench.texts(CODE, after) == [ANSWER]
    assert len(model.prompts) == 3


async def test_the_answer_of_another_model_is_not_served_for_this_one(bench: Bench) -> None:
    first = FakeModel("m", ANSWER)
    bench.with_models(first)
    assert await bench.texts(CODE) == [ANSWER]
    renamed = FakeModel("m", "other()")
    renamed.profile = dataclasses.replace(renamed.profile, model="another")
    bench.with_models(renamed)
    assert await bench.texts(CODE) == ["other()"]
    bench.with_models(FakeModel("n", "third()"))
    assert await bench.texts(CODE) == ["third()"]


async def test_a_pinned_model_is_asked_where_only_another_one_has_answered(bench: Bench) -> None:
    first, second = FakeModel("m", ANSWER), FakeModel("n", "pinned()")
    bench.with_models(first, second)
    assert await bench.texts(CODE) == [ANSWER]
    selector = bench.app.settings.selector.model_copy(update={"pin": {"complete": "n"}})
    settings = bench.app.settings.model_copy(update={"selector": selector})
    bench.app = dataclasses.replace(bench.app, settings=settings)
    assert await bench.texts(CODE) == ["pinned()"]


async def test_an_answer_does_not_wait_for_the_end_of_its_stream(bench: Bench) -> None:
    model = Slow("m")
    bench.with_models(model)
    assert await bench.texts(CODE) == [ANSWER]
    assert not model.over
    model.end.set()
    await bench.completer.settled()
    assert model.over


async def test_what_was_not_shown_of_a_long_answer_is_offered_after_the_accept(
    bench: Bench,
) -> None:
    lines = [f"    total_{n} = compute_{n}(width)" for n in range(6)]
    model = FakeModel("m", "\n".join(lines).lstrip())
    bench.with_models(model, max_lines=2)
    text = "def area(width):\n    "
    (shown,) = await bench.texts(text)
    assert shown == "total_0 = compute_0(width)\n    total_1 = compute_1(width)"
    (rest,) = await bench.texts(text + shown)
    assert rest == "\n" + "\n".join(lines[2:4])
    assert await bench.texts(text + shown[:5]) == [shown[5:]]  # typed along, it stays two lines
    assert len(model.prompts) == 1


async def begin_stream(
    bench: Bench,
) -> tuple[FakeModel, asyncio.Event, asyncio.Future[list[Suggestion]]]:
    """Ask a model whose stream has its text and ends with the event."""
    tail = asyncio.Event()
    model = FakeModel("m", ANSWER, tail=tail)
    bench.with_models(model, budget_ms=20_000)
    first = bench.ask(CODE)
    await model.asked.wait()
    await bench.has_text()
    return model, tail, first


async def test_a_stream_that_the_user_types_along_is_taken_over(bench: Bench) -> None:
    model, tail, first = await begin_stream(bench)
    second = bench.ask(CODE + "wid")
    assert await first == []
    tail.set()
    assert [s.text for s in await second] == ["th * height"]
    assert (len(model.prompts), model.closed) == (1, 0)


async def test_a_stream_that_the_user_types_away_from_is_closed(bench: Bench) -> None:
    model, tail, first = await begin_stream(bench)
    second = bench.ask(CODE + "other")
    assert await first == []
    await until(lambda: model.closed)
    tail.set()
    await second
    assert len(model.prompts) == 2


# Which model


async def test_the_next_model_is_asked_when_the_first_is_silent_past_its_own_p90(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def p90(_self: AppContext, model: str, _task: str) -> float:
        asked.append(model)
        return 5.0

    monkeypatch.setattr(AppContext, "first_token_p90", p90)
    slow, quick = FakeModel("slow", "no", gate=asyncio.Event()), FakeModel("quick", ANSWER)
    bench.with_models(slow, quick, budget_ms=20_000)
    assert await bench.texts(CODE) == [ANSWER]
    assert asked[0] == "slow"
    await until(lambda: slow.closed)
    assert len(quick.prompts) == 1


async def test_no_second_model_is_asked_while_the_first_keeps_to_its_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AppContext, "first_token_p90", lambda *_: 20_000.0)
    first, second = FakeModel("first", ANSWER), FakeModel("second", "other")
    bench.with_models(first, second, budget_ms=30_000)
    assert await bench.texts(CODE) == [ANSWER]
    assert second.prompts == []


async def test_what_costs_nothing_answers_when_the_budget_is_up(bench: Bench) -> None:
    silent = FakeModel("silent", "no", gate=asyncio.Event())
    bench.with_models(silent, FakeModel("free", ANSWER, free=True, local=True), budget_ms=20)
    (offered,) = await bench.ask(CODE)
    assert (offered.text, offered.models) == (ANSWER, ("free",))
    await until(lambda: silent.closed)


async def test_several_candidates_are_distinct_and_in_the_models_order(bench: Bench) -> None:
    models = [FakeModel(n, a) for n, a in (("a", "one"), ("b", "two"), ("c", "one  "))]
    bench.with_models(*models)
    offered = await bench.ask(CODE, trigger="invoked")
    assert [(s.text, s.models, s.shown_at) for s in offered] == [
        ("one", ("a",), 0),
        ("two", ("b",), 1),
    ]


# When


@pytest.mark.parametrize(("before", "after"), [("    ret", "urn 1"), ("    ", "value = 1")])
async def test_inside_a_word_nothing_is_asked(bench: Bench, before: str, after: str) -> None:
    model = FakeModel("m", ANSWER)
    bench.with_models(model)
    assert await bench.texts("def f():\n" + before, after, "invoked") == []
    assert model.prompts == []


def test_the_pause_follows_the_typing_and_the_models_latency() -> None:
    typing = TypingRhythm()
    assert typing.debounce(75, 10_000) == 0.075  # nothing is known: the setting
    for n in range(10):
        typing.tick(n * 0.15)
    assert typing.debounce(75, 10_000) == pytest.approx(0.18)  # a little past the rhythm
    assert typing.debounce(75, 200) == 0.05  # a quick model is not made a slow one
    for n in range(20):
        typing.tick(10 + n * 0.9)
    assert typing.debounce(75, 10_000) == 0.075  # slower than it is worth waiting for


async def test_an_invoked_request_does_not_wait_for_the_next_keystroke(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits(*_: object) -> float:
        raise AssertionError

    monkeypatch.setattr(TypingRhythm, "debounce", waits)
    bench.with_models(FakeModel("m", ANSWER))
    assert await bench.texts(CODE, trigger="invoked") == [ANSWER]
    with pytest.raises(AssertionError):
        await bench.texts("value = ")


async def test_a_request_superseded_in_its_debounce_costs_no_decision(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[object] = []
    decide = AppContext.decide

    def counted(app: AppContext, *args: Any, **kwargs: Any) -> Any:
        decided.append(args)
        return decide(app, *args, **kwargs)

    monkeypatch.setattr(AppContext, "decide", counted)
    bench.with_models(FakeModel("m", ANSWER), debounce_ms=50)
    requests = [bench.ask("value = " + "x" * n) for n in range(3)]
    assert [[s.text for s in await each] for each in requests] == [[], [], [ANSWER]]
    assert len(decided) == 1


async def test_an_automatic_request_post_processes_the_one_cached_answer_that_it_shows(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = [FakeModel(name, f"{name} * height") for name in ("a", "b", "c")]
    bench.with_models(*models)
    assert len(await bench.texts(CODE, trigger="invoked")) == 3
    cleaned: list[str] = []
    clean = request_module.clean_completion

    def counted(text: str, **options: Any) -> str:
        cleaned.append(text)
        return clean(text, **options)

    monkeypatch.setattr(request_module, "clean_completion", counted)
    assert len(await bench.texts(CODE)) == 1
    assert len(cleaned) == 1


async def test_answers_that_make_the_same_line_agree(bench: Bench) -> None:
    """Whether an answer repeats the closed brackets or not is no difference between models."""
    other = FakeModel("c", "height")
    bench.with_models(FakeModel("a", "width)"), FakeModel("b", "width"), other, ensemble=3)
    (suggestion,) = await bench.ask("area = max(", ")\n")
    assert (suggestion.text, suggestion.models) == ("width", ("a", "b"))
    assert suggestion.span.empty


async def test_a_replaced_bracket_is_replaced_while_the_answer_is_typed(bench: Bench) -> None:
    model = FakeModel("a", "!sf) return x")
    bench.with_models(model)
    for typed, rest, text, covered in (
        ("", ")", "!sf) return x", 1),
        ("!", ")", "sf) return x", 1),
        ("!sf", ")", ") return x", 1),
        ("!sf)", "", " return x", 0),
        ("!sf) re", "", "turn x", 0),
    ):
        (suggestion,) = await bench.ask(f"if ({typed}", f"{rest}\n")
        span = suggestion.span
        assert (suggestion.text, span.end.column - span.start.column) == (text, covered)
    assert len(model.prompts) == 1
