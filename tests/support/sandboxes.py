"""The isolations that a test of the sandbox runs under: bubblewrap's where it works, and our own."""

from __future__ import annotations

import asyncio

import pytest

from ensemble_lsp.sandbox import bubblewrap


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
