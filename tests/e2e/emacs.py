"""Emacs without a screen, with eglot and the real server: sessions in Lisp that report as JSON."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, SERVER
from tests.server.conftest import Home

PACKAGE = ROOT / "clients" / "emacs"
HELPERS = Path(__file__).parent / "editors" / "emacs-session.el"

# Emacs 29 has eglot; Debian packages it for 28, where -Q does not look.
LOAD = """
(require 'package)
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
(package-initialize)
(require 'python)
(require 'eglot)
"""


def require_eglot(emacs: Path) -> None:
    """Skip the test if this Emacs has no eglot."""
    has = [str(emacs), "--batch", "-Q", "--eval", f"(progn {LOAD})"]
    if subprocess.run(has, capture_output=True, check=False).returncode:
        pytest.skip("this Emacs has no eglot (29 has; Debian: apt-get install elpa-eglot)")


def snippets(page: str) -> list[str]:
    """Return the Lisp of a page of the documents."""
    return re.findall(r"```elisp\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def run(emacs: Path, home: Home, file: Path, script: str) -> dict[str, Any]:
    """Play a session in the file and return its report."""
    home.write()
    session = home.path / "session.el"
    session.write_text(f"{LOAD}\n(load {json.dumps(str(HELPERS))} nil t)\n{script}\n(report)\n")
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    environment |= {
        "HOME": str(home.path),
        "PATH": f"{SERVER.parent}{os.pathsep}{os.environ['PATH']}",
        "ENSEMBLE_LSP_CONFIG": str(home.path / "config.toml"),
        "ENSEMBLE_LSP_DATA_DIR": str(home.path / "data"),
        "E2E_FILE": str(file),
    }
    command = [str(emacs), "--batch", "-Q", "-L", str(PACKAGE), "-l", str(session)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout[done.stdout.index("{") :]))


def outcomes(home: Home, task: str) -> list[str]:
    """Return the kinds of the outcomes that the server recorded for a task."""
    with closing(sqlite3.connect(home.path / "data" / "history.sqlite3")) as database:
        query = "select kind from outcomes join suggestions using (n) where task = ? order by n"
        rows: Iterable[tuple[str]] = database.execute(query, (task,))
        return [kind for (kind,) in rows]
