"""The command line in tests: in process, as a subprocess, and on a terminal of its own."""

from __future__ import annotations

import gc
import json
import os
import pty
import select
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ensemble_lsp.cli import main
from tests.support.environment import clean_environment, is_private

PROGRAM = [sys.executable, "-m", "ensemble_lsp"]


def toml(value: Any) -> str:
    """A plain value in TOML."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return json.dumps(value)


def mode(path: Path) -> int:
    """The permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


@dataclass
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    def fails(self, code: int, *words: str) -> None:
        """It failed with that code, nothing on standard output and one line that has the words."""
        assert (self.code, self.out) == (code, ""), self
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("ensemble-lsp"), self.err
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err, (word, self.err)

    def fails_after_progress(self, code: int, *words: str) -> None:
        """As ``fails``, after a line that said what was being done."""
        said, self.err = self.err.split("\n", 1)
        assert not said.startswith("ensemble-lsp:")
        self.fails(code, *words)


@dataclass
class User:
    """One user's config and data, and a folder with code."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.work = self.home / "work"
        self.work.mkdir()
        self.config = self.home / "config.toml"
        self.data = self.home / "data"
        self.config.write_text("discover = false\n")

    def model(self, name: str, base_url: str, provider: str = "openai", **more: Any) -> None:
        """Configure one more model."""
        values = {"name": name, "provider": provider, "model": name, "baseUrl": base_url, **more}
        self.lines += ["[[models]]", *(f"{k} = {toml(v)}" for k, v in values.items()), ""]
        self.config.write_text("\n".join(self.lines))

    def table(self, name: str, **values: Any) -> None:
        """Add a table to the config."""
        self.lines += [f"[{name}]", *(f"{k} = {toml(v)}" for k, v in values.items()), ""]
        self.config.write_text("\n".join(self.lines))

    def file(self, name: str, text: str | bytes) -> Path:
        """A file in the folder with code."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    @property
    def environment(self) -> dict[str, str]:
        """Of a subprocess: nothing of the machine's own keys and settings."""
        return {
            **clean_environment(),
            "ENSEMBLE_LSP_CONFIG": str(self.config),
            "ENSEMBLE_LSP_DATA_DIR": str(self.data),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            **self.env,
        }

    def spawn(self, *arguments: str, stdin: str = "", timeout: float = 50) -> Result:
        """The program as a subprocess, piped."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=self.environment,
            cwd=self.work,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def on_terminal(
        self,
        *arguments: str,
        type_when: tuple[str, str] | None = None,
        seen: Callable[[str], None] | None = None,
        timeout: float = 50,
    ) -> Result:
        """The program on a terminal: ``out`` is all that it was sent. ``type_when``: (prompt, answer).

        ``seen`` is called with the whole output so far whenever there is more.
        """
        ours, theirs = pty.openpty()
        env = {**self.environment, "TERM": "xterm-256color", "COLUMNS": "200", "LINES": "30"}
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=env,
            cwd=self.work,
            start_new_session=True,
        )
        os.close(theirs)
        data, end = b"", time.monotonic() + timeout
        try:
            while time.monotonic() < end:
                if not select.select([ours], [], [], 1)[0]:
                    continue
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # Linux says so at the end of a terminal
                    piece = b""
                if not piece:
                    break
                data += piece
                text = data.decode(errors="replace")
                if seen:
                    seen(text)
                if type_when and type_when[0] in text:
                    os.write(ours, type_when[1].encode())
                    type_when = None
            return Result(process.wait(10), data.decode(errors="replace"), "")
        finally:
            os.close(ours)
            if process.poll() is None:
                process.kill()
                process.wait()


class InProcess(User):
    """A user whose commands run in the test's own process: quicker, with the same ``run``."""

    capsys: Any
    monkeypatch: Any

    def run(self, *arguments: str) -> Result:
        """The program's exit code and output."""
        for name in list(os.environ):
            if is_private(name):
                self.monkeypatch.delenv(name)
        for name, value in self.environment.items():
            if os.environ.get(name) != value:
                self.monkeypatch.setenv(name, value)
        self.monkeypatch.chdir(self.work)
        self.capsys.readouterr()
        try:
            code = main.run(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        gc.unfreeze()
        out, err = self.capsys.readouterr()
        return Result(code, out, err)
