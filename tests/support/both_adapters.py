"""Fixtures of tests that run each case over every wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ensemble_lsp.types import Prompt
from tests.support.adapters import APIS
from tests.support.providers import LoopbackProvider

COMPLETE = Prompt("complete", "python", "a.py", prefix="def f(a, b):\n    ", suffix="\n")
EXPLAIN = Prompt("explain", "python", "a.py", selection="x = 1")
REPLY = "return a + b  # the sum\n"


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    """Each wire format in turn."""
    return str(request.param)


@pytest.fixture
async def provider() -> AsyncIterator[LoopbackProvider]:
    """A provider that answers ``REPLY``."""
    async with LoopbackProvider(REPLY) as server:
        yield server
