"""Emacs' own client, eglot, with the lines of the README: completion, hover, and what is counted."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, SERVER
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


# Emacs 29 has eglot; Debian packages it for 28, where -Q does not look.
LOAD = """
(require 'package)
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
(package-initialize)
(require 'python)
(require 'eglot)
"""

SESSION = """
(setq eglot-sync-connect 30 eglot-autoshutdown t make-backup-files nil)
(defvar told nil)
(defun tell (key value) (push (cons key value) told))
(find-file (getenv "E2E_FILE"))
(unless (derived-mode-p 'python-mode) (error "not a Python buffer"))
(eglot-ensure)
(run-hooks 'post-command-hook)
(let ((end (+ (float-time) 30)))
  (while (and (not (eglot-current-server)) (< (float-time) end))
    (accept-process-output nil 0.05)))
(tell 'server (and (eglot-current-server) t))
(goto-char (point-max))
(let* ((found (run-hook-wrapped 'completion-at-point-functions
                                #'completion--capf-wrapper 'all))
       (table (nth 3 found))
       (words (all-completions "" table)))
  (tell 'words (vconcat (mapcar #'substring-no-properties words)))
  (tell 'exit (and (plist-get (nthcdr 4 found) :exit-function) t))
  (let ((word (car words)) (start (nth 1 found)))
    (delete-region start (point))
    (insert word)
    (funcall (plist-get (nthcdr 4 found) :exit-function) word 'finished)))
(tell 'text (buffer-string))
(goto-char (point-min))
(search-forward "area")
(let ((answer (jsonrpc-request (eglot-current-server) :textDocument/hover
                               (eglot--TextDocumentPositionParams) :timeout 30)))
  (tell 'hover (plist-get (plist-get answer :contents) :value)))
(set-buffer-modified-p nil)
(kill-buffer)
(princ (json-encode told))
"""


def snippet() -> str:
    """The README's own lines."""
    readme = (ROOT / "README.md").read_text()
    found = re.search(r"```elisp\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    return found[1]


def run(emacs: Path, home: Home, file: Path, script: str) -> dict[str, Any]:
    """Play a session without a screen; what it told."""
    home.write()
    session = home.path / "session.el"
    session.write_text(script)
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    environment |= {
        "HOME": str(home.path),
        "PATH": f"{SERVER.parent}{os.pathsep}{os.environ['PATH']}",
        "ENSEMBLE_LSP_CONFIG": str(home.path / "config.toml"),
        "ENSEMBLE_LSP_DATA_DIR": str(home.path / "data"),
        "E2E_FILE": str(file),
    }
    command = [str(emacs), "--batch", "-Q", "-l", str(session)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout[done.stdout.index("{") :]))


def test_eglot_completes_and_explains(emacs: Path, home: Home, provider: LoopbackProvider) -> None:
    has = [str(emacs), "--batch", "-Q", "--eval", f"(progn {LOAD})"]
    if subprocess.run(has, capture_output=True, check=False).returncode:
        pytest.skip("this Emacs has no eglot (29 has; Debian: apt-get install elpa-eglot)")
    provider.reply = lambda body: (
        "It multiplies." if "explain" in str(body).lower() else "width * height"
    )
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"budgetMs": 20000}
    file = home.workspace / "app.py"
    file.write_text(CODE)
    told = run(emacs, home, file, f"{LOAD}\n{snippet()}\n{SESSION}")
    assert told["server"] is True
    assert any("width * height" in word for word in told["words"]), told
    assert told["text"].rstrip() == CODE + "width * height"
    assert "multiplies" in told["hover"]
    with closing(sqlite3.connect(home.path / "data" / "history.sqlite3")) as database:
        query = "select kind from outcomes join suggestions using (n) where task = 'complete'"
        kinds = [kind for (kind,) in database.execute(query)]
    assert "accepted" in kinds
