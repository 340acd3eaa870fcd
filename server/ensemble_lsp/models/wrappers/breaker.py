"""A circuit breaker: a failing provider is paused, so that requests to it fail fast."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Literal

from ...errors import (
    AuthenticationError,
    ConnectionFailedError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
)
from ...types import Chunk, Prompt
from ..interface import Model
from ..stream_collector import open_stream
from .wrapper_base import Wrapper

BreakerState = Literal["closed", "open", "half-open"]

_FAILURES = 3
"""Failures in a row that open it."""
_PAUSE = 15.0
_LONGEST_PAUSE = 300.0
_LONGEST_RETRY_AFTER = 3600.0
"""Upper bound on Retry-After, in seconds; larger values are cut."""
_FOR_THE_USER = (AuthenticationError, QuotaExceededError, ModelNotFoundError)
"""Errors that only the user can fix: a retry cannot help."""


class CircuitBreaker(Wrapper):
    """Closed: requests pass. Open: they fail at once with the last error, at no cost.

    It opens after three failures in a row, after one error that only the user can fix, and for as
    long as the provider asks (Retry-After). After the pause one request may try ("half-open"): an
    answer closes the breaker, a failure opens it for twice as long, up to five minutes. A request
    that the provider rejects by itself (bad request, content filter) counts as an answer.
    """

    def __init__(self, inner: Model, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(inner)
        self._clock = clock
        self._failures = 0
        self._pause = _PAUSE
        self._last: tuple[type[ProviderError], str] = (ConnectionFailedError, "")
        self._trying = False
        self.retry_at: float | None = None
        """Time on the clock of the next attempt; None while closed."""

    @property
    def state(self) -> BreakerState:
        """The current state."""
        if self.retry_at is None:
            return "closed"
        return "open" if self._clock() < self.retry_at else "half-open"

    @property
    def reason(self) -> str:
        """The last failure and the time of the next attempt; empty while closed."""
        if self.retry_at is None:
            return ""
        seconds = self.retry_at - self._clock()
        when = f"tried again in {seconds:.0f} s" if seconds >= 1 else "tried again next"
        return f"{self._last[1]} (paused, {when})"

    def reset(self) -> None:
        """Close the breaker after a successful answer."""
        self._failures, self._pause, self.retry_at = 0, _PAUSE, None

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer; while open, raise its last error."""
        trying = self._admit()
        answered = False
        try:
            async with open_stream(self.inner, prompt) as chunks:
                async for chunk in chunks:
                    # The first text counts as success: a reader may close before the end.
                    if chunk.text and not answered:
                        answered = True
                        self.reset()
                    yield chunk
            self.reset()
        except ProviderError as error:
            self._failed(error, trying)
            raise
        finally:
            # A cancelled attempt without text proves nothing: the next request may try.
            if trying:
                self._trying = False

    def _admit(self) -> bool:
        """Return whether this request is the attempt; raise while open."""
        if self.state == "closed":
            return False
        if self.state == "half-open" and not self._trying:
            self._trying = True
            return True
        error = self._last[0](self.profile.name, self.reason)
        error.was_sent = False
        raise error

    def _failed(self, error: ProviderError, trying: bool) -> None:
        if not error.trips_breaker:
            self.reset()
            return
        self._failures += 1
        retry_after = error.retry_after if isinstance(error, RateLimitedError) else None
        if isinstance(error, _FOR_THE_USER):
            self._open(error, _LONGEST_PAUSE)
        elif retry_after and retry_after > 0:
            self._open(error, min(retry_after, _LONGEST_RETRY_AFTER))
        elif trying:
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            self._open(error, self._pause)
        # Requests that were running when it opened add no information.
        elif self.retry_at is None and self._failures >= _FAILURES:
            self._open(error, self._pause)

    def _open(self, error: ProviderError, pause: float) -> None:
        # The class and the text, not the error: its traceback would keep the prompt alive.
        self._last = type(error), str(error)
        until = self._clock() + pause
        self.retry_at = until if self.retry_at is None else max(until, self.retry_at)
