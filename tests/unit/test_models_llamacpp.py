"""The embedded model, with a child that speaks the same protocol and needs no weights."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest

from ensemble_lsp.errors import (
    BadRequestError,
    ConnectionFailedError,
    ContextTooLongError,
    InvalidResponseError,
    ModelNotFoundError,
    ServiceUnavailableError,
)
from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wrappers import ConcurrencyLimit, Scheduler
from ensemble_lsp.providers.llamacpp.llamacpp_model import LlamaCppModel, availability
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Prompt
from tests.support import fake_llama
from tests.support.scripted import completion_prompt as complete
from tests.support.waiting import until

COMMAND = (sys.executable, fake_llama.__file__)
PIPES = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]


class Bench:
    """An embedded model over the fake child, and what the child was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.weights = folder / "tiny.gguf"
        self.settings = ModelSettings(name="tiny", provider="llamacpp", model=str(self.weights))
        self.models: list[LlamaCppModel] = []

    def model(self, *, idle_seconds: float = 600.0, **plan: Any) -> LlamaCppModel:
        self.plan(**plan)
        made = LlamaCppModel(
            self.settings,
            make_profile(self.settings),
            data_dir=self.folder / "data",
            command=COMMAND,
            idle_seconds=idle_seconds,
        )
        self.models.append(made)
        return made

    def plan(self, **plan: Any) -> None:
        self.weights.write_text("GGUF" + json.dumps(plan))

    def notes(self, kind: str) -> list[dict[str, Any]]:
        path = self.folder / "tiny.gguf.requests"
        lines = path.read_text().splitlines() if path.exists() else []
        return [note for note in map(json.loads, lines) if kind in note]

    def asked(self, path: str = "/completion") -> list[dict[str, Any]]:
        return [note for note in self.notes("path") if note["path"] == path]


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    # The engine itself is not needed here, only that it looks installed.
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    bench = Bench(tmp_path)
    yield bench
    for model in bench.models:
        await model.close()


# Asking it

OPEN = "f(("
"""A text of whose end nothing is forced back."""


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


# The child


async def test_the_child_starts_with_the_first_request_and_serves_the_next(bench: Bench) -> None:
    model = bench.model(answer=["\n"])
    assert model.engine.pid is None
    await asyncio.gather(*(gather(model, complete(OPEN)) for _ in range(3)))
    await gather(model, complete(OPEN))
    assert len(bench.notes("started")) == 1


async def test_the_child_sees_no_keys_and_its_log_is_the_users_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    model = bench.model(answer=["\n"])
    await gather(model, complete(OPEN))
    (started,) = bench.notes("started")
    assert "OPENAI_API_KEY" not in started["env"]
    assert "PATH" in started["env"]
    if os.name == "posix":
        assert stat.S_IMODE(model.engine.log.stat().st_mode) == 0o600
        arguments = psutil.Process(model.engine.pid).cmdline()
        assert arguments == list(COMMAND), "the key of its server is not among the arguments"


async def test_a_child_that_died_is_one_error_and_the_next_request_starts_another(
    bench: Bench,
) -> None:
    model = bench.model(die=True)
    with pytest.raises(ConnectionFailedError) as caught:
        await gather(model, complete(OPEN))
    assert "ask again to restart it" in str(caught.value)
    bench.plan(answer=["fine"])
    assert (await gather(model, complete(OPEN))).text == "fine"
    assert len(bench.notes("started")) == 2


async def test_a_child_killed_while_nobody_asked_is_replaced_unnoticed(bench: Bench) -> None:
    model = bench.model(answer=[" one"])
    await gather(model, complete("a = "))
    first = model.engine.pid
    assert first is not None
    child = psutil.Process(first)
    child.kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        while child.status() != psutil.STATUS_ZOMBIE:  # not awaited: the loop is not to see it yet
            time.sleep(0.001)
    answer = await gather(model, complete("b = "))
    assert answer.text == "one"
    assert model.engine.pid != first


async def test_a_child_that_keeps_dying_is_left_alone(bench: Bench) -> None:
    model = bench.model(die=True)
    for _ in range(3):
        with pytest.raises(ConnectionFailedError, match="ask again to restart it"):
            await gather(model, complete(OPEN))
    with pytest.raises(ConnectionFailedError, match="try again in"):
        await gather(model, complete(OPEN))
    assert len(bench.notes("started")) == 3


async def test_weights_that_do_not_load_are_named(bench: Bench) -> None:
    with pytest.raises(ModelNotFoundError, match=r"tiny\.gguf could not be loaded"):
        await gather(bench.model(load="fail"), complete(OPEN))


async def test_loading_goes_on_when_the_one_who_waited_gave_up(bench: Bench) -> None:
    model = bench.model(load="hang")
    waiting = asyncio.create_task(gather(model, complete(OPEN)))
    await until(lambda: bool(bench.notes("started")))
    waiting.cancel()
    await asyncio.wait([waiting])
    again = asyncio.create_task(gather(model, complete(OPEN)))
    await asyncio.wait([again], timeout=0.2)
    assert not again.done()
    assert len(bench.notes("started")) == 1
    again.cancel()
    await asyncio.wait([again])


async def test_an_idle_child_gives_its_memory_back(bench: Bench) -> None:
    model = bench.model(answer=["fine"], idle_seconds=0.05)
    await gather(model, complete(OPEN))
    await until(lambda: model.engine.pid is None)
    assert (await gather(model, complete(OPEN))).text == "fine", "and comes back when asked"
    assert len(bench.notes("started")) == 2


async def test_idle_ends_are_not_taken_for_crashes(bench: Bench) -> None:
    model = bench.model(answer=["fine"], idle_seconds=0.0)
    for _ in range(5):
        await gather(model, complete(OPEN))
        await until(lambda: model.engine.pid is None)


async def test_close_ends_the_child(bench: Bench) -> None:
    model = bench.model(answer=["\n"])
    await gather(model, complete(OPEN))
    child = psutil.Process(model.engine.pid)
    await model.close()
    assert not child.is_running()


async def test_close_ends_a_child_that_is_loading(bench: Bench) -> None:
    model = bench.model(load="hang")
    waiting = asyncio.create_task(gather(model, complete(OPEN)))
    await until(lambda: bool(bench.notes("started")))
    (started,) = bench.notes("started")
    await model.close()
    await asyncio.wait([waiting], timeout=5)
    assert waiting.done()
    assert not psutil.pid_exists(started["started"])


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
async def test_the_child_ends_when_its_parent_is_killed(bench: Bench) -> None:
    bench.plan(endless=True)
    script = f"""
        import asyncio, importlib.util
        from pathlib import Path
        importlib.util.find_spec = lambda name: object()
        from ensemble_lsp.providers.llamacpp.llamacpp_model import LlamaCppModel
        from ensemble_lsp.models.profiles import make_profile
        from ensemble_lsp.settings import ModelSettings
        from ensemble_lsp.types import Prompt
        async def main():
            s = ModelSettings(name="tiny", provider="llamacpp", model={str(bench.weights)!r})
            m = LlamaCppModel(s, make_profile(s), data_dir=Path({str(bench.folder)!r}),
                              command={COMMAND!r})
            async for _ in m.stream(Prompt("complete", "python", "a.py", prefix="a\\n")):
                pass
        asyncio.run(main())
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    try:
        await until(lambda: bool(bench.asked()))
        child = psutil.Process(bench.asked()[0]["pid"])
        parent.send_signal(signal.SIGKILL)
        await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    finally:
        parent.kill()
        parent.wait()


# Whether it can be asked


def settings(model: str) -> ModelSettings:
    return ModelSettings(name="tiny", provider="llamacpp", model=model)


def test_without_the_engine_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert 'pip install "ensemble-lsp[local]"' in (availability(settings(""), tmp_path) or "")


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
