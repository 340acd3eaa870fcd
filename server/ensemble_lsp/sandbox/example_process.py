"""Run code that nobody has read: in a process of its own that can reach nothing.

No network, no writing outside a temporary folder, no reading but Python's own library, no other program;
limits of time, memory, files and processes. Linux with Landlock and seccomp only (see ``isolation/landlock_seccomp.py``
and docs/security.md); elsewhere nothing is run, and ``Ran.refused`` says why. It guards the machine, not the
vote: code that wants to can still lie about its own examples.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

logger = logging.getLogger(__name__)

CheckKind = Literal["doctest", "equal", "assert", "call", "stdin", "run"]
_CHILD = Path(__file__).parent / "isolation" / "child.py"
_MOST = 1_000_000
"""Bytes of an answer that are read; more is no answer."""


@dataclass(frozen=True, slots=True)
class ExampleCheck:
    """One thing to try. ``want`` is what must come of it; ``None`` where only the input is known.

    ``doctest``: a statement and what is printed; ``equal``: an expression and a value's source;
    ``call``: an expression; ``assert`` and ``run``: statements; ``stdin``: what a whole program reads, and
    ``want`` what it prints.
    """

    kind: CheckKind
    source: str
    expected: str | None = None

    @property
    def has_expectation(self) -> bool:
        """Whether code can fail it."""
        return self.expected is not None or self.kind == "assert"


@dataclass(frozen=True, slots=True)
class ExampleLimits:
    """What a run may use."""

    seconds: float = 4.0
    """Of wall time, and (rounded up) of processor time."""
    check_seconds: float = 1.0
    """Seconds of one check; the others go on."""
    memory: int = 1 << 30
    """Bytes of address space."""
    file_bytes: int = 4 << 20
    """Bytes of one file."""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What came of one check."""

    ok: bool
    output: str
    """What was printed or returned, or ``!NameOfException``."""


@dataclass(frozen=True, slots=True)
class ExampleRun:
    """What came of a run: for each group of checks, one result a check."""

    groups: tuple[tuple[CheckOutcome, ...], ...] = ()
    completed: bool = True
    """False when it had to be stopped, or fell over."""
    unavailable: str = ""
    """Why this system could not lock the process down; then nothing was run."""
    layers: tuple[str, ...] = ()
    """What it was locked down with."""


async def run_examples(
    source: str, groups: Sequence[Sequence[ExampleCheck]], limits: ExampleLimits | None = None
) -> ExampleRun:
    """Run checks on a module's source. Cancelling kills the process. Never raises for what ran."""
    limits = limits or ExampleLimits()
    if sys.platform != "linux":
        return ExampleRun(completed=False, unavailable="examples are run on Linux only")
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="ensemble-lsp-run-")
    try:
        job = await asyncio.to_thread(_job, source, groups, limits, folder)
        return await _run(job, limits)
    finally:
        await asyncio.shield(asyncio.to_thread(_remove, folder))


def _job(
    source: str, groups: Sequence[Sequence[ExampleCheck]], limits: ExampleLimits, folder: str
) -> bytes:
    paths, readable = _paths()
    job: dict[str, Any] = {
        "source": source,
        "groups": [[_plain(check) for check in group] for group in groups],
        "folder": folder,
        "paths": paths,
        "readable": readable,
        "seconds": max(1, round(limits.seconds + 0.5)),
        "step": limits.check_seconds,
        "memory": limits.memory,
        "fileBytes": limits.file_bytes,
    }
    return json.dumps(job).encode("utf-8", "replace")


def _plain(check: ExampleCheck) -> dict[str, str]:
    plain = {"kind": check.kind, "source": check.source}
    return plain if check.expected is None else {**plain, "want": check.expected}


@lru_cache(maxsize=1)
def _paths() -> tuple[list[str], list[str]]:
    """Where Python's packages are, and every folder that must be readable to use them."""
    site = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    library = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache"]
    shared = sysconfig.get_config_var("LIBDIR") or ""
    devices = ["/dev/urandom", "/dev/zero", "/etc/localtime"]
    readable = dict.fromkeys(str(p) for p in (*site, *library, *system, *devices, shared) if p)
    return list(dict.fromkeys(site)), list(readable)


async def _run(job: bytes, limits: ExampleLimits) -> ExampleRun:
    environment = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-B", str(_CHILD)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        text = await asyncio.wait_for(_talk(process, job), limits.seconds + 1.0)
    except (asyncio.TimeoutError, OSError):
        return ExampleRun(completed=False)
    finally:
        await _end(process)
    return _read(text)


async def _talk(process: asyncio.subprocess.Process, job: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(job)
    with contextlib.suppress(ConnectionError):
        await process.stdin.drain()
    process.stdin.close()
    text = bytearray()
    while piece := await process.stdout.read(1 << 16):
        text += piece
        if len(text) > _MOST:
            return b""
    return bytes(text)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _read(text: bytes) -> ExampleRun:
    try:
        answer: Any = json.loads(text)
        if refused := answer.get("refused"):
            logger.warning("examples are not run: %s", refused)
            return ExampleRun(completed=False, unavailable=str(refused))
        groups = tuple(
            tuple(CheckOutcome(bool(t["ok"]), str(t["output"])) for t in group)
            for group in answer["groups"]
        )
        return ExampleRun(groups, layers=tuple(map(str, answer["layers"])))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ExampleRun(completed=False)


def _remove(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
