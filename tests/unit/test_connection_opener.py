"""Which models have a connection open, and when: the likely ones, while completions may be asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from ensemble_lsp.app import AppContext, open_app
from ensemble_lsp.app.connection_opener import ConnectionOpener
from ensemble_lsp.registry.model_registry import Registry
from ensemble_lsp.types import Document, Position, Task

CONFIG = """
[[models]]
name = "own"
provider = "recall"
[[models]]
name = "one"
provider = "openai"
model = "gpt-4.1"
[[models]]
name = "two"
provider = "openai"
model = "gpt-4.1-mini"
[[models]]
name = "three"
provider = "openai"
model = "gpt-4.1-nano"
[[models]]
name = "keyless"
provider = "anthropic"
model = "claude-sonnet-4-5"
"""


class Clock:
    def __init__(self) -> None:
        self.time = 1e9

    def __call__(self) -> float:
        return self.time


class Opened:
    """The models that were to have a connection open, one list for each sign."""

    def __init__(self) -> None:
        self.names: list[list[str]] = []

    def expect(self, _: Registry, names: Iterable[str], task: Task) -> None:
        assert task == "complete"
        self.names.append(list(names))


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppContext]:
    (tmp_path / "config.toml").write_text(CONFIG)
    app = await open_app(
        config_path=tmp_path / "config.toml",
        data_dir=tmp_path / "data",
        env={"OPENAI_API_KEY": "sk-0123456789"},
    )
    yield app
    await app.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    found = Opened()
    monkeypatch.setattr(Registry, "expect_request", lambda *given: found.expect(*given))
    return found


async def document(app: AppContext, path: Path, language: str = "python") -> Document:
    made = Document.from_text(path.as_uri(), 1, language, "x = 1\n")
    await app.workspace.context.prepare(made)
    return made


async def test_an_opened_document_connects_the_first_paid_models_that_can_be_asked(
    app: AppContext, opened: Opened, tmp_path: Path
) -> None:
    ConnectionOpener(lambda: app).opened(await document(app, tmp_path / "a.py"))
    assert opened.names == [["one", "two"]]


async def test_the_latest_choice_and_the_pin_say_which(
    app: AppContext, opened: Opened, tmp_path: Path
) -> None:
    shown = await document(app, tmp_path / "a.py")
    app.activity.asked["complete"] = ["three", "own", "one", "two"]
    ConnectionOpener(lambda: app).opened(shown)
    ConnectionOpener(lambda: app.with_pin("complete", "two")).opened(shown)
    ConnectionOpener(lambda: app.with_pin("complete", "own")).opened(shown)
    assert opened.names == [["three", "one"], ["two"], []]


async def test_a_request_is_remembered_as_the_latest_choice(
    app: AppContext, tmp_path: Path
) -> None:
    app.decide("complete", await document(app, tmp_path / "a.py"), Position(0, 0))
    assert set(app.activity.asked["complete"]) == {"own", "one", "two", "three"}


async def test_keystrokes_count_once_a_second(
    app: AppContext, opened: Opened, tmp_path: Path
) -> None:
    shown, clock = await document(app, tmp_path / "a.py"), Clock()
    opener = ConnectionOpener(lambda: app, clock)
    for _ in range(25):
        opener.changed(shown, shown, [])
        clock.time += 0.1
    assert len(opened.names) == 3
    clock.time -= 7_200  # the clock was set back
    opener.changed(shown, shown, [])
    assert len(opened.names) == 4


async def test_no_connection_while_completions_are_snoozed(
    app: AppContext, opened: Opened, tmp_path: Path
) -> None:
    shown = await document(app, tmp_path / "a.py")
    app.activity.snooze.start()
    ConnectionOpener(lambda: app).opened(shown)
    app.activity.snooze.start(0)
    assert opened.names == []
    ConnectionOpener(lambda: app).opened(shown)
    assert opened.names == [["one", "two"]]


@pytest.mark.parametrize("name", [".env", "id_rsa", "server.pem"])
async def test_no_connection_for_a_file_that_no_remote_model_may_see(
    app: AppContext, opened: Opened, tmp_path: Path, name: str
) -> None:
    ConnectionOpener(lambda: app).opened(await document(app, tmp_path / name))
    assert opened.names == []
