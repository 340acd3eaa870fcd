"""One code-server, one browser and scripted providers on loopback, for all scenarios in VS Code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.providers import LoopbackProvider, running

from .code_server import CodeServer, chromium, install, package

pytest.importorskip("playwright", reason='pip install -e ".[e2e]"')

NAMES = ("alpha", "beta", "gamma")


def model(name: str, provider: LoopbackProvider, **more: Any) -> dict[str, Any]:
    """A model's settings: an OpenAI-compatible service on loopback."""
    settings = {"name": name, "provider": "openai", "model": name, "baseUrl": provider.base_url}
    return settings | more


def models(providers: dict[str, LoopbackProvider]) -> list[dict[str, Any]]:
    """One model for every task and two more that generate, so that each test knows who is asked."""
    alpha, *others = providers.items()
    return [model(*alpha), *(model(*other, tasks=["generate"]) for other in others)]


def machine_settings(providers: dict[str, LoopbackProvider]) -> dict[str, Any]:
    """Settings under which every model is waited for, even on a busy machine."""
    return {
        "ensemble.models": models(providers),
        "ensemble.complete.budgetMs": 20000,
        "ensemble.nextEdit.eagerness": "high",  # whatever the model's record in other tests is
        "ensemble.ensemble.rule": "seed",  # "weighted" stops as soon as the result is decided
    }


@pytest.fixture(scope="package")
def providers() -> Iterator[dict[str, LoopbackProvider]]:
    """Three services; each test sets their replies."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(running(LoopbackProvider(""))) for name in NAMES}


@pytest.fixture(scope="package")
def vsix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged extension."""
    return package(tmp_path_factory.mktemp("vsix"))


@pytest.fixture(scope="package")
def code_server(
    tmp_path_factory: pytest.TempPathFactory, vsix: Path, providers: dict[str, LoopbackProvider]
) -> Iterator[CodeServer]:
    """VS Code with the packaged extension and three models."""
    server = CodeServer(install(), vsix, tmp_path_factory.mktemp("vscode"))
    server.settings()
    server.machine(machine_settings(providers))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def page(code_server: CodeServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A tab of a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("chromium"),
            executable_path=chromium(),
            headless=True,
            viewport={"width": 1280, "height": 800},
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser.pages[0]
        browser.close()


@pytest.fixture(scope="package")
def window(page: Any, code_server: CodeServer) -> Any:
    """The window, opened once."""
    from playwright.sync_api import expect

    from .workbench import Workbench

    expect.set_options(timeout=20_000)
    workbench = Workbench(page, code_server)
    workbench.goto()
    workbench.ready()
    return workbench


@pytest.fixture(autouse=True)
def silent(providers: dict[str, LoopbackProvider]) -> None:
    """No provider keeps the reply, the delay or the fault of the test before."""
    for provider in providers.values():
        provider.reply, provider.delay_first, provider.delay_chunk = "", 0.0, 0.0
        provider.fault, provider.keys = None, []


@pytest.fixture
def vscode(window: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The window without editors; its last state is kept as a screenshot."""
    window.mark()
    yield window
    window.show_notifications()
    window.shot(f"end-{request.node.name.removeprefix('test_')}")
    window.command("Notifications: Clear All Notifications")
    window.close()


@pytest.fixture
def alpha(providers: dict[str, LoopbackProvider]) -> LoopbackProvider:
    """The first of the models."""
    return providers["alpha"]


@pytest.fixture
def workspace(code_server: CodeServer) -> Path:
    """The opened folder."""
    return code_server.workspace
