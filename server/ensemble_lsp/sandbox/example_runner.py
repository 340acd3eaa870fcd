"""Run the prompt's own examples on answers, each in a process that can reach nothing.

No network, no writing outside a temporary directory, no reading but Python's library, no other program; limits on
time, memory, files and processes. It needs Linux with Landlock and seccomp (``isolation/landlock_seccomp.py``,
docs/security.md); elsewhere nothing runs and ``ExampleRun.unavailable`` says why. The sandbox guards the machine,
not the vote: hostile code can still lie about its own examples.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .check_results import CheckOutcome, CheckResults, ExampleCheck
from .folders import DiskUse, discard
from .process import ResourceLimits, isolation_job, run_script

logger = logging.getLogger(__name__)

MAX_OUTPUT = 2000
"""Characters of a check's output that are kept."""
MAX_PARALLEL = 2
"""Sandboxes that run at the same time."""
_ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class ExampleLimits(ResourceLimits):
    """Resources that one run of a prompt's examples may use."""

    seconds: float = 4.0
    memory: int = 1 << 30
    file_bytes: int = 4 << 20
    disk: DiskUse = DiskUse(32 << 20, 2000)  # noqa: RUF009 - frozen
    check_seconds: float = 1.0
    """Seconds for one check; the others still run."""


@dataclass(frozen=True, slots=True)
class ExampleRun:
    """The result of a run: for each group of checks, one outcome a check."""

    groups: tuple[tuple[CheckOutcome, ...], ...] = ()
    completed: bool = True
    """False if the run crashed or was killed."""
    unavailable: str = ""
    """The reason if this system cannot lock a process down; then nothing ran."""
    layers: tuple[str, ...] = ()
    """The kernel mechanisms that locked it down."""


class ExampleRunner:
    """Runs one prompt's examples on answers; ``apply`` turns an answer's text into a complete source file."""

    def __init__(
        self,
        groups: Sequence[Sequence[ExampleCheck]],
        apply: Callable[[str], str],
        limits: ExampleLimits | None = None,
    ) -> None:
        self._groups = groups
        self._apply = apply
        self._limits = limits
        self._gate = asyncio.Semaphore(MAX_PARALLEL)
        self._results: dict[str, CheckResults | None] = {}
        self.unavailable = ""
        """The reason if this system runs no examples; else empty."""

    async def __call__(self, text: str) -> CheckResults | None:
        """Run the examples on an answer, once for equal texts; None if nothing ran."""
        if self.unavailable or not self._groups:
            return None
        if text not in self._results:
            async with self._gate:
                ran = await run_examples(self._apply(text), self._groups, self._limits)
            self.unavailable = ran.unavailable or self.unavailable
            outcomes = ran.groups if ran.completed else None
            self._results[text] = (
                None if ran.unavailable else CheckResults.from_run(self._groups, outcomes)
            )
        return self._results[text]


async def run_examples(
    source: str, groups: Sequence[Sequence[ExampleCheck]], limits: ExampleLimits | None = None
) -> ExampleRun:
    """Run checks on a module's source. Cancelling kills the process. Never raises for the code it runs."""
    limits = limits or ExampleLimits()
    if sys.platform != "linux":
        return ExampleRun(completed=False, unavailable="examples run on Linux only")
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="ensemble-lsp-run-")
    try:
        job = await asyncio.to_thread(_job, source, groups, limits, folder)
        answer = await run_script(job, _ENVIRONMENT, limits)
        return _parse(answer, [len(group) for group in groups])
    except OSError:
        return ExampleRun(completed=False)
    finally:
        await asyncio.shield(discard(Path(folder)))


def _job(
    source: str, groups: Sequence[Sequence[ExampleCheck]], limits: ExampleLimits, folder: str
) -> dict[str, Any]:
    packages, readable = _python_paths()
    cpu_seconds = max(1, round(limits.seconds + 0.5))
    return {
        **isolation_job(folder, readable, limits, cpu_seconds=cpu_seconds),
        "source": source,
        "groups": [[_as_json(check) for check in group] for group in groups],
        "paths": packages,
        "checkSeconds": limits.check_seconds,
    }


def _as_json(check: ExampleCheck) -> dict[str, str]:
    values = {"kind": check.kind, "source": check.source}
    return values if check.expected is None else {**values, "expected": check.expected}


@lru_cache(maxsize=1)
def _python_paths() -> tuple[list[str], list[str]]:
    """Return the folders of Python's packages, and every path that must be readable to use them."""
    packages = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    library = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache"]
    shared = sysconfig.get_config_var("LIBDIR") or ""
    devices = ["/dev/urandom", "/dev/zero", "/etc/localtime"]
    readable = dict.fromkeys(str(p) for p in (*packages, *library, *system, *devices, shared) if p)
    return list(dict.fromkeys(packages)), list(readable)


def _parse(answer: bytes | None, sizes: Sequence[int]) -> ExampleRun:
    """Parse a run's answer. Its first line is ours; untested code may have written anything after it."""
    first, _, rest = (answer or b"").partition(b"\n")
    try:
        head: Any = json.loads(first)
        if reason := head.get("unavailable"):
            logger.warning("examples are not run: %s", reason)
            return ExampleRun(completed=False, unavailable=str(reason))
        layers = tuple(map(str, head["layers"]))
        groups: Any = json.loads(rest)["groups"]
        outcomes = tuple(
            tuple(CheckOutcome(one["ok"] is True, str(one["output"])[:MAX_OUTPUT]) for one in group)
            for group in groups
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ExampleRun(completed=False)
    if [len(group) for group in outcomes] != list(sizes):
        return ExampleRun(completed=False)
    return ExampleRun(outcomes, layers=layers)
