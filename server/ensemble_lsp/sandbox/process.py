"""The parent side of both sandboxes: start a limited process group, collect its output, end it.

``run`` starts the repository's tests below ``isolation/namespaces.py``: no network, one writable directory, the
home directory hidden. ``run_script`` starts the stricter ``isolation/child.py``, for code that needs no programs.
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
from typing import Any

_ISOLATION = Path(__file__).parent / "isolation"
_SYSTEM = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/etc", "/opt", "/nix", "/snap"),
    *("/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/var/lib"),
)
_INHERITED = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT", "JAVA_HOME", "GOROOT")
_READABLE_PARTS: Mapping[str, tuple[str, ...]] = {".local": ("lib",), ".cargo": ("registry", "git")}
"""Folders in a home that hold more than programs, with the parts that are readable beside ``bin``."""
_OUTPUT_TAIL = 8000
_MAX_ANSWER = 1_000_000
"""Bytes of a script's answer; a longer one is cut off and does not parse."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """Resources that one run may use. The defaults suit a test suite."""

    seconds: float = 120.0
    """Wall time. Processor time is limited to a little more."""
    memory: int = 4 << 30
    """Bytes for each process."""
    file_bytes: int = 256 << 20
    """Bytes of the largest file it may write."""


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
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
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
        paths = await asyncio.to_thread(_readable, command, environment, readable)
        job = isolation_job(str(folder), paths, limits, cpu_seconds=int(limits.seconds) + 5)
        argv = [*_isolated("namespaces.py"), json.dumps(job), *argv]
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=work,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    output, timed_out = await _finish(process, limits.seconds, _OUTPUT_TAIL)
    code = process.returncode
    passed = code == 0 and not timed_out
    return ProcessResult(passed, timed_out, output.decode("utf-8", "replace"), code)


async def run_script(
    job: Mapping[str, Any], env: Mapping[str, str], seconds: float
) -> bytes | None:
    """Send a job to ``isolation/child.py`` and return its answer; ``None`` if it had to be killed."""
    process = await asyncio.create_subprocess_exec(
        *_isolated("child.py"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
        start_new_session=True,
    )
    data = json.dumps(job).encode("utf-8", "replace")
    output, timed_out = await _finish(process, seconds, _MAX_ANSWER, data)
    return None if timed_out else output


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
    }


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the few inherited variables a program needs, without keys, and some extra ones."""
    return {k: v for k, v in os.environ.items() if k in _INHERITED} | dict(extra)


def _isolated(script: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-B", str(_ISOLATION / script)]


async def _finish(
    process: asyncio.subprocess.Process, seconds: float, max_output: int, stdin: bytes = b""
) -> tuple[bytes, bool]:
    """Wait for a process, end its group, and return the last part of its output and whether it timed out."""
    timed_out = False
    reader = asyncio.ensure_future(_tail(process, max_output))
    try:
        await asyncio.wait_for(_feed_and_wait(process, stdin), seconds)
    except asyncio.TimeoutError:
        timed_out = True
    finally:
        _kill_group(process)
        await process.wait()
        output = await reader
    return output, timed_out


async def _feed_and_wait(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    if process.stdin is not None:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(stdin)
            await process.stdin.drain()
        process.stdin.close()
    await process.wait()


async def _tail(process: asyncio.subprocess.Process, max_output: int) -> bytes:
    assert process.stdout is not None
    kept = b""
    while chunk := await process.stdout.read(65536):
        kept = (kept + chunk)[-max_output:]
    return kept


def _kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill the whole group: tests may leave other processes running."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _readable(
    command: Sequence[str], env: Mapping[str, str], extra: Sequence[Path]
) -> tuple[str, ...]:
    """Return the folders a command needs: the system's, those on the path, its program's installation."""
    folders: dict[str, None] = dict.fromkeys(_SYSTEM)
    folders |= dict.fromkeys(str(path) for path in extra)
    on_path = [Path(p) for p in env.get("PATH", "").split(os.pathsep) if p.startswith("/")]
    for folder in (*on_path, Path(sys.executable).parent):
        folders |= dict.fromkeys(_installation(folder))
    program = shutil.which(command[0], path=env.get("PATH")) or command[0]
    for executable in (program, sys.executable):
        with contextlib.suppress(OSError, RuntimeError):
            folders |= dict.fromkeys(_installation(Path(executable).resolve().parent))
    return tuple(folders)


def _installation(folder: Path) -> list[str]:
    """Return a folder of programs and the installation around it; never a whole home directory."""
    whole = folder.parent if folder.name in ("bin", "shims", "Scripts") else folder
    homes = (Path.home(), Path.home().parent, Path("/"))
    if folder in homes:
        return []
    if whole in homes:
        return [str(folder)]
    if whole.name in _READABLE_PARTS:
        return [str(folder), *(str(whole / part) for part in _READABLE_PARTS[whole.name])]
    folders = [str(whole)]
    for name in ("python", "python3"):
        with contextlib.suppress(OSError, RuntimeError):
            # The interpreter of a virtual environment is outside of it.
            real = (folder / name).resolve(strict=True).parent
            if real.name == "bin" and real.parent not in homes:
                folders.append(str(real.parent))
    return folders
