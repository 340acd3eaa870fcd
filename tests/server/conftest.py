"""The installed server over stdio, with providers on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.lsp_client import LspClient, running_server
from tests.support.providers import LoopbackProvider, running


def toml(value: Any) -> str:
    """A plain value in TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return json.dumps(value)


class Home:
    """One user's folders: a config, a data folder, a workspace."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.workspace = path / "workspace"
        self.workspace.mkdir()
        self.models: list[dict[str, Any]] = []
        # A crowded machine may take seconds to import an SDK: only tests of the budget keep to it.
        self.tables: dict[str, dict[str, Any]] = {
            "complete": {"budgetMs": 10000},
            "explain": {"hoverWaitMs": 10000},
        }
        self.env: dict[str, str] = {}

    def model(self, name: str, base_url: str, **more: Any) -> None:
        """Configure an OpenAI-compatible model on loopback."""
        self.models.append(
            {"name": name, "provider": "openai", "model": name, "baseUrl": base_url, **more}
        )

    def write(self) -> None:
        """Write the config file."""
        lines: list[str] = []
        for model in self.models:
            lines += ["[[models]]", *(f"{k} = {toml(v)}" for k, v in model.items()), ""]
        for table, values in self.tables.items():
            lines += [f"[{table}]", *(f"{k} = {toml(v)}" for k, v in values.items()), ""]
        (self.path / "config.toml").write_text("\n".join(lines))

    def log(self) -> str:
        """What the server wrote to standard error."""
        return (self.path / "server.log").read_text()

    @contextlib.asynccontextmanager
    async def server(
        self, editor: str = "neovim", *, initialize: bool = True, **more: Any
    ) -> AsyncIterator[LspClient]:
        """A running server, initialized with the workspace."""
        self.write()
        async with running_server(self.path, editor, env=self.env) as client:
            if initialize:
                await client.initialize(self.workspace, **more)
            yield client


def cli(home: Home, *arguments: str, data: str = "data") -> subprocess.CompletedProcess[str]:
    """Run a subcommand as a user does."""
    home.write()
    folders = ["--config", str(home.path / "config.toml"), "--data-dir", str(home.path / data)]
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | home.env
    command = [sys.executable, "-m", "ensemble_lsp", *arguments, *folders]
    return subprocess.run(
        command, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL, timeout=90,
        cwd=home.path, check=False,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A user with nothing configured."""
    return Home(tmp_path)


@pytest.fixture(params=["neovim", "vscode"])
def editor(request: pytest.FixtureRequest) -> str:
    """The capabilities of each editor in turn."""
    return str(request.param)


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    """A provider that answers ``answer`` unless told otherwise."""
    with running(LoopbackProvider(reply="answer")) as one:
        yield one


@pytest.fixture
def uri(home: Home) -> str:
    """A Python file in the workspace."""
    return (home.workspace / "app.py").as_uri()
