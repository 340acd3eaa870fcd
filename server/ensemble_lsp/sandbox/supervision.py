"""Supervision of a process that runs untested code: its time, output, disk use, memory, processes and end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from .folders import DiskUse, disk_use
from .machine_load import overloaded

_CHECK_SECONDS = 0.25
"""Seconds between two looks at the disk."""
_GRACE_SECONDS = 2.0
"""Seconds for the launcher to end its descendants, and for the rest of the output."""
_UNSEEN = 4 << 30
"""Bytes that may leave the free space without being in the folder: other programs write too."""


@dataclass(frozen=True, slots=True)
class Output:
    """The part of the output to keep: the last bytes, or all up to a limit, at which the process ends."""

    limit: int
    tail: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a process."""

    output: bytes
    timed_out: bool
    stopped: str = ""
    """The reason why it was stopped before its time; else empty."""


async def supervise(
    process: asyncio.subprocess.Process,
    seconds: float,
    output: Output,
    *,
    folder: Path,
    disk: DiskUse,
    threads: int,
    stdin: bytes = b"",
) -> Ended:
    """Wait for a process within its limits, end its group, and return what it wrote."""
    kept = bytearray()
    reader = asyncio.ensure_future(_read(process, output, kept))
    waiter = asyncio.ensure_future(_feed_and_wait(process, stdin))
    watchers = {
        asyncio.ensure_future(_disk_exceeded(folder, disk)),
        asyncio.ensure_future(overloaded(process.pid, threads)),
    }
    try:
        done, _ = await asyncio.wait(
            {waiter, *watchers}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for task in (waiter, *watchers):
            task.cancel()
        await _end(process, reader)
    reasons = [str(watcher.exception() or watcher.result()) for watcher in watchers & done]
    if not output.tail and len(kept) >= output.limit:
        reasons.append("too much output")
    return Ended(bytes(kept), not done, ", ".join(reasons))


async def _feed_and_wait(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    if process.stdin is not None:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(stdin)
            await process.stdin.drain()
        process.stdin.close()
    await process.wait()


async def _read(process: asyncio.subprocess.Process, output: Output, kept: bytearray) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(65536):
        kept += chunk
        if output.tail:
            del kept[: -output.limit]
        elif len(kept) >= output.limit:
            kill_group(process, signal.SIGTERM)
            kill_group(process)
            return


async def _disk_exceeded(folder: Path, disk: DiskUse) -> str:
    """Return the reason when the files below a folder take more than they did plus ``disk``; else wait forever.

    The whole folder is measured only if the file system has lost a good part of that space.
    """
    if sys.platform == "win32":
        await asyncio.Event().wait()
    reason = "the code wrote too much to the disk"
    start = await asyncio.to_thread(os.statvfs, folder)
    limit = (await asyncio.to_thread(disk_use, folder)).plus(disk)
    while True:
        await asyncio.sleep(_CHECK_SECONDS)
        now = await asyncio.to_thread(os.statvfs, folder)
        lost = DiskUse((start.f_bavail - now.f_bavail) * now.f_frsize, start.f_ffree - now.f_ffree)
        if lost.size > disk.size + _UNSEEN:  # files that were removed but are still open
            return reason
        if now.f_files and not lost.exceeds(DiskUse(disk.size // 4, disk.files // 4)):
            continue
        if (await asyncio.to_thread(disk_use, folder, limit)).exceeds(limit):
            return reason


async def _end(process: asyncio.subprocess.Process, reader: asyncio.Future[None]) -> None:
    """Kill the group; tests may leave other processes running, some of them with the output open."""
    if process.returncode is None:
        kill_group(process, signal.SIGTERM)  # a launcher without namespaces ends its descendants
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), 0.3)
    kill_group(process)
    await asyncio.wait({reader}, timeout=_GRACE_SECONDS)
    reader.cancel()
    # The transport closes the pipe even if another process still holds the other end.
    process._transport.close()  # type: ignore[attr-defined]  # there is no public way
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(process.wait(), _GRACE_SECONDS)


def kill_group(
    process: asyncio.subprocess.Process, with_signal: int = getattr(signal, "SIGKILL", 9)
) -> None:
    """Send a signal to the process's whole group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, with_signal)
