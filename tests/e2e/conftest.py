"""Real editors and a real local model; what they need is installed once, into a cache folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server.conftest import Home, home, provider

__all__ = ["home", "provider"]

ROOT = Path(__file__).parents[2]
# Shared with the installers, which read the variable.
CACHE = Path(os.environ.setdefault("ENSEMBLE_E2E_DIR", str(ROOT / ".e2e")))
SERVER = Path(sys.executable).with_name("ensemble-lsp")


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process installs, the others wait for it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], **env: str) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def weights() -> Path:
    """SmolLM2's weights, fetched as a user does, checked by the program itself."""
    path = CACHE / "data" / "models" / "smollm2.gguf"
    with _alone("weights"):
        if not path.exists():
            config = str(CACHE / "no-config.toml")
            data = str(CACHE / "data")
            _run([str(SERVER), "models", "add", "smollm2", "--data-dir", data, "--config", config])
    return path


@pytest.fixture(scope="session")
def neovims() -> Path:
    """The folder of the Neovims: ``0.12/nvim`` and ``0.11/nvim``."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("the packaged Neovims are built for Linux x86-64 only")
    with _alone("neovim"):
        script = Path(__file__).parent / "editors" / "install-neovim.sh"
        _run([str(script), str(CACHE)], PYTHON=sys.executable)
    return CACHE / "neovim"


@pytest.fixture(scope="session")
def emacs() -> Path:
    """Emacs, where the system has it."""
    found = shutil.which("emacs")
    if found is None:
        pytest.skip("there is no Emacs here (Debian: apt-get install emacs-nox)")
    return Path(found)


@pytest.fixture
def local_home(home: Home, weights: Path) -> Home:
    """A user with the embedded model, and no other."""
    home.models.append(
        {"name": "smollm2", "provider": "llamacpp", "model": str(weights), "timeout": 100.0}
    )
    home.tables["complete"] = {"budgetMs": 60000, "candidates": 1}
    home.tables["ensemble"] = {"budgetMs": 60000}
    return home
