"""The isolations that a test of the sandbox runs under: bubblewrap's where it works, and our own."""

from __future__ import annotations

import asyncio
import time

import pytest

from ensemble_lsp.sandbox import bubblewrap
from ensemble_lsp.sandbox.check_results import CheckResults, ExampleCheck
from ensemble_lsp.sandbox.example_runner import ExampleLimits, ExampleRunner

GOOD = "def f():\n    return 3\n"


@pytest.fixture(params=["bubblewrap", "own"])
def isolation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each isolation in turn."""
    if request.param == "own":

        async def none() -> str:
            return ""

        monkeypatch.setattr(bubblewrap, "usable", none)
    elif not asyncio.run(bubblewrap.usable()):
        pytest.skip("bubblewrap is not installed or does not work here")
    return str(request.param)


async def run_beside_good(code: str, seconds: float) -> tuple[ExampleRunner, CheckResults | None]:
    """Run code beside a good answer, which must pass within ``seconds``; the runner and the code's result."""
    limits = ExampleLimits(seconds=2.0, check_seconds=1.0)
    runner = ExampleRunner([[ExampleCheck("equal", "f()", "3")]], lambda text: text, limits)
    start = time.monotonic()
    result, good = await asyncio.gather(runner(code), runner(GOOD))
    assert time.monotonic() - start < seconds
    assert good == CheckResults(1, 1, ("3",)) and not runner.unavailable
    return runner, result
