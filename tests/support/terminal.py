"""Programs on a terminal of their own, typed to and read as a person does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONTROL = re.compile(
    r"\x1b(?:\[[0-9;?>=<]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78MDEHc])"
    r"|[\x00-\x08\x0b-\x1f]"
)


class Terminal:
    """A process whose standard streams are a terminal, which is also its controlling one."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        size: tuple[int, int] = (80, 24),
        user: int | None = None,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        clean = {k: v for k, v in env.items() if k not in ("COLUMNS", "LINES")}

        def prepare() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # Ctrl-C becomes SIGINT

        self.process = subprocess.Popen(
            list(command),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**clean, "TERM": "xterm-256color"},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=prepare,
            user=user,
        )
        os.close(theirs)
        self.output = ""
        """All output so far, with its escape sequences."""

    @property
    def text(self) -> str:
        """The output without escape sequences and carriage returns."""
        return _CONTROL.sub("", self.output)

    def type(self, text: str) -> None:
        """Type keys; ``\\x03`` is Ctrl-C."""
        os.write(self._ours, text.encode())

    def read(self, seconds: float = 0.2) -> bool:
        """Read what is there; whether the terminal is still open."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # Linux, where the last process has closed it
            return False
        self.output += piece.decode(errors="replace")
        return bool(piece)

    def wait_for(self, pattern: str, timeout: float = 40) -> re.Match[str]:
        """Read until the text matches."""
        end = time.monotonic() + timeout
        open_ = True
        while not (found := re.search(pattern, self.text)):
            assert open_ and time.monotonic() < end, f"no {pattern!r} in:\n{self.text}"
            open_ = self.read()
        return found

    def ended(self, timeout: float = 40) -> int:
        """Read until the process has ended; its exit code."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it has not ended:\n{self.text}"
            self.read()
        while self.read(0.05) and select.select([self._ours], [], [], 0)[0]:
            pass
        return self.process.wait()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)
