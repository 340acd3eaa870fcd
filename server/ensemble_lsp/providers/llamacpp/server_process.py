"""The child process that holds the model: started on first use, restarted, ended when idle."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ...errors import ConnectionFailedError, ModelNotFoundError, ProviderError, TimedOutError
from ...installation import install_command
from ...wording import plural

CHILD_COMMAND = (sys.executable, "-m", "ensemble_lsp.providers.llamacpp.child_process")

_MOST_THREADS = 4
_MOST_CRASHES = 3
_CRASH_SECONDS = 300.0
_STOP_SECONDS = 2.0
_LOG_BYTES = 256 * 1024
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.I)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address and key of a running child. Equal endpoints are the same child."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"


class Engine:
    """One model's child process. All methods belong to one event loop."""

    def __init__(
        self,
        name: str,
        log: Path,
        *,
        command: Sequence[str] = CHILD_COMMAND,
        idle_seconds: float = 600.0,
        start_seconds: float = 180.0,
    ) -> None:
        self.log = log
        self._name = name
        self._command = tuple(command)
        self._idle_seconds = idle_seconds
        self._start_seconds = start_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[Endpoint] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._crashes: list[float] = []
        self._users = 0
        self._idle: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The running child's process id."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @asynccontextmanager
    async def use(self, model: Path, context: int) -> AsyncGenerator[Endpoint]:
        """Yield a running child for the length of the block; raises ``ProviderError``.

        If a caller is cancelled while the model loads, the loading continues for the next caller.
        """
        self._users += 1
        if self._idle:
            self._idle.cancel()
        try:
            yield await asyncio.shield(self._started(model, context))
        finally:
            self._users -= 1
            if not self._users and not self._closed:
                loop = asyncio.get_running_loop()
                self._idle = loop.call_later(self._idle_seconds, self._end_idle)

    async def has_ended(self) -> bool:
        """Return whether the child has ended, after a connection broke; wait briefly for its end."""
        if self._process is None:
            return True
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        return self._process.returncode is not None

    async def close(self) -> None:
        """End the child; the engine is not used afterwards."""
        self._closed = True
        if self._idle:
            self._idle.cancel()
        await self._stop()
        if self._background:  # an idle child may still be ending
            await asyncio.wait(self._background, timeout=_STOP_SECONDS)

    def _started(self, model: Path, context: int) -> asyncio.Task[Endpoint]:
        if self._closed:
            raise ConnectionFailedError(self._name, f"{self._name} was closed; ask again.")
        task = self._starting
        ended = self._process is not None and self._process.returncode is not None
        if task is None or (task.done() and (ended or _failed(task))):
            self._hold_back()
            task = self._starting = asyncio.create_task(self._start(model, context))
            # All waiters may have been cancelled; retrieve the failure so that asyncio does not warn.
            task.add_done_callback(_failed)
        return task

    def _hold_back(self) -> None:
        """Raise ``ConnectionFailedError`` after several failures, until they are old enough to try again."""
        now = time.monotonic()
        self._crashes = [at for at in self._crashes if now - at < _CRASH_SECONDS]
        if len(self._crashes) >= _MOST_CRASHES:
            wait = _CRASH_SECONDS - (now - self._crashes[0])
            raise ConnectionFailedError(
                self._name,
                f"The embedded model {self._name} failed {plural(len(self._crashes), 'time')}; try again"
                f" in {wait:.0f} s ({self.log} says why).",
            )

    async def _start(self, model: Path, context: int) -> Endpoint:
        key = secrets.token_urlsafe(24)
        threads, batch_threads = await asyncio.to_thread(threads_for_this_machine)
        config = {
            "model": str(model),
            "key": key,
            "threads": threads,
            "batchThreads": batch_threads,
            "context": context,
        }
        process = await self._spawn()
        self._process = process
        try:
            answer = await asyncio.wait_for(_introduce(process, config), self._start_seconds)
        except asyncio.TimeoutError:
            await _end(process)
            self._crashes.append(time.monotonic())
            raise TimedOutError(
                self._name,
                f"The embedded model {self._name} did not load within {self._start_seconds:.0f} s;"
                " take a smaller one.",
            ) from None
        except BaseException:
            await _end(process)
            raise
        if isinstance(url := answer.get("url"), str) and url:
            self._keep(self._watch(process))
            return Endpoint(url, key)
        await _end(process)
        self._crashes.append(time.monotonic())
        raise self._cannot_load(model, str(answer.get("error") or ""))

    async def _spawn(self) -> asyncio.subprocess.Process:
        folder = self.log.parent
        try:
            log = await asyncio.to_thread(_open_log, self.log)
            try:
                return await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    # `-m` looks in the current folder first, and ours may be an untrusted repository.
                    cwd=folder,
                    env={k: v for k, v in os.environ.items() if not _SECRET.search(k)},
                    start_new_session=os.name == "posix",
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            finally:
                await asyncio.to_thread(os.close, log)
        except OSError as error:
            raise ConnectionFailedError(
                self._name,
                f"The embedded model {self._name} could not be started: {error.strerror}.",
            ) from error

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Discard unexpected output, and record an unexpected end."""
        if process.stdout:
            await process.stdout.read()
        await process.wait()
        if process is self._process:
            self._crashes.append(time.monotonic())

    def _end_idle(self) -> None:
        if not self._users:
            self._keep(self._stop())

    async def _stop(self) -> None:
        process, starting = self._process, self._starting
        self._process = self._starting = None
        if starting and not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
        if process:
            await _end(process)

    def _keep(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _cannot_load(self, model: Path, problem: str) -> ProviderError:
        if "xllamacpp" in problem:
            return ConnectionFailedError(
                self._name,
                f"The engine of {self._name} does not start ({problem[:200]}); reinstall it"
                f" with `{install_command('--force-reinstall xllamacpp')}`.",
            )
        return ModelNotFoundError(
            self._name,
            f"{model.name} could not be loaded as a model: it is damaged, or of a kind that the"
            f" engine does not know; download it again or choose another ({self.log} says more).",
        )


def threads_for_this_machine() -> tuple[int, int]:
    """Return the number of threads to generate with, and to read a prompt with.

    Generating leaves one core free: its threads wait for each other about a hundred times a token, and
    one that has lost its core to another program slows all of them down (measured: by a factor of 20).
    """
    cores = os.cpu_count() or 1
    with suppress(AttributeError, OSError):
        cores = len(os.sched_getaffinity(0))
    physical = cores // 2 if cores > _MOST_THREADS else cores  # usually two to a core
    return min(_MOST_THREADS, max(1, physical - 1)), min(_MOST_THREADS, max(1, physical))


async def _introduce(process: asyncio.subprocess.Process, config: dict[str, Any]) -> dict[str, Any]:
    """Send the child its job; return its answer, empty if it ended without one."""
    if process.stdin is None or process.stdout is None:
        return {}
    try:
        # Not in the arguments: every user of the machine can read those.
        process.stdin.write(json.dumps(config).encode() + b"\n")
        await process.stdin.drain()
        answer: Any = json.loads(await process.stdout.readline() or b"{}")
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a child: close its standard input, and kill it if it does not exit."""
    if process.stdin:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except asyncio.TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _open_log(path: Path) -> int:
    """Open the log for appending, readable by the user alone; empty it if it is large."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if os.fstat(descriptor).st_size > _LOG_BYTES:
        os.ftruncate(descriptor, 0)
    return descriptor


def _failed(task: asyncio.Task[Endpoint]) -> bool:
    return task.cancelled() or task.exception() is not None
