"""Fixtures of several files of unit tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import InProcess
from tests.support.providers import LoopbackProvider, running


@pytest.fixture
def user(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> InProcess:
    """A user of the command line, with one file."""
    one = InProcess(tmp_path)
    one.capsys, one.monkeypatch = capsys, monkeypatch
    one.file("app.py", "def add(a, b):\n    \n")
    return one


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    """A provider that completes that file."""
    with running(LoopbackProvider("return a + b")) as one:
        yield one
