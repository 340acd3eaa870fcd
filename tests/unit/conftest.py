"""Fixtures of several files of unit tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import InProcess
from tests.support.command_line_user import CODE, provider

__all__ = ["provider"]  # a fixture


@pytest.fixture
def user(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> InProcess:
    """A user of the command line, with one file."""
    one = InProcess(tmp_path)
    one.capsys, one.monkeypatch = capsys, monkeypatch
    one.file("app.py", CODE)
    return one
