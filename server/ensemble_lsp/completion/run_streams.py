"""The streams of completion runs: started or taken over, waited for, read as answers, closed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..context.prompt_builder import complete_prompt
from ..types import Prompt
from .cache import CachedAnswer, TypeThroughCache
from .inflight import InflightRequest
from .inflight_registry import InflightRegistry, wait_for_any
from .request import CompletionRun

if TYPE_CHECKING:
    from ..models.interface import Model


class RunStreams:
    """Starts the streams of runs, waits for them, and puts usable answers into the type-through cache."""

    def __init__(self, cache: TypeThroughCache, registry: InflightRegistry) -> None:
        self._cache = cache
        self._registry = registry
        self._closing: set[InflightRequest] = set()
        """Streams that are still open after a complete answer."""
        self._stalled: set[str] = set()
        """Models that gave no token in time when they were asked last."""

    def start(self, run: CompletionRun, model: Model, temperature: float = 0.0) -> bool:
        """Ask a model, or take over its running stream; ``False`` if it may not see this file."""
        if not temperature:
            taken_over = self._registry.take_over(model.profile.name, run.document, run.position)
            if taken_over is not None:
                run.streams.append(taken_over)
                return True
        prompt = self._prompt(run, model)
        if prompt is None:
            return False
        if temperature:
            prompt = replace(prompt, temperature=temperature)
        enough = partial(run.enough, exact=model.profile.continues_exactly)
        stream = InflightRequest(model, prompt, enough)
        run.streams.append((stream, ""))
        if run.request.trigger == "automatic":
            self._registry.add(run.document, run.position, stream)
        return True

    def _prompt(self, run: CompletionRun, model: Model) -> Prompt | None:
        return complete_prompt(
            run.document,
            run.position,
            profile=model.profile,
            workspace=run.app.workspace.context,
            mode=run.mode,
            max_lines=run.app.settings.complete.max_lines,
        )

    def answer(
        self, run: CompletionRun, stream: InflightRequest, typed: str
    ) -> CachedAnswer | None:
        """Return a finished stream as an answer at the cursor; ``None`` if it is not usable."""
        text = stream.text
        if typed:
            if not text.startswith(typed):
                return None
            text = text[len(typed) :]
        exact = bool(typed) or stream.profile.continues_exactly
        cleaned = run.clean(text, stream.finish or "stop", exact=exact, profile=stream.profile)
        threshold = run.app.settings.complete.threshold
        confident = stream.confidence is None or stream.confidence >= threshold
        if not cleaned.strip() or not confident:
            return None
        completion = stream.completion()
        answer = CachedAnswer(
            cleaned,
            stream.model,
            (stream.model,),
            stream.confidence,
            None,
            completion.first_token_ms,
            completion.total_ms,
            run.decision,
            f"{stream.profile.provider}/{stream.profile.model}",
        )
        self._cache.put(run.document, run.position, answer)
        return answer

    def answers(self, run: CompletionRun) -> list[CachedAnswer]:
        """Return the usable answers so far."""
        answers = [
            self.answer(run, f, typed) for f, typed in run.streams if f.done and f.has_answer
        ]
        return [a for a in answers if a is not None]

    async def wait_for_all(
        self,
        run: CompletionRun,
        deadline: float,
        enough: Callable[[CompletionRun], bool] | None = None,
    ) -> None:
        """Wait until all streams are done. With an answer in hand, stalled models are not waited for."""
        while (left := deadline - time.perf_counter()) > 0:
            running = [f for f, _ in run.streams if not f.done]
            if not running or (enough is not None and enough(run)):
                return
            if any(f.done and f.has_answer for f, _ in run.streams):
                left = min(left, max(self._seconds_to_stall(run, f, deadline) for f in running))
                if left <= 0:
                    self._stalled |= {f.profile.name for f in running}
                    return
            await wait_for_any(running, left)

    async def wait_briefly(self, run: CompletionRun, deadline: float) -> None:
        """Wait until all streams are done; too short a time to call a silent model stalled."""
        while (left := deadline - time.perf_counter()) > 0:
            running = [f for f, _ in run.streams if not f.done]
            if not running:
                return
            await wait_for_any(running, left)

    def _seconds_to_stall(
        self, run: CompletionRun, stream: InflightRequest, deadline: float
    ) -> float:
        """Seconds until a silent stream counts as stalled.

        That is after half of the time budget and twice the model's p90 to the first token. A model that stalled the
        last time gets its p90 only.
        """
        if stream.first_token_ms is not None:
            self._stalled.discard(stream.profile.name)
            return math.inf
        p90 = run.app.first_token_p90(stream.profile.name, "complete") / 1e3
        half = (deadline - stream.started) / 2
        patience = p90 if stream.profile.name in self._stalled else max(2 * p90, half)
        return stream.started + patience - time.perf_counter()

    def release(self, run: CompletionRun, keep: list[InflightRequest]) -> None:
        """Close the streams that are not kept."""
        for stream, _ in run.streams:
            if stream not in keep:
                stream.close()
                self.close_later(stream)
        if not keep:
            self._registry.close(run.request.document.uri)

    def close_later(self, stream: InflightRequest) -> None:
        """Let a stream end by itself; ``settled`` waits for it."""
        self._closing = {other for other in self._closing if not other.is_closed} | {stream}

    async def settled(self) -> None:
        """Wait for streams that are still open after a complete answer, so that their usage is counted."""
        for stream in tuple(self._closing):
            await stream.wait_closed()
