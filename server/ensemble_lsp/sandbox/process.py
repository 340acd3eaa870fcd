"""The parent side of both sandboxes: start a limited process group, watch it, collect its output, end it.

``run`` starts the repository's tests below ``isolation/namespaces.py``: no network, one writable directory, the
home directory hidden. ``run_script`` starts the stricter ``isolation/child.py``, for code that needs no programs.
Both run inside bubblewrap too where it is installed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import bubblewrap
from .folders import DiskUse, discard
from .readable_paths import installation, readable_paths
from .supervision import Ended, Output, supervise

_ISOLATION = Path(__file__).parent / "isolation"
_INHERITED = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT", "JAVA_HOME", "GOROOT")
_OUTPUT_TAIL = 8000
_MAX_ANSWER = 1_000_000
"""Bytes of a script's answer; the process ends when it writes more."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """Resources that one run may use. The defaults suit a test suite."""

    seconds: float = 120.0
    """Wall time. Processor time is limited to a little more."""
    memory: int = 4 << 30
    """Bytes for each process."""
    file_bytes: int = 256 << 20
    """Bytes of the largest file it may write."""
    disk: DiskUse = DiskUse(1 << 30, 50_000)  # noqa: RUF009 - frozen
    """The space that all files together may take, beyond those that exist at the start."""
    threads: int = 512
    """Processes and their threads."""


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """The result of a run."""

    passed: bool
    """Whether the exit code was 0, in time."""
    timed_out: bool
    output: str
    """The last part of its output."""
    exit_code: int | None = None


async def unavailable_reason() -> str:
    """Return why this system cannot sandbox a program; empty if it can."""
    if sys.platform != "linux":
        return "only Linux can keep a program from the network and the disk here"
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="ensemble-sandbox-")
    try:
        limits = ResourceLimits(seconds=10)
        result = await run(["true"], work=Path(folder), folder=Path(folder), limits=limits)
    finally:
        await discard(Path(folder))
    return "" if result.passed else result.output.strip() or "a program cannot be sandboxed here"


async def run(
    command: Sequence[str],
    *,
    work: Path,
    folder: Path,
    limits: ResourceLimits,
    readable: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    sandboxed: bool = True,
) -> ProcessResult:
    """Run a command in ``work``; it can write only in ``folder``. Cancelling ends the process group.

    With ``sandboxed=False`` only the time limit and process cleanup apply; use it only with the user's consent.
    """
    environment = clean_environment(env or {})
    argv = list(command)
    if sandboxed:
        paths = await asyncio.to_thread(readable_paths, command, environment, readable)
        job = isolation_job(str(folder), paths, limits, cpu_seconds=int(limits.seconds) + 5)
        outer: list[str] = []
        if program := await bubblewrap.usable():
            outer = bubblewrap.arguments(
                program, [*paths, str(_ISOLATION)], str(folder), work=str(work)
            )
        job["contained"] = bool(outer)
        argv = [*outer, *_isolated("namespaces.py"), json.dumps(job), *argv]
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=work,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    ended = await supervise(
        process,
        limits.seconds,
        Output(_OUTPUT_TAIL, tail=True),
        folder=folder,
        disk=limits.disk,
        threads=limits.threads,
    )
    code = process.returncode
    passed = code == 0 and not (ended.timed_out or ended.stopped)
    output = ended.output.decode("utf-8", "replace") + ended.stopped
    return ProcessResult(passed, ended.timed_out, output, code)


async def run_script(
    job: Mapping[str, Any], env: Mapping[str, str], limits: ResourceLimits
) -> bytes | None:
    """Send a job to ``isolation/child.py`` and return its answer; ``None`` if it had to be killed."""
    folder, outer, disk = str(job["folder"]), list[str](), limits.disk
    if program := await bubblewrap.usable():
        interpreter = await asyncio.to_thread(installation, Path(sys.executable).parent)
        seen = [*job["readable"], *interpreter, str(_ISOLATION)]
        outer = bubblewrap.arguments(program, seen, folder, work=folder, memory_bytes=disk.size)
    process = await asyncio.create_subprocess_exec(
        *outer,
        *_isolated("child.py"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
        start_new_session=True,
    )
    job = {**job, "contained": bool(outer), "diskBytes": disk.size, "diskFiles": disk.files}
    ended: Ended = await supervise(
        process,
        limits.seconds + 1.0,
        Output(_MAX_ANSWER, tail=False),
        stdin=json.dumps(job).encode("utf-8", "replace"),
        folder=Path(folder),
        disk=disk,
        threads=limits.threads,
    )
    return None if ended.timed_out or ended.stopped else ended.output


def isolation_job(
    folder: str, readable: Sequence[str], limits: ResourceLimits, *, cpu_seconds: int
) -> dict[str, Any]:
    """Return the part of a job that both sandboxes read."""
    return {
        "folder": folder,
        "readable": list(readable),
        "seconds": cpu_seconds,
        "memory": limits.memory,
        "fileBytes": limits.file_bytes,
        "threads": limits.threads,
    }


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the few inherited variables a program needs, without keys, and some extra ones."""
    return {k: v for k, v in os.environ.items() if k in _INHERITED} | dict(extra)


async def description() -> str:
    """Return the mechanism that isolates programs here, for ``doctor``."""
    outer = await bubblewrap.version()
    own = "Landlock and seccomp"
    return f"{outer}, {own}" if outer else f"namespaces, {own}, without bubblewrap"


def _isolated(script: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-B", str(_ISOLATION / script)]
