"""A user of the installed program with one file, and a provider that completes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import User
from tests.support.providers import LoopbackProvider, running

CODE = "def add(a, b):\n    \n"


@pytest.fixture
def user(tmp_path: Path) -> User:
    """A user of the command line, with one file."""
    one = User(tmp_path)
    one.file("app.py", CODE)
    return one


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    """A provider that completes that file."""
    with running(LoopbackProvider("return a + b")) as one:
        yield one
