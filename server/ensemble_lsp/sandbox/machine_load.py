"""The memory and the processes of the machine while untested code runs. Linux only.

No limit of the kernel covers all of them without control groups: memory in unnamed files belongs to no process, and
the number of processes is not limited for root.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

_CHECK_SECONDS = 0.25
_SHARE_LEFT = 0.1
"""Share of the machine's memory that a run leaves to other programs."""
_PROC = Path("/proc")


async def overloaded(pid: int, max_threads: int) -> str:
    """Return the reason when a process and its descendants overload the machine; else wait forever.

    Their threads are counted only if the whole machine has many more than at the start.
    """
    if sys.platform != "linux":
        await asyncio.Event().wait()
    most_threads = await asyncio.to_thread(_all_threads) + max_threads // 2
    least_memory = await asyncio.to_thread(_least_memory)

    def problem() -> str:
        if _memory()[1] < least_memory:
            return "the code used too much memory"
        if _all_threads() > most_threads and threads_of(pid) > max_threads:
            return "the code started too many processes"
        return ""

    while not (found := await asyncio.to_thread(problem)):
        await asyncio.sleep(_CHECK_SECONDS)
    return found


def _least_memory() -> float:
    """Return the KiB that must stay available from now on."""
    total, available = _memory()
    return min(total * _SHARE_LEFT, available / 2)


def _memory() -> tuple[int, int]:
    """Return the total and the available memory in KiB; zeros if the system does not say."""
    values = {"MemTotal": 0, "MemAvailable": 0}
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (_PROC / "meminfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in values:
                values[name] = int(value.split()[0])
    return values["MemTotal"], values["MemAvailable"]


def _all_threads() -> int:
    """Return the number of threads of the machine."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((_PROC / "loadavg").read_text().split()[3].partition("/")[2])
    return 0


def threads_of(pid: int) -> int:
    """Return the number of threads of a process and its descendants."""
    children: dict[int, list[int]] = {}
    threads: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            # After the name in parentheses: state, parent, … and as the 18th field the number of threads.
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            threads[int(entry.name)] = int(fields[17])
    count, waiting = 0, [pid]
    while waiting:
        process = waiting.pop()
        count += threads.pop(process, 0)
        waiting += children.pop(process, [])
    return count
