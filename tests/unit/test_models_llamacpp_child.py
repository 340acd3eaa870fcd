"""The embedded model's child: its start, its environment, its crashes and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from ensemble_lsp.errors import ConnectionFailedError, ModelNotFoundError
from ensemble_lsp.models.stream_collector import gather
from tests.support.llamacpp_bench import COMMAND, OPEN, Bench, bench
from tests.support.scripted import completion_prompt as complete
from tests.support.waiting import until

__all__ = ["bench"]  # a fixture


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
