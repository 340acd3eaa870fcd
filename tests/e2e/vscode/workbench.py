"""The workbench in a browser, as a user sees it: files, keys, ghost text, menus."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import FrameLocator, Locator, Page, TimeoutError, expect

from tests.support.waiting import wait_until

from .code_server import REPOSITORY, CodeServer

T = TypeVar("T")
Outcome = tuple[set[str], str, str, float]

SHOTS = Path(os.environ.get("ENSEMBLE_E2E_SHOTS", REPOSITORY / "artifacts" / "vscode"))


class Workbench:
    """One window of VS Code on one workspace."""

    def __init__(self, page: Page, server: CodeServer) -> None:
        self.page = page
        self.server = server
        self.name = ""
        self._count = 0
        self._since = 0
        page.set_default_timeout(60_000)

    # -- the window ----------------------------------------------------------------------------

    def goto(self, folder: Path | None = None) -> None:
        """Open the window and wait for the explorer."""
        self.page.goto(f"{self.server.url}/?folder={folder or self.server.workspace}")
        explorer = self.page.locator(".monaco-workbench .explorer-viewlet")
        try:
            explorer.wait_for(timeout=20_000)
        except TimeoutError:
            # VS Code saved its layout while a scenario had hidden the explorer.
            self.press("Control+Shift+E")
            explorer.wait_for()

    @property
    def status(self) -> Locator:
        """The extension's status bar item."""
        return self.page.locator('[id="ensemble-lsp.ensemble-lsp.ensemble.status"]')

    def ready(self) -> None:
        """Wait until the server runs."""
        expect(self.status).not_to_contain_text("starting", timeout=60_000)
        label = self.status.first.get_attribute("aria-label")
        assert "Ensemble: stopped" not in self.status.first.inner_text(), label

    def restart(self) -> None:
        """Restart the server, which forgets pins, the snooze and paused models."""
        self.command("Ensemble: Restart Server")
        expect(self.status).to_contain_text("starting")
        self.ready()

    def shot(self, name: str, **options: Any) -> None:
        """Write a screenshot, for people and as an artefact of CI."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", **options)

    def shots(self, name: str) -> None:
        """Write two screenshots: in the light theme, which is the usual one here, and in the dark one."""
        self.shot(f"{name}-light")
        self.page.emulate_media(color_scheme="dark")
        self.page.locator(".monaco-workbench.vs-dark").wait_for(timeout=20_000)
        self.shot(f"{name}-dark")
        self.page.emulate_media(color_scheme="light")
        self.page.locator(".monaco-workbench.vs").wait_for(timeout=20_000)

    def show_notifications(self) -> None:
        """Open the list of notifications, for the screenshot."""
        self.page.locator('[id="status.notifications"]').click()

    def command(self, title: str) -> None:
        """Run a command from the palette."""
        box = self.page.locator(".quick-input-widget input")
        for last in (False, False, True):
            self.page.keyboard.press("F1")
            try:
                box.fill(f">{title}", timeout=20_000)
                break
            except TimeoutError:  # the window took the focus away, and the palette with it
                if last:
                    raise
        self.entry(title).click()
        self.page.mouse.move(640, 700)  # away from everything with a tooltip

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
        # The explorer draws only the thirty files in view.
        for old in self.server.workspace.glob("case*"):
            if int("".join(filter(str.isdigit, old.stem))) < self._count - 10:
                old.unlink()
        self.name = name or f"case{self._count}{suffix}"
        self.path.write_text(text)
        self.look(self.name)
        return self.path

    def look(self, name: str) -> None:
        """Open a file of the explorer, the cursor at its end."""
        self.name = name
        tab = self.page.get_by_role("tab", name=name, selected=True)
        for last in (False, False, True):
            self.page.get_by_role("treeitem", name=name, exact=True).dblclick()
            try:
                tab.wait_for(timeout=20_000)
                break
            except TimeoutError:  # the list moved under the mouse
                if last:
                    raise
        self.ready()
        self.focus()

    def focus(self) -> None:
        """Into the editor, to the end of the file."""
        self.editor.locator(".view-lines").click()
        self.press("Control+End")

    def close(self) -> None:
        """Close all editors, without saving."""
        tabs = self.page.locator(".editor-group-container .tab")
        discard = self.page.locator(".monaco-dialog-box").get_by_role("button", name="Don't Save")
        empty = self.page.locator(".editor-group-container.empty")
        for _ in range(3):  # a busy window may lose a key
            if not tabs.count():
                return
            self.press("Escape", "Control+k", "Control+w")
            with suppress(TimeoutError):
                discard.or_(empty).wait_for(timeout=20_000)
            if discard.count():
                discard.click()
                with suppress(TimeoutError):
                    empty.wait_for(timeout=20_000)
        expect(tabs).to_have_count(0)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Type as a person does."""
        self.page.keyboard.type(text, delay=40)

    def save(self) -> str:
        """Save the file and return its text on disk."""
        self.press("Control+s")
        # By its name, because a panel beside the editor is an active tab too.
        tab = self.page.locator(f'.tab[data-resource-name="{self.path.name}"]:not(.dirty)')
        tab.first.wait_for()
        # A file without changes is written again, and is empty for a moment.
        return wait_until(self.path.read_text, "the saved file to have a text", 10)

    # -- ghost text ----------------------------------------------------------------------------

    @property
    def ghost(self) -> Locator:
        """All parts of the ghost text that is shown."""
        return self.editor.locator(
            ".ghost-text-decoration, .ghost-text, .ghost-text-decoration-preview"
        )

    def ghosts(self, text: str) -> None:
        """Wait until exactly this ghost text is shown."""

        def shown() -> str:
            # The editor renders blanks as no-break spaces.
            return "".join(self.ghost.all_inner_texts()).replace("\u00a0", " ")

        wait_until(
            lambda: shown() == text, lambda: f"the ghost text {text!r} (there is {shown()!r})", 60
        )

    def no_ghost(self) -> None:
        """Wait until no ghost text is shown."""
        expect(self.ghost).to_have_count(0)

    # -- other views ---------------------------------------------------------------------------

    def notification(self, text: str) -> Locator:
        """A notification with this text."""
        return self.page.locator(".notification-list-item", has_text=text)

    def webview(self, text: str) -> FrameLocator:
        """Wait for a text in a webview and return its page."""
        outer = self.page.locator("iframe.webview.ready").last
        inner = outer.content_frame.locator("iframe#active-frame").content_frame
        inner.get_by_text(text).first.wait_for()
        return inner

    def code_action(self, title: str) -> Locator:
        """Open the code actions at the cursor and return the entry with this title.

        VS Code requests code actions by itself shortly after a cursor move. That cancels a Ctrl+. that is
        still waiting, so the menu does not open and the key is pressed again.
        """
        action = self.page.locator(".action-widget .action", has_text=title)
        for _ in range(4):
            self.press("Control+.")
            try:
                action.first.wait_for(timeout=4000)
                return action.first
            except TimeoutError:
                self.press("Escape")
        raise AssertionError(f"there is no code action {title!r}")

    def pick(self, text: str) -> None:
        """Choose an entry of the open quick pick by the mouse."""
        self.entry(text).click()

    def answer(self, title: str, text: str) -> None:
        """Fill the input box of that title and confirm it."""
        widget = self.page.locator(".quick-input-widget:visible", has_text=title)
        widget.wait_for()
        widget.locator("input").fill(text)
        self.press("Enter")

    # -- the history ---------------------------------------------------------------------------

    def mark(self) -> None:
        """Ignore all suggestions up to now."""
        rows = self._ask("SELECT coalesce(max(n), 0) FROM suggestions")
        self._since = rows[0][0] if rows else 0

    def outcomes(self, task: str = "complete") -> list[Outcome]:
        """Return models, kind, source and share of every outcome, oldest first."""
        rows = self._ask(
            "SELECT s.models, o.kind, o.source, o.share FROM outcomes o JOIN suggestions s USING (n)"
            " WHERE s.task = ? AND n > ? ORDER BY n",
            task,
            self._since,
        )
        return [(set(json.loads(models)), *rest) for models, *rest in rows]

    def settled(self, kind: str, task: str = "complete") -> Outcome:
        """Wait until a suggestion has this outcome."""
        return wait_until(
            lambda: next((o for o in self.outcomes(task) if o[1] == kind), None),
            lambda: f"an outcome {kind!r} (there is {self.outcomes(task)})",
        )

    def _ask(self, question: str, *values: object) -> list[Any]:
        file = self.server.data / "history.sqlite3"
        if not file.exists():
            return []
        db = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)
        try:
            return db.execute(question, values).fetchall()
        except sqlite3.OperationalError:  # the server has not made its tables yet
            return []
        finally:
            db.close()
