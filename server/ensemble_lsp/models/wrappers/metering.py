"""Metering: report time, tokens and cost of each call once."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from ...errors import ProviderError
from ...types import Chunk, Prompt, Task, Usage
from ..interface import Model
from ..stream_collector import open_stream
from ..token_estimates import estimate_usage
from .wrapper_base import Wrapper

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to one model, successful or not."""

    model: str
    """The configured name."""
    provider: str
    task: Task
    first_token_ms: float
    """Milliseconds to the first text, or to the end without text; includes the wait in the queue."""
    total_ms: float
    """Milliseconds until the answer was complete, or to its end."""
    usage: Usage
    cost: float
    """US dollars."""
    status: str
    """``ok`` (even if the reader had text and closed the stream), ``cancelled``, or an error's class."""
    time: float
    """Unix seconds at the start."""


class Metered(Wrapper):
    """Reports every stream to ``on_call`` exactly once: at its end, failure, cancel or close.

    A request that an open circuit breaker refused was never sent and is not reported. Tokens that the
    provider does not count are estimated, and the last chunk carries the estimate. Each chunk carries
    the model's name.
    """

    def __init__(
        self,
        inner: Model,
        on_call: Callable[[ModelCall], None],
        *,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(inner)
        self._on_call = on_call
        self._clock = clock
        self._now = now

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer."""
        meter = _Meter(self._clock(), self._now())
        name = self.profile.name
        status = "ok"
        try:
            async with open_stream(self.inner, prompt) as chunks:
                async for chunk in chunks:
                    meter.see(chunk, self._clock)
                    yield chunk if chunk.model else dataclasses.replace(chunk, model=name)
            if meter.usage is None:
                yield Chunk(model=name, usage=estimate_usage(prompt, meter.characters))
        except asyncio.CancelledError:
            # The answer was complete; only the end of its stream was not awaited.
            status = "ok" if meter.finished else "cancelled"
            raise
        except GeneratorExit:
            # A reader with text has its answer; one without text gave up.
            status = "ok" if meter.characters else "cancelled"
            raise
        except ProviderError as error:
            if not meter.finished:
                status = type(error).__name__ if error.was_sent else ""
            raise
        except Exception as error:
            status = type(error).__name__
            raise
        finally:
            if status:
                self._report(prompt, meter, status)

    def _report(self, prompt: Prompt, meter: _Meter, status: str) -> None:
        profile = self.profile
        total = ((meter.whole or self._clock()) - meter.start) * 1e3
        usage = meter.whole_usage(prompt, status)
        call = ModelCall(
            model=profile.name,
            provider=profile.provider,
            task=prompt.task,
            first_token_ms=total if meter.first is None else (meter.first - meter.start) * 1e3,
            total_ms=total,
            usage=usage,
            cost=profile.cost(usage),
            status=status,
            time=meter.time,
        )
        try:
            self._on_call(call)
        except Exception:  # the answer matters more than its record
            logger.exception("a call was not recorded")


class _Meter:
    """Measurements of one stream."""

    def __init__(self, start: float, now: float) -> None:
        self.start = start
        self.time = now
        self.first: float | None = None
        self.characters = 0
        self.usage: Usage | None = None
        self.whole: float | None = None
        """Time at which the answer was known to be complete."""

    def see(self, chunk: Chunk, clock: Callable[[], float]) -> None:
        if chunk.text and self.first is None:
            self.first = clock()
        self.characters += len(chunk.text)
        self.usage = chunk.usage or self.usage
        if chunk.finish is not None and self.whole is None:
            self.whole = clock()

    @property
    def finished(self) -> bool:
        return self.whole is not None

    def whole_usage(self, prompt: Prompt, status: str) -> Usage:
        """Return the provider's count, with an estimate of what it did not count."""
        if self.usage is None and status not in ("ok", "cancelled") and not self.characters:
            return Usage()  # refused before a token was read
        estimate = estimate_usage(prompt, self.characters)
        if self.usage is None:
            return estimate
        if self.finished or self.usage.output_tokens >= estimate.output_tokens:
            return self.usage
        # Some providers count the prompt first and the answer at its end, which was not awaited.
        return dataclasses.replace(self.usage, output_tokens=estimate.output_tokens, estimated=True)
