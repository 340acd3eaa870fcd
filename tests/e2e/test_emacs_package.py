"""The Emacs package in a real Emacs: ghost text, its parts, the next edit, and their outcomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.emacs import outcomes, require_eglot, run, snippets
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

GHOST = """
(defun ghost ()
  "The ghost text on the screen."
  (when ensemble-lsp--ghost
    (let ((overlay (car (ensemble-lsp--shown-overlays ensemble-lsp--ghost))))
      (substring-no-properties
       (or (overlay-get overlay 'after-string) (overlay-get overlay 'display))))))
(open-and-connect)
(note 'mode ensemble-lsp-mode)
"""


def session(emacs: Path, home: Home, script: str, code: str = CODE) -> dict[str, object]:
    require_eglot(emacs)
    file = home.workspace / "app.py"
    file.write_text(code)
    setup = snippets("docs/editors/emacs.md")[0]
    return run(emacs, home, file, f"{setup}\n{GHOST}\n{script}")


@pytest.fixture
def home(home: Home, provider: LoopbackProvider) -> Home:
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"budgetMs": 20000}
    home.tables["nextEdit"] = {"debounceMs": 0}
    return home


def test_the_whole_suggestion_is_accepted_by_tab(emacs: Path, home: Home) -> None:
    noted = session(
        emacs,
        home,
        """
        (keys "w")
        (await "ghost text" #'ghost)
        (note 'shown (ghost))
        (note 'buffer (buffer-string))
        (keys "TAB")
        (note 'accepted (buffer-string))
        (note 'left (ghost))
        (undo-boundary)
        (keys "C-/")
        (note 'undone (buffer-string))
        """,
    )
    assert noted["mode"] is True
    assert noted["shown"] == "idth * height"
    assert noted["buffer"] == CODE + "w"
    assert noted["accepted"] == CODE + "width * height"
    assert noted["left"] is None
    assert noted["undone"] == CODE + "w"
    assert "accepted" in outcomes(home, "complete")
