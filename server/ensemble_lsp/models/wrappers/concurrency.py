"""Concurrency limits per backend, with a queue in which completions go first."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from ...types import Chunk, Prompt, Task
from ..interface import Model
from ..stream_collector import open_stream
from .wrapper_base import Wrapper


@dataclass(order=True, slots=True)
class _Waiter:
    priority: int
    number: int
    limit: int = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class _Queue:
    """The slots of one backend. ``background`` counts those that no completion uses."""

    def __init__(self) -> None:
        self.active = 0
        self.background = 0
        self.waiters: list[_Waiter] = []

    def fits(self, priority: int, limit: int) -> bool:
        # One slot of several is reserved for completions: the user is typing and waits for them.
        most = limit if priority == 0 else max(1, limit - 1)
        return self.active < limit and (priority == 0 or self.background < most)

    def take(self, priority: int) -> None:
        self.active += 1
        self.background += priority > 0

    def give_back(self, priority: int) -> None:
        self.active -= 1
        self.background -= priority > 0
        self.wake()

    def wake(self) -> None:
        """Admit every waiter that fits, in order of the queue."""
        waiting: list[_Waiter] = []
        while self.waiters:
            waiter = heapq.heappop(self.waiters)
            if waiter.turn.done():
                continue
            if self.fits(waiter.priority, waiter.limit):
                self.take(waiter.priority)
                waiter.turn.set_result(None)
            else:
                waiting.append(waiter)
        self.waiters = waiting  # popped in order, so a heap


class Scheduler:
    """The queues of all backends; one per process, as all sessions share the machine."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}
        self._numbers = count()

    @asynccontextmanager
    async def place(self, backend: str, limit: int, task: Task) -> AsyncGenerator[None, None]:
        """Hold one of a backend's ``limit`` slots; waits for one. A cancelled waiter leaves the queue."""
        queue = self._queues.setdefault(backend, _Queue())
        priority = 0 if task == "complete" else 1
        if queue.fits(priority, limit) and not any(w.priority <= priority for w in queue.waiters):
            queue.take(priority)
        else:
            await self._wait(queue, priority, limit)
        try:
            yield
        finally:
            queue.give_back(priority)

    def waiting(self, backend: str) -> int:
        """Return the number of requests that wait for a slot."""
        queue = self._queues.get(backend)
        return len(queue.waiters) if queue else 0

    async def _wait(self, queue: _Queue, priority: int, limit: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        waiter = _Waiter(priority, next(self._numbers), limit, turn)
        heapq.heappush(queue.waiters, waiter)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                queue.give_back(priority)  # the turn came in the same moment
            else:
                queue.waiters = [w for w in queue.waiters if w is not waiter]
                heapq.heapify(queue.waiters)
                queue.wake()
            raise


class ConcurrencyLimit(Wrapper):
    """Waits for one of the backend's slots and holds it until the answer ends."""

    def __init__(self, inner: Model, scheduler: Scheduler) -> None:
        super().__init__(inner)
        self._scheduler = scheduler

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer once a slot is free."""
        profile = self.profile
        # Each model of a service has its own queue; local models share the machine's compute.
        backend = profile.backend or f"model {profile.name}"
        place = self._scheduler.place(backend, profile.concurrency, prompt.task)
        async with place, open_stream(self.inner, prompt) as chunks:
            async for chunk in chunks:
                yield chunk
