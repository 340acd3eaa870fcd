"""The Emacs package in a real Emacs: ghost text, its parts, the next edit, and their outcomes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.emacs import LOAD, PACKAGE, outcomes, require_eglot, run, snippets
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running
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


def test_words_and_lines_are_accepted_and_the_rest_stays(
    emacs: Path, home: Home, provider: LoopbackProvider
) -> None:
    provider.reply = "größe = width * 2\n    return größe * height"
    code = "def area(width, height):\n    "
    noted = session(
        emacs,
        home,
        """
        (keys "M-x ensemble-lsp-complete RET")
        (await "ghost text" #'ghost)
        (keys "M-f")
        (note 'word (list (buffer-string) (ghost)))
        (keys "M-<down>")
        (note 'line (list (buffer-string) (ghost)))
        (keys "M-<down>")
        (note 'whole (list (buffer-string) (ghost)))
        """,
        code,
    )
    first, rest = str(provider.reply).split("\n", 1)
    assert noted["word"] == [code + "größe", first.removeprefix("größe") + "\n" + rest]
    assert noted["line"] == [code + first, "\n" + rest]
    assert noted["whole"] == [code + first + "\n" + rest, None]
    assert "accepted" in outcomes(home, "complete")


def test_a_part_alone_counts_as_partial(emacs: Path, home: Home) -> None:
    noted = session(
        emacs,
        home,
        """
        (keys "w")
        (await "ghost text" #'ghost)
        (keys "M-f")
        (note 'after (list (buffer-string) (ghost)))
        (keys "RET")
        (note 'left (ghost))
        (await "the end of it" (lambda () (not (ghost))))
        """,
    )
    assert noted["after"] == [CODE + "width", " * height"]
    assert noted["left"] is None
    assert "partial" in outcomes(home, "complete")


def test_typing_keeps_what_fits_and_hides_what_does_not(
    emacs: Path, home: Home, provider: LoopbackProvider
) -> None:
    noted = session(
        emacs,
        home,
        """
        (keys "w")
        (await "ghost text" #'ghost)
        (keys "i d")
        (note 'fits (ghost))
        (keys "o")
        (note 'other (ghost))
        (note 'tab (lookup-key ensemble-lsp-ghost-map (kbd "TAB")))
        (note 'bound (key-binding (kbd "TAB")))
        (note 'quit (key-binding (kbd "C-g")))
        """,
    )
    assert noted["fits"] == "th * height"
    assert noted["other"] is None
    assert noted["tab"] == "ensemble-lsp-accept"
    assert noted["bound"] != "ensemble-lsp-accept", "without a suggestion, Tab is Emacs' own"
    assert noted["quit"] == "keyboard-quit"


def test_a_rejected_suggestion_is_recorded(emacs: Path, home: Home) -> None:
    noted = session(
        emacs,
        home,
        """
        (keys "w")
        (await "ghost text" #'ghost)
        (keys "C-g")
        (note 'after (list (buffer-string) (ghost)))
        (keys "M-x ensemble-lsp-why RET")
        (note 'why (await "the reason" (lambda ()
          (and (get-buffer "*ensemble-lsp why*")
               (with-current-buffer "*ensemble-lsp why*" (buffer-string))))))
        """,
    )
    assert noted["after"] == [CODE + "w", None]
    assert "gpt" in str(noted["why"])
    assert "rejected" in outcomes(home, "complete")


def test_typing_never_waits_for_the_model(
    emacs: Path, home: Home, provider: LoopbackProvider
) -> None:
    provider.delay_first = 6
    noted = session(
        emacs,
        home,
        """
        (keys "w")
        (accept-process-output nil 0.5)
        (note 'seconds (keys "i d"))
        (await "ghost text" #'ghost)
        (note 'shown (ghost))
        """,
    )
    assert float(str(noted["seconds"])) < 6
    assert noted["shown"] == "th * height", "the answer fits the text that was typed meanwhile"


def test_brackets_that_emacs_closed_are_not_doubled(
    emacs: Path, home: Home, provider: LoopbackProvider
) -> None:
    provider.reply = "width, height)"
    noted = session(
        emacs,
        home,
        """
        (electric-pair-mode)
        (keys "m a x (")
        (note 'typed (buffer-string))
        (await "ghost text" #'ghost)
        (keys "TAB")
        (note 'accepted (buffer-string))
        """,
    )
    assert noted["typed"] == CODE + "max()"
    assert noted["accepted"] == CODE + "max(width, height)"


def test_other_suggestions_are_a_key_away(emacs: Path, home: Home) -> None:
    with running(LoopbackProvider("height * width")) as second:
        home.model("other", second.base_url)
        noted = session(
            emacs,
            home,
            """
            (keys "M-x ensemble-lsp-complete RET")
            (note 'first (await "ghost text" #'ghost))
            (keys "M-n")
            (note 'second (await "another" (lambda ()
              (and (ghost) (not (equal (ghost) (alist-get 'first noted))) (ghost)))))
            (keys "M-p")
            (note 'back (ghost))
            """,
        )
    assert {noted["first"], noted["second"]} == {"width * height", "height * width"}
    assert noted["back"] == noted["first"]


RENAMED = "def scale(value):\n    return value * 2\n\n\nprint(scale(1))\n"


def test_the_next_edit_is_shown_and_applied_as_one_step_of_undo(emacs: Path, home: Home) -> None:
    home.models.clear()
    home.models.append({"name": "recall", "provider": "recall", "tasks": ["complete"]})
    noted = session(
        emacs,
        home,
        """
        (setq ensemble-lsp-automatic nil)
        (goto-char (point-min))
        (search-forward "scale")
        (keys "d")
        (accept-process-output nil 1)
        (note 'typed (buffer-string))
        (defun edit-text ()
          (when ensemble-lsp--edit
            (substring-no-properties
              (overlay-get (car (ensemble-lsp--shown-overlays ensemble-lsp--edit)) 'after-string))))
        (defvar answered nil)
        (advice-add 'message :before
                    (lambda (text &rest _) (when (equal text "There is no next edit")
                                             (setq answered t))))
        (await "the next edit" (lambda ()
          (setq answered nil)
          (keys "M-x ensemble-lsp-next-edit RET")
          (await "an answer" (lambda () (or answered (edit-text))))
          (edit-text)))
        (note 'edit (edit-text))
        (note 'unchanged (buffer-string))
        (keys "TAB")
        (note 'applied (buffer-string))
        (note 'left (edit-text))
        (keys "C-/")
        (note 'undone (buffer-string))
        """,
        RENAMED,
    )
    typed = RENAMED.replace("scale", "scaled", 1)
    assert noted["typed"] == noted["unchanged"] == typed
    assert "scaled" in str(noted["edit"])
    assert noted["applied"] == RENAMED.replace("scale", "scaled")
    assert noted["left"] is None
    assert noted["undone"] == typed
    assert "accepted" in outcomes(home, "edit")


def test_the_package_compiles_without_warnings_and_its_texts_follow_emacs_style(
    emacs: Path, tmp_path: Path
) -> None:
    require_eglot(emacs)
    files = sorted(PACKAGE.glob("*.el"))
    assert len(files) == 2
    script = f"""(progn {LOAD}
      (require 'checkdoc)
      (setq byte-compile-error-on-warn t
            byte-compile-dest-file-function
            (lambda (file) (expand-file-name (concat (file-name-nondirectory file) "c")
                                             {json.dumps(str(tmp_path))})))
      (dolist (file command-line-args-left)
        (unless (byte-compile-file file) (kill-emacs 1))
        (checkdoc-file file)))"""
    command = [str(emacs), "--batch", "-Q", "-L", str(PACKAGE), "--eval", script, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert sorted(file.name for file in tmp_path.glob("*.elc")) == [f.name + "c" for f in files]
