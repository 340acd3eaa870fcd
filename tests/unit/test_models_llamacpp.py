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
from dataclasses import replace
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
from ensemble_lsp.models.profiles import fim_template, make_profile
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wrappers import ConcurrencyLimit, Scheduler
from ensemble_lsp.providers.llamacpp.llamacpp_model import LlamaCppModel, availability
from ensemble_lsp.providers.llamacpp.local_prompts import (
    Confidence,
    Healed,
    PromptWindow,
    completion_text,
    heal,
)
from ensemble_lsp.providers.llamacpp.server_process import threads_for_this_machine
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Prompt, Snippet
from tests.support import fake_llama
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


def complete(prefix: str, suffix: str = "", **more: Any) -> Prompt:
    return Prompt("complete", "python", "a.py", prefix=prefix, suffix=suffix, **more)


# What the model is shown


@pytest.mark.parametrize(
    ("text", "kept", "forced"),
    [
        ("    ret", "   ", " ret"),
        ("x = ", "x =", " "),
        ("self.app", "self", ".app"),
        ("call(ar", "call", "(ar"),
        ("my_long_na", "my_long", "_na"),
        ("    def __ini", "    def __", "ini"),
        ("    def __", "    def __", ""),
        ("self._na", "self._", "na"),
        ("x = (a", "x = (", "a"),
        ("x = (", "x =", " ("),
        ("print(", "print", "("),
        ("print((", "print((", ""),
        ("line\n", "line", "\n"),
        ("line\r\n\n", "line", "\n\n"),
        ("line\nfo", "line\n", "fo"),
        ("", "", ""),
        ("größ", "", "größ"),
        ("\tif", "", "\tif"),
    ],
)
def test_healing_takes_the_half_typed_word_off(text: str, kept: str, forced: str) -> None:
    healed = heal(text)
    assert (healed.text, healed.forced) == (kept, forced)


def test_the_grammar_escapes_what_gbnf_would_read_otherwise() -> None:
    assert heal('x"').grammar == 'root ::= "\\"" [^\\x00]*'
    assert heal("x\\n").grammar == 'root ::= "\\\\n" [^\\x00]*'
    assert heal("\tif").grammar == 'root ::= "\\tif" [^\\x00]*'
    assert heal("x\u200b").grammar == 'root ::= "\\U0000200B" [^\\x00]*'
    assert heal("x\n").grammar == 'root ::= "\\U0000000A" [^\\x00]*'
    assert heal("x()=").grammar == ""


def test_filling_in_the_middle_ends_with_what_stands_on_the_cursors_line() -> None:
    template = fim_template("qwen-coder")
    first = completion_text(complete("a = 1\nb = fo", "\nc = 3\n"), template)
    second = completion_text(complete("a = 1\nb = foo(", "\nc = 3\n"), template)
    start = "<|fim_prefix|>a = 1\n<|fim_suffix|>\nc = 3\n<|fim_middle|>"
    assert (first.text, first.forced) == (f"{start}b =", " fo")
    assert second.text.startswith(start), "typing on a line leaves the beginning as it was"


def typed_prompt(window: PromptWindow, prefix: str, suffix: str, **more: Any) -> Healed:
    """The raw text of a request, as the adapter makes it."""
    shown = window.fit(complete(prefix, suffix, **more))
    return completion_text(shown, fim_template("qwen-coder"), window.hole(shown))


def test_typing_new_lines_leaves_the_text_below_where_it_was_read() -> None:
    window, below = PromptWindow(), "\nend = 3\n"
    first = typed_prompt(window, "a = 1\nb = (", below)
    after = "a = 1\nb = (\n    x,\n    y"
    second = typed_prompt(window, after, below)
    start = "<|fim_prefix|>a = 1\n<|fim_suffix|>\nend = 3\n<|fim_middle|>"
    assert first.text + first.forced == f"{start}b = ("
    assert second.text.startswith(first.text), "only what was typed is read"
    assert second.text + second.forced == f"{start}b = (\n    x,\n    y"


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        ("a = 1\n", "\nb = (1)\nend = 3\n"),  # above the hole
        ("a = 2\nb = (", "\nend = 3\n"),  # the text above changed
        ("a = 1\nb = (1)\nc = ", "\nend = 4\n"),  # the text below changed
        ("a = 1\nb = (1)\n" + "c = 3\n" * 40, "\nend = 3\n"),  # far below
    ],
)
def test_the_hole_begins_anew_where_the_last_one_is_not_continued(prefix: str, suffix: str) -> None:
    window = PromptWindow()
    typed_prompt(window, "a = 1\nb = (", "\nend = 3\n")
    found = typed_prompt(window, prefix, suffix)
    fresh = completion_text(complete(prefix, suffix), fim_template("qwen-coder"))
    assert found == fresh


def test_back_in_a_file_its_prompt_is_the_one_that_was_read() -> None:
    window = PromptWindow()
    lines = "".join(f"line_{number} = {number}\n" for number in range(1000))
    first = typed_prompt(window, lines, "\nend\n")
    other = replace(complete("other = 1\n" * 400, "\n"), path="other.py")
    window.hole(window.fit(other))
    again = typed_prompt(window, lines + "more = 1\nx", "\nend\n")
    assert again.text.startswith(first.text.rstrip())


def test_a_new_reading_speed_does_not_move_the_end_of_the_text_below() -> None:
    window = PromptWindow()
    below = "".join(f"\nline_{number} = {number}" for number in range(300))
    first = window.fit(complete("x = ", below))
    window.hole(first)
    window.learn(200, 260.0)
    assert window.fit(complete("x = 1", below)).suffix == first.suffix


def test_control_tokens_in_the_users_line_are_broken_up() -> None:
    healed = completion_text(complete("x = '<|fim_suffix|>' +"), fim_template("qwen-coder"))
    assert healed.text.count("<|fim_suffix|>") == 1


def test_without_its_tokens_a_model_continues_the_prefix() -> None:
    healed = completion_text(complete("def f(x):\n    ret", "\n# end"), None)
    assert (healed.text, healed.forced) == ("def f(x):\n   ", " ret")


def test_the_window_keeps_its_beginning_while_one_types_on() -> None:
    window = PromptWindow()
    lines = "".join(f"line_{number} = {number}\n" for number in range(1000))
    first = window.fit(complete(lines)).prefix
    second = window.fit(complete(lines + "more = 1\n" * 20)).prefix
    assert len(first) < window.characters
    assert first.startswith("line_")
    assert second.startswith(first)


def test_the_window_moves_on_when_the_cursor_is_far_from_it() -> None:
    window = PromptWindow()
    lines = "".join(f"line_{number} = {number}\n" for number in range(1000))
    first = window.fit(complete(lines)).prefix
    far = window.fit(complete(lines + "".join(f"far_{n} = {n}\n" for n in range(1000)))).prefix
    assert not far.startswith(first[:50])
    assert len(far) <= window.characters


def test_a_slow_machine_is_shown_less_and_a_fast_one_related_files_too() -> None:
    slow, fast = PromptWindow(), PromptWindow()
    slow.learn(200, 50.0)
    fast.learn(200, 2000.0)
    assert slow.characters < PromptWindow().characters < fast.characters
    prompt = complete("x", related=(Snippet("b.py", "y = 1"),))
    assert slow.fit(prompt).related == ()
    assert fast.fit(prompt).related == prompt.related


def test_a_prompt_that_was_known_already_says_nothing_about_speed() -> None:
    window = PromptWindow()
    window.learn(1, 3.0)
    assert window.characters == PromptWindow().characters


def test_confidence_is_that_of_the_models_own_tokens() -> None:
    sure = {"token": "return", "logprob": math.log(0.2)}
    other = {"token": "retry", "logprob": math.log(0.2)}
    confidence = Confidence("ret")
    confidence.add([{**sure, "top_logprobs": [sure, other, {"token": "x", "logprob": -0.1}]}])
    assert confidence.value == pytest.approx(0.5), "half of what fits the forced word"
    confidence.add([{"token": " x", "logprob": math.log(0.5), "top_logprobs": []}])
    assert confidence.value == pytest.approx(0.5)


def test_tokens_of_the_forced_word_alone_do_not_count() -> None:
    confidence = Confidence(" ret")
    confidence.add([{"token": " re", "logprob": -9.0}, {"token": "t", "logprob": -9.0}])
    assert confidence.value is None
    confidence.add([{"token": "urn", "logprob": math.log(0.9)}])
    assert confidence.value == pytest.approx(0.9)


def test_writing_leaves_a_core_to_others_where_there_are_two() -> None:
    write, read = threads_for_this_machine()
    assert 1 <= write <= read <= 4
    assert write < read or read in (1, 4)


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
