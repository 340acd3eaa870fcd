"""A circuit breaker: a failing provider is paused, so that requests to it fail fast."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Literal

from ...errors import (
    AuthenticationError,
    ConnectionFailedError,
    ModelNotFoundError,
    Problem,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
    ServiceUnavailableError,
)
from ...types import Chunk, Prompt, Task
from ..interface import Model
from ..stream_collector import open_stream
from .wrapper_base import Wrapper

BreakerState = Literal["closed", "open", "half-open"]

_FAILURES = 3
"""Failures in a row that open it."""
_PAUSE = 15.0
_RATE_PAUSE = 5.0
"""Pause after too many requests, where the provider does not say how long."""
_LONGEST_PAUSE = 300.0
_LONGEST_RETRY_AFTER = 3600.0
"""Upper bound on Retry-After, in seconds; larger values are cut."""
_FOR_THE_USER = (AuthenticationError, QuotaExceededError, ModelNotFoundError)
"""Errors that only the user can fix: a retry cannot help."""
_FOR_EVERY_TASK = (
    AuthenticationError,
    QuotaExceededError,
    RateLimitedError,
    ConnectionFailedError,
)
"""Errors of the key, the quota or the connection: they concern every task of the model."""


class _Circuit:
    """The failures of one task, or those that concern every task."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._pause = 0.0
        self.last: tuple[type[ProviderError], str] = (ConnectionFailedError, "")
        self.trying = False
        self.retry_at: float | None = None

    @property
    def state(self) -> BreakerState:
        if self.retry_at is None:
            return "closed"
        return "open" if self._clock() < self.retry_at else "half-open"

    @property
    def reason(self) -> str:
        """The last failure since the last success, and the time of the next attempt."""
        if self.retry_at is None:
            return self.last[1]
        seconds = self.retry_at - self._clock()
        when = f"tried again in {seconds:.0f} s" if seconds >= 1 else "tried again next"
        return f"{self.last[1].removesuffix('.')} (paused, {when})."

    @property
    def admits(self) -> bool:
        return self.state == "closed" or (self.state == "half-open" and not self.trying)

    def reset(self) -> None:
        self._failures, self._pause, self.retry_at = 0, 0.0, None
        self.last = ConnectionFailedError, ""

    def failed(self, error: ProviderError) -> None:
        self._failures += 1
        delays = RateLimitedError, ServiceUnavailableError
        retry_after = error.retry_after if isinstance(error, delays) else None
        if isinstance(error, _FOR_THE_USER):
            self._open(_LONGEST_PAUSE)
        elif retry_after and retry_after > 0:
            self._open(min(retry_after, _LONGEST_RETRY_AFTER))
        elif self.trying:
            self._pause = min((self._pause or _PAUSE) * 2, _LONGEST_PAUSE)
            self._open(self._pause)
        elif self.retry_at is None and isinstance(error, RateLimitedError):
            self._pause = _RATE_PAUSE
            self._open(self._pause)
        # Requests that were running when it opened add no information.
        elif self.retry_at is None and self._failures >= _FAILURES:
            self._pause = _PAUSE
            self._open(self._pause)
        self.note(error)

    def note(self, error: ProviderError) -> None:
        # The class and the text, not the error: its traceback would keep the prompt alive.
        self.last = type(error), str(error)

    def _open(self, pause: float) -> None:
        until = self._clock() + pause
        self.retry_at = until if self.retry_at is None else max(until, self.retry_at)


class CircuitBreaker(Wrapper):
    """Closed: requests pass. Open: they fail at once with the last error, at no cost.

    It opens after three failures in a row, after one error that only the user can fix, and for as
    long as the provider asks (Retry-After). After the pause one request may try ("half-open"): an
    answer closes the breaker, a failure opens it for twice as long, up to five minutes. A request
    that the provider rejects by itself (bad request, content filter) counts as an answer.

    Each task has its own breaker; only the key, the quota and the connection concern every task.
    """

    def __init__(self, inner: Model, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(inner)
        self._clock = clock
        self._shared = _Circuit(clock)
        self._tasks: dict[Task, _Circuit] = {}

    @property
    def state(self) -> BreakerState:
        """The state for the task that is worst off."""
        states = {circuit.state for circuit in self._circuits()}
        return "open" if "open" in states else "half-open" if "half-open" in states else "closed"

    @property
    def retry_at(self) -> float | None:
        """Time on the clock at which every task may be tried; None while closed."""
        return max((c.retry_at for c in self._circuits() if c.retry_at is not None), default=None)

    @property
    def reason(self) -> str:
        """The last failure and the time of the next attempt; empty after a success.

        Also for a failure that pauses nothing: an inline completion has no other place to say it.
        """
        reasons = {c.reason: c.retry_at is not None for c in self._circuits() if c.reason}
        paused = [text for text, is_paused in reasons.items() if is_paused]
        return " ".join(paused or reasons)

    @property
    def problem(self) -> Problem:
        """The kind of the last failure, of one that pauses the model before others."""
        failures = [circuit for circuit in self._circuits() if circuit.reason]
        failures.sort(key=lambda circuit: circuit.retry_at is None)
        return failures[0].last[0].problem if failures else "other"

    def state_for(self, task: Task) -> BreakerState:
        """Return the state for one task."""
        shared = self._shared.state
        return shared if shared == "open" else self._task(task).state

    def reset(self) -> None:
        """Close the breaker after a successful answer."""
        for circuit in self._circuits():
            circuit.reset()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer; while open, raise its last error."""
        circuits = self._shared, self._task(prompt.task)
        tried = self._admit(circuits)
        answered = False
        try:
            async with open_stream(self.inner, prompt) as chunks:
                async for chunk in chunks:
                    # The first text counts as success: a reader may close before the end.
                    if chunk.text and not answered:
                        answered = True
                        _reset(circuits)
                    yield chunk
            _reset(circuits)
        except ProviderError as error:
            self._failed(error, circuits)
            raise
        finally:
            # A cancelled attempt without text proves nothing: the next request may try.
            for circuit in tried:
                circuit.trying = False

    def _task(self, task: Task) -> _Circuit:
        return self._tasks.setdefault(task, _Circuit(self._clock))

    def _circuits(self) -> tuple[_Circuit, ...]:
        return self._shared, *self._tasks.values()

    def _admit(self, circuits: tuple[_Circuit, ...]) -> list[_Circuit]:
        """Return the circuits for which this request is the attempt; raise while one is open."""
        for circuit in circuits:
            if not circuit.admits:
                error = circuit.last[0](self.profile.name, circuit.reason)
                error.was_sent = False
                raise error
        tried = [circuit for circuit in circuits if circuit.state == "half-open"]
        for circuit in tried:
            circuit.trying = True
        return tried

    def _failed(self, error: ProviderError, circuits: tuple[_Circuit, ...]) -> None:
        shared, task = circuits
        concerns_all = isinstance(error, _FOR_EVERY_TASK)
        if not error.trips_breaker:
            _reset(circuits)
            task.note(error)
        elif concerns_all:
            shared.failed(error)
        else:
            # The connection and the key are fine.
            shared.reset()
            task.failed(error)


def _reset(circuits: tuple[_Circuit, ...]) -> None:
    for circuit in circuits:
        circuit.reset()
