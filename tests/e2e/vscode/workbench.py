"""The workbench in a browser, as a user sees it: files, keys, ghost text, menus."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Locator, Page, expect

from .code_server import REPOSITORY, CodeServer

T = TypeVar("T")

SHOTS = Path(os.environ.get("ENSEMBLE_E2E_SHOTS", REPOSITORY / "artifacts" / "vscode"))


def until(look: Callable[[], T], what: str, timeout: float = 30) -> T:
    """The first truthy value of ``look``: for states outside the browser."""
    deadline = time.monotonic() + timeout
    while not (value := look()):
        assert time.monotonic() < deadline, f"{what} did not come about in {timeout} s"
        time.sleep(0.05)
    return value


class Workbench:
    """One window of VS Code on one workspace."""

    def __init__(self, page: Page, server: CodeServer) -> None:
        self.page = page
        self.server = server
        self.name = ""
        self._count = 0
        page.set_default_timeout(60_000)

    # -- the window ----------------------------------------------------------------------------

    def goto(self, folder: Path | None = None) -> None:
        """Open the window; returns when the server has said that it is ready."""
        self.page.goto(f"{self.server.url}/?folder={folder or self.server.workspace}")
        self.page.locator(".monaco-workbench .explorer-viewlet").wait_for()

    @property
    def status(self) -> Locator:
        """The status bar item of ours."""
        return self.page.locator(".statusbar-item", has_text="Ensemble")

    def ready(self) -> None:
        """Wait until the server runs."""
        expect(self.status).not_to_contain_text("starting", timeout=60_000)
        said = self.status.first.get_attribute("aria-label")
        assert "Ensemble: off" not in self.status.first.inner_text(), said

    def shot(self, name: str, **options: Any) -> None:
        """Keep a picture, for people and as an artefact of CI."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", **options)

    def command(self, title: str) -> None:
        """Run a command from the palette."""
        self.page.keyboard.press("F1")
        box = self.page.locator(".quick-input-widget input")
        box.wait_for()
        box.fill(f">{title}")
        self.entry(title).click()

    def entry(self, text: str) -> Locator:
        """An entry of the open quick pick."""
        return self.page.locator(".quick-input-widget .monaco-list-row", has_text=text).first

    # -- files and the editor ------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The open file."""
        return self.server.workspace / self.name

    @property
    def editor(self) -> Locator:
        """The editor of the open file."""
        return self.page.locator(f'.editor-instance .monaco-editor[data-uri$="/{self.name}"]').first

    def open(self, text: str, suffix: str = ".py", name: str = "") -> Path:
        """Open a new file with that text, the cursor at its end."""
        self._count += 1
        self.name = name or f"case{self._count}{suffix}"
        self.path.write_text(text)
        self.page.get_by_role("treeitem", name=self.name, exact=True).dblclick()
        self.page.get_by_role("tab", name=self.name, selected=True).wait_for()
        self.ready()
        self.editor.locator(".view-lines").click()
        self.press("Control+End")
        return self.path

    def close(self) -> None:
        """Close all editors, without saving."""
        self.press("Control+k", "Control+w")
        button = self.page.locator(".dialog-buttons", has_text="Don't Save")
        tabs = self.page.locator(".tabs-container .tab")
        expect(button.or_(self.page.locator(".editor-group-watermark")).first).to_be_visible()
        if button.count():
            button.get_by_text("Don't Save").click()
        expect(tabs).to_have_count(0)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Type as a person does."""
        self.page.keyboard.type(text, delay=40)

    def save(self) -> str:
        """Save the file; what is on disk."""
        self.press("Control+s")
        self.page.locator(".tab.active:not(.dirty)").wait_for()
        return self.path.read_text()

    # -- ghost text ----------------------------------------------------------------------------

    @property
    def ghost(self) -> Locator:
        """All parts of the ghost text that is shown."""
        return self.editor.locator(
            ".ghost-text-decoration, .ghost-text, .ghost-text-decoration-preview"
        )

    def ghost_text(self) -> str:
        """Wait for ghost text; what it says."""
        self.ghost.first.wait_for()
        # The editor renders blanks as no-break spaces.
        return "".join(self.ghost.all_inner_texts()).replace("\u00a0", " ")

    def no_ghost(self) -> None:
        """Wait until there is none."""
        expect(self.ghost).to_have_count(0)

    # -- the history ---------------------------------------------------------------------------

    def outcomes(self, model: str) -> list[tuple[str, str, float]]:
        """Kind, source and share of every settled suggestion of a model, oldest first."""
        file = self.server.data / "history.sqlite3"
        if not file.exists():
            return []
        db = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)
        try:
            return db.execute(
                "SELECT o.kind, o.source, o.share FROM outcomes o JOIN suggestions s USING (n)"
                " WHERE s.models LIKE ? ORDER BY s.n",
                (f'%"{model}"%',),
            ).fetchall()
        except sqlite3.OperationalError:  # the server has not made its tables yet
            return []
        finally:
            db.close()

    def settled(self, model: str, kind: str) -> tuple[str, str, float]:
        """Wait until a suggestion of a model has that outcome."""
        return until(
            lambda: next((o for o in self.outcomes(model) if o[0] == kind), None),
            f"an outcome {kind!r} for {model} (there is {self.outcomes(model)})",
        )
