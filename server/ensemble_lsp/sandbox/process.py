"""Run a test-runner on what nobody has read: without the network, writing only to one folder, home unseen.

``isolation/namespaces.py`` locks the process down; ``sandbox.py`` is the stricter one, for code without programs. What can
be read: the system's own folders, the interpreters on the path, and what the caller names.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCH = Path(__file__).parent / "isolation" / "namespaces.py"
_SYSTEM = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/etc", "/opt", "/nix", "/snap"),
    *("/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/var/lib"),
)
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT", "JAVA_HOME", "GOROOT")
_IN_PART: Mapping[str, tuple[str, ...]] = {".local": ("lib",), ".cargo": ("registry", "git")}
"""Folders of a home that hold more than programs: what of them may be read beside ``bin``."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What one run of a program may take."""

    seconds: float = 120.0
    """Of wall time, and (a little more) of processor time."""
    memory: int = 4 << 30
    """Bytes of data of each process."""
    file_bytes: int = 256 << 20
    """Bytes of the largest file it may write."""


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a run ended."""

    passed: bool
    """Whether the exit code was 0, within the time."""
    timed_out: bool
    output: str
    """The end of what it printed."""
    exit_code: int | None = None


async def unavailable_reason() -> str:
    """Why this system cannot keep a program from the network and the disk; empty where it can."""
    if sys.platform != "linux":
        return "only Linux can keep a program from the network and the disk here"
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="ensemble-walls-")
    try:
        limits = ResourceLimits(seconds=10)
        ended = await run(["true"], work=Path(folder), folder=Path(folder), limits=limits)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return "" if ended.passed else ended.output.strip() or "a program cannot be locked down here"


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
    """Run a command in ``work``; it writes only in ``folder``. Cancelling ends it and what it started.

    Without ``walled`` only time and processes are held to limits: for who has been asked.
    """
    every = environment(env or {})
    words = list(command)
    if sandboxed:
        read = await asyncio.to_thread(_readable, command, every, readable)
        words = [sys.executable, "-I", "-S", "-B", str(_LAUNCH), _job(folder, read, limits), *words]
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=work,
        env=every,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    timed_out = False
    reader = asyncio.ensure_future(_tail(process))
    try:
        await asyncio.wait_for(process.wait(), limits.seconds)
    except asyncio.TimeoutError:
        timed_out = True
    finally:
        _end(process)
        await process.wait()
        output = await reader
    code = process.returncode
    return ProcessResult(code == 0 and not timed_out, timed_out, output, code)


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """What a program sees of the environment: no key, no session."""
    return {k: v for k, v in os.environ.items() if k in _PASSED_ON} | dict(more)


def _job(folder: Path, readable: Sequence[str], limits: ResourceLimits) -> str:
    return json.dumps(
        {
            "write": [str(folder)],
            "read": list(readable),
            "seconds": int(limits.seconds) + 5,
            "data": limits.memory,
            "file": limits.file_bytes,
        }
    )


def _readable(
    command: Sequence[str], env: Mapping[str, str], more: Sequence[Path]
) -> tuple[str, ...]:
    """Folders that a command needs: the system's, those on the path, and where its program lives."""
    found: dict[str, None] = dict.fromkeys(_SYSTEM)
    found |= dict.fromkeys(str(path) for path in more)
    places = [Path(p) for p in env.get("PATH", "").split(os.pathsep) if p.startswith("/")]
    for place in (*places, Path(sys.executable).parent):
        found |= dict.fromkeys(_around(place))
    program = shutil.which(command[0], path=env.get("PATH")) or command[0]
    for each in (program, sys.executable):
        with contextlib.suppress(OSError, RuntimeError):
            found |= dict.fromkeys(_around(Path(each).resolve().parent))
    return tuple(found)


def _around(folder: Path) -> list[str]:
    """A folder of programs, and the installation it is a part of; never a home as a whole."""
    whole = folder.parent if folder.name in ("bin", "shims", "Scripts") else folder
    homes = (Path.home(), Path.home().parent, Path("/"))
    if folder in homes:
        return []
    if whole in homes:
        return [str(folder)]
    if whole.name in _IN_PART:
        return [str(folder), *(str(whole / part) for part in _IN_PART[whole.name])]
    found = [str(whole)]
    for name in ("python", "python3"):
        with contextlib.suppress(OSError, RuntimeError):
            # A virtual environment's interpreter lives elsewhere.
            real = (folder / name).resolve(strict=True).parent
            if real.name == "bin" and real.parent not in homes:
                found.append(str(real.parent))
    return found


async def _tail(process: asyncio.subprocess.Process, most: int = 8000) -> str:
    """The end of what a process prints; the rest is let go, however much it is."""
    assert process.stdout is not None
    kept = b""
    while chunk := await process.stdout.read(65536):
        kept = (kept + chunk)[-most:]
    return kept.decode("utf-8", "replace")


def _end(process: asyncio.subprocess.Process) -> None:
    """End the whole group: tests may have left others running."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
