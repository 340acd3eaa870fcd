"""The embedded model, with a child that speaks the same protocol and needs no weights."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.errors import (
    BadRequestError,
    ConnectionFailedError,
    ContextTooLongError,
    InvalidResponseError,
    ModelNotFoundError,
    ServiceUnavailableError,
)
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wrappers import ConcurrencyLimit, Scheduler
from ensemble_lsp.providers.llamacpp.llamacpp_model import availability
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Prompt
from tests.support.llamacpp_bench import OPEN, Bench, bench
from tests.support.scripted import completion_prompt as complete
from tests.support.waiting import until

__all__ = ["bench"]  # a fixture

PIPES = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]


async def test_the_forced_word_is_not_given_twice(bench: Bench) -> None:
    model = bench.model(answer=[" re", "turn", " x"])
    answer = await gather(model, complete("def f(x):\n    ret"))
    assert answer.text == "urn x"
    assert answer.usage.input_tokens == 7
    assert answer.usage.cached_tokens == 3
    assert answer.confidence == pytest.approx(math.exp(-0.5))
    (asked,) = bench.asked()
    assert asked["prompt"].endswith("def f(x):\n   ")
    assert asked["grammar"].startswith('root ::= " ret"')
    assert "\n" not in asked["stop"]


async def test_one_line_ends_at_its_end(bench: Bench) -> None:
    await gather(bench.model(answer=[" 1"]), complete(OPEN, multiline=False))
    assert "\n" in bench.asked()[0]["stop"]
    assert "grammar" not in bench.asked()[0]


async def test_one_line_at_a_lines_start_ends_at_its_end_too(bench: Bench) -> None:
    pieces = ["\n", "  ", "  retu", "rn x", "\n    more", " and more"]
    model = bench.model(answer=pieces)
    answer = await gather(model, complete("def f(x):\n", multiline=False))
    assert (answer.text, answer.finish) == ("    return x", "stop")
    (asked,) = bench.asked()
    assert asked["prompt"].endswith("def f(x):")
    assert asked["stop"] == [], "a line end that is forced back is none to stop at"


async def test_a_block_at_a_lines_start_goes_on_over_its_lines(bench: Bench) -> None:
    answer = await gather(bench.model(answer=["\n  a", "\n  b"]), complete("def f(x):\n"))
    assert answer.text == "  a\n  b"


async def test_the_vocabulary_is_asked_once_for_the_tokens_that_fill_in_the_middle(
    bench: Bench,
) -> None:
    model = bench.model(answer=["\n"], tokens=PIPES)
    await gather(model, complete("a\n", "\nb"))
    looked = len(bench.asked("/tokenize"))
    await gather(model, complete("a\nc\n", "\nb"))
    assert len(bench.asked("/tokenize")) == looked > 0
    assert all("<|fim_suffix|>" in asked["prompt"] for asked in bench.asked())


async def test_an_answer_that_does_not_go_on_from_the_word_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidResponseError):
        await gather(bench.model(answer=["something", " else"]), complete("    ret"))


async def test_an_explanation_is_asked_in_the_models_own_chat(bench: Bench) -> None:
    model = bench.model(answer=["It", " adds."])
    answer = await gather(model, Prompt("explain", "python", "a.py", selection="a + b"))
    assert answer.text == "It adds."
    (asked,) = bench.asked()
    assert asked["prompt"].startswith("[system]")
    assert "a + b" in asked["prompt"]


async def test_code_is_generated_inside_a_fence_that_is_open(bench: Bench) -> None:
    model = bench.model(answer=["x = 1\n"])
    prompt = Prompt("generate", "python", "a.py", instruction="set x to one", prefix="y = 2\n")
    assert (await gather(model, prompt)).text == "x = 1\n"
    (asked,) = bench.asked()
    assert asked["prompt"].endswith("```python\n")
    assert "set x to one" in asked["prompt"]
    assert "y = 2" in asked["prompt"]
    assert "```" in asked["stop"]


async def test_completions_and_chats_keep_their_own_slots(bench: Bench) -> None:
    model = bench.model(answer=["\n"])
    await gather(model, complete(OPEN))
    await gather(model, Prompt("explain", "python", "a.py", selection="a"))
    first, second = (asked["id_slot"] for asked in bench.asked())
    assert first != second


async def test_a_completion_does_not_wait_for_an_explanation_to_end(bench: Bench) -> None:
    model = ConcurrencyLimit(bench.model(endless=True), Scheduler())
    explain = Prompt("explain", "python", "a.py", selection="a")
    async with aclosing(model.stream(explain)) as explanation:
        await anext(explanation)
        async with aclosing(model.stream(explain)) as another:
            waiting = asyncio.ensure_future(anext(another))  # the other slot is not for it
            async with aclosing(model.stream(complete(OPEN))) as completion:
                await anext(completion)
            assert [asked["id_slot"] for asked in bench.asked()] == [1, 0]
            assert not waiting.done()
            waiting.cancel()
            await asyncio.wait([waiting])


async def test_a_closed_stream_closes_the_connection(bench: Bench) -> None:
    model = bench.model(endless=True)
    async with aclosing(model.stream(complete(OPEN))) as chunks:
        async for _ in chunks:
            break
    await until(lambda: bool(bench.notes("left")))


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"type": "exceed_context_size_error", "n_ctx": 4096}, ContextTooLongError),
        (400, {"code": 400, "message": "bad grammar"}, BadRequestError),
        (503, {"code": 503, "message": "Loading model"}, ServiceUnavailableError),
        (500, {"code": 500, "message": "boom"}, ServiceUnavailableError),
    ],
)
async def test_errors_are_translated(
    bench: Bench, status: int, error: dict[str, Any], expected: type[Exception]
) -> None:
    with pytest.raises(expected) as caught:
        await gather(bench.model(status=status, error=error), complete(OPEN))
    assert "tiny" in str(caught.value)


async def test_a_stream_that_breaks_off_is_no_answer(bench: Bench) -> None:
    with pytest.raises(ConnectionFailedError):
        await gather(bench.model(answer=["a"], cut=True), complete(OPEN))


# -- whether it can be asked


def settings(model: str) -> ModelSettings:
    return ModelSettings(name="tiny", provider="llamacpp", model=model)


def test_without_the_engine_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # nor is pip there
    assert '"ensemble-lsp[local]"`' in (availability(settings(""), tmp_path) or "")


@pytest.mark.usefixtures("bench")
@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("", "models add smollm2"),
        ("smollm2", "models add smollm2"),
        ("qwen2.5-coder-0.5b", "models add qwen2.5-coder-0.5b"),
        ("/nowhere/x.gguf", "absolute path"),
        ("tiny.gguf", "absolute path"),
    ],
)
def test_without_weights_it_says_how_to_get_them(tmp_path: Path, model: str, says: str) -> None:
    assert says in (availability(settings(model), tmp_path) or "")


@pytest.mark.usefixtures("bench")
def test_a_file_that_is_no_gguf_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_text("no")
    assert "not a GGUF file" in (availability(settings(str(path)), tmp_path) or "")
    path.write_text("GGUF...")
    assert availability(settings(str(path)), tmp_path) is None


async def test_asked_all_the_same_it_raises_what_it_lacks(bench: Bench) -> None:
    model = bench.model()
    bench.weights.unlink()
    with pytest.raises(ModelNotFoundError, match="absolute path"):
        await gather(model, complete(OPEN))
