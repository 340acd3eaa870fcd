"""Emacs' own client, eglot, with the lines of the README: completion, eldoc, code actions, outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.emacs import outcomes, require_eglot, run, snippets
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

COMPLETION = """
(open-and-connect)
(let* ((found (run-hook-wrapped 'completion-at-point-functions
                                #'completion--capf-wrapper 'all))
       (table (nth 3 found))
       (words (all-completions "" table)))
  (note 'words (vconcat (mapcar #'substring-no-properties words)))
  (let ((word (car words)) (start (nth 1 found)))
    (delete-region start (point))
    (insert word)
    (funcall (plist-get (nthcdr 4 found) :exit-function) word 'finished)))
(note 'text (buffer-string))
"""

# Eglot drops an answer after 10 seconds, which a loaded machine may need; asked again, the server has it.
ELDOC = """
(open-and-connect)
(defun explanation ()
  (and (buffer-live-p eldoc--doc-buffer)
       (with-current-buffer eldoc--doc-buffer
         (and (string-match-p "multiplies" (buffer-string)) (buffer-string)))))
(defvar asked-at (float-time))
(goto-char (point-min))
(search-forward "area")
(eldoc-print-current-symbol-info)
(note 'asked (- (float-time) asked-at))
(note 'early (explanation))
(note 'moved (keys "C-b C-f"))
(note 'explanation
      (await "the explanation"
             (lambda ()
               (or (explanation)
                   (when (> (- (float-time) asked-at) 11)
                     (setq asked-at (float-time))
                     (eldoc-print-current-symbol-info t)
                     nil)))))
"""

ACTION = """
(open-and-connect)
(keys "M-x eglot-code-actions RET Generate TAB RET")
(note 'returned-with (buffer-string))
(await "the code" (lambda () (string-match-p "width \\\\* height" (buffer-string))))
(note 'text (buffer-string))
"""


def readme() -> str:
    """Return the README's own lines."""
    return snippets("README.md")[0]


def play(emacs: Path, home: Home, setup: str, script: str, code: str = CODE) -> dict[str, Any]:
    """Play a session with a setup in a file with some code."""
    require_eglot(emacs)
    file = home.workspace / "app.py"
    file.write_text(code)
    return run(emacs, home, file, f"{setup}\n{script}")


@pytest.fixture
def home(home: Home, provider: LoopbackProvider) -> Home:
    def reply(body: dict[str, Any]) -> str:
        return "It multiplies." if "explain" in str(body).lower() else "width * height"

    provider.reply = reply
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"budgetMs": 20000}
    home.tables["explain"] = {}
    return home


def test_eglot_completes(emacs: Path, home: Home) -> None:
    noted = play(emacs, home, readme(), COMPLETION)
    assert any("width * height" in word for word in noted["words"]), noted
    assert noted["text"].rstrip() == CODE + "width * height"
    assert "accepted" in outcomes(home, "complete")


def test_eldoc_explains_without_blocking(
    emacs: Path, home: Home, provider: LoopbackProvider
) -> None:
    provider.delay_first = 4
    noted = play(emacs, home, readme(), ELDOC, CODE + "width * height\n")
    assert noted["early"] is None, "the model answers after 4 seconds"
    assert noted["asked"] < 4
    assert noted["moved"] < 4
    assert "multiplies" in noted["explanation"]


FUNCTION = 'def area(width, height):\n    """Return the product of both."""\n    '


def test_a_code_action_generates(emacs: Path, home: Home, provider: LoopbackProvider) -> None:
    provider.reply = "```python\nreturn width * height\n```"
    noted = play(emacs, home, readme(), ACTION, FUNCTION)
    assert noted["text"].rstrip() == FUNCTION + "return width * height"


def test_a_code_action_of_the_package_does_not_wait(
    emacs: Path, home: Home, provider: LoopbackProvider
) -> None:
    provider.reply = "```python\nreturn width * height\n```"
    provider.delay_first = 6
    noted = play(emacs, home, snippets("docs/editors/emacs.md")[0], ACTION, FUNCTION)
    assert noted["returned-with"] == FUNCTION, "Emacs had its user back before the model answered"
    assert noted["text"].rstrip() == FUNCTION + "return width * height"
