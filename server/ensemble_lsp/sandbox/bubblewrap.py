"""bubblewrap, the sandbox of Flatpak: used around our own one where it is installed and works."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

_PLACES = "/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin"
"""Only the system's folders: a program of this name elsewhere on ``PATH`` may be anyone's."""
_ISOLATED = ("--unshare-all", "--unshare-user", "--die-with-parent", "--cap-drop", "ALL")
_PROBE_SECONDS = 5.0
_DEVICE_BYTES = 256 << 20
_known: dict[str, bool] = {}


async def usable() -> str:
    """Return the path of a bubblewrap that works on this system, or an empty text."""
    program = await asyncio.to_thread(shutil.which, "bwrap", path=_PLACES)
    if program is None:
        return ""
    if program not in _known:
        _known[program] = await _succeeds(program, *_ISOLATED, "--ro-bind", "/", "/", "true")
    return program if _known[program] else ""


async def version() -> str:
    """Return the name and version of the installed bubblewrap; empty if none works."""
    program = await usable()
    if not program:
        return ""
    process = await asyncio.create_subprocess_exec(
        program, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    return output.decode("utf-8", "replace").strip()[:80]


def arguments(
    program: str,
    readable: Sequence[str],
    folder: str,
    *,
    work: str,
    memory_bytes: int = 0,
) -> list[str]:
    """Return the command line up to the command: only ``readable`` exists, and only ``folder`` is writable.

    With ``memory_bytes`` the folder is an empty one in memory of that size, instead of the one on the disk.
    """
    argv = [program, *_ISOLATED, "--proc", "/proc", "--dev", "/dev"]
    argv += ["--size", str(_DEVICE_BYTES), "--tmpfs", "/dev/shm"]  # noqa: S108 - in the sandbox
    for path in sorted({os.path.normpath(path) for path in readable}):
        if not path.startswith(("/proc", "/dev/")):
            argv += ["--ro-bind-try", path, path]
    if memory_bytes:
        argv += ["--size", str(memory_bytes), "--tmpfs", folder]
    else:
        argv += ["--bind", folder, folder]
    return [*argv, "--chdir", work, "--"]


async def _succeeds(*command: str) -> bool:
    nothing = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=nothing, stdout=nothing, stderr=nothing, cwd=Path("/")
        )
    except OSError:
        return False
    try:
        return await asyncio.wait_for(process.wait(), _PROBE_SECONDS) == 0
    except asyncio.TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return False
