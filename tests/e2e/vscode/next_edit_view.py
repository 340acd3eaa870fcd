"""The next edit as VS Code draws it: decorations, whose texts are CSS and not in the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.support.waiting import wait_until

from .workbench import Workbench

_READ = """editor => {
    const drawn = {removed: [], attached: []};
    for (const span of editor.querySelectorAll('.view-line span[class*="ced-"]')) {
        if (getComputedStyle(span).textDecorationLine === 'line-through')
            drawn.removed.push(span.textContent);
        for (const side of ['::before', '::after']) {
            const {content} = getComputedStyle(span, side);
            if (content.startsWith('"')) drawn.attached.push(JSON.parse(content));
        }
    }
    return drawn;
}"""
ASKED_AGAIN_SECONDS = 5


class NextEditView:
    """What a user sees of the next edit in a window."""

    def __init__(self, vscode: Workbench) -> None:
        self.vscode = vscode

    def _read(self) -> tuple[str, list[str]]:
        """Return the removed text, and the texts that are drawn between the others."""
        drawn = self.vscode.editor.evaluate(_READ)
        clean = [text.replace("\u00a0", " ") for text in drawn["attached"]]
        return "".join(drawn["removed"]).replace("\u00a0", " "), clean

    @property
    def removed(self) -> str:
        """The text that is struck out."""
        return self._read()[0]

    @property
    def added(self) -> list[str]:
        """The texts that are drawn as added, in the order of the lines."""
        return [text for text in self._read()[1] if not _is_hint(text)]

    @property
    def hint(self) -> str:
        """The text at the cursor that says what Tab does."""
        return next((text.strip() for text in self._read()[1] if _is_hint(text)), "")

    def offered(self, hint: str) -> None:
        """Wait until the hint is shown.

        On a busy machine the search for the edit may end before it has found it, so the cursor moves
        away and back, which asks again.
        """
        for _ in range(8):
            try:
                self._until(lambda: self.hint == hint, hint, ASKED_AGAIN_SECONDS)
            except AssertionError:
                self.vscode.press("ArrowDown", "ArrowUp")
            else:
                return
        raise AssertionError(f"the hint is {self.hint!r}, not {hint!r}")

    def gone(self) -> None:
        """Wait until no edit is drawn."""
        self._until(lambda: self._read() == ("", []), "nothing drawn", 20)

    def _until(self, holds: Callable[[], Any], wanted: str, seconds: float) -> None:
        wait_until(holds, lambda: f"{wanted!r} (there is {self._read()})", seconds)


def _is_hint(text: str) -> bool:
    return re.match(r"\s*Tab: ", text) is not None


def answer(change: Callable[[str], str]) -> Callable[[dict[str, Any]], str]:
    """Reply to a request for a next edit with the changed region, and to any other with nothing."""

    def reply(body: dict[str, Any]) -> str:
        text = "\n".join(str(message["content"]) for message in body["messages"])
        regions = re.findall(r"<region>\n(.*?)\n</region>", text, re.DOTALL)
        if not regions:
            return ""
        region = regions[-1].replace("<|cursor|>", "")
        changed = change(region)
        return f"```\n{changed}\n```" if changed != region else "NO_CHANGE"

    return reply
