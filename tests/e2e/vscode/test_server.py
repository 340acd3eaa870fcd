"""The server's own life in a real VS Code: a program that is none, keys, workspaces not trusted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.providers import LoopbackProvider

from .conftest import models
from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CODE = "def area(width, height):\n    "
KEY = "sk-for-this-test-only"


@pytest.fixture
def machine(vscode: Workbench, providers: dict[str, LoopbackProvider]) -> Iterator[Workbench]:
    """Settings of the machine are put back."""
    yield vscode
    vscode.server.machine({"ensemble.models": models(providers)})


def test_a_program_that_is_none_is_told_and_the_next_one_works(
    machine: Workbench, providers: dict[str, LoopbackProvider]
) -> None:
    settings = {"ensemble.models": models(providers)}
    machine.server.machine({**settings, "ensemble.server.path": "/no/such/program"})
    expect(machine.status).to_contain_text("off")
    machine.notification("/no/such/program did not start").wait_for()
    machine.shot("off")
    machine.server.machine(settings)
    expect(machine.status).not_to_contain_text("off")
    machine.ready()
