"""One question to one model: its answer, as the editor would offer it, with its scores.

The same code answers on this machine and on a cluster's (``cluster``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from ..models.interface import Model
from ..types import Prompt, Usage
from .scenario import Cleaning, Scenario
from .scoring import score

FULL_LINES = 40
"""Lines after which a completion is closed, as in the editor."""


@dataclass(slots=True)
class EvalAnswer:
    """What came of it. Milliseconds."""

    text: str = ""
    """As the editor would offer it; empty where nothing would be offered."""
    written: int = 0
    """Characters that the model wrote."""
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    usage: Usage | None = None
    first_ms: float | None = None
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """How an answer is cleaned and judged. Can be sent to another machine."""

    cleaning: Cleaning
    indent: str = ""
    """The indentation that the first line of the hole had, which an answer does not repeat."""
    threshold: float = 0.0
    """What a model itself is less sure of than this is not offered."""


class Sampler(Protocol):
    """Who asks the models."""

    async def sample(
        self, model: Model, prompt: Prompt, scene: Scenario, judging: ScoringSettings
    ) -> EvalAnswer:
        """Ask; raises ``ProviderError``. Cancelled, it closes the model's stream."""
        ...


class LocalSampler:
    """Asks from this process."""

    async def sample(
        self, model: Model, prompt: Prompt, scene: Scenario, judging: ScoringSettings
    ) -> EvalAnswer:
        """Ask, then clean and judge in a thread."""
        return await sample_answer(model, prompt, scene, judging)


async def sample_answer(
    model: Model, prompt: Prompt, scene: Scenario, judging: ScoringSettings
) -> EvalAnswer:
    """An answer, closed as soon as it holds all that is of use, as in the editor; then judged."""
    answer, start = EvalAnswer(), time.perf_counter()
    parts: list[str] = []
    finish, confidence = "stop", None
    async with aclosing(model.stream(prompt)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            if chunk.text and answer.first_ms is None:
                answer.first_ms = (time.perf_counter() - start) * 1e3
            parts.append(chunk.text)
            answer.usage = chunk.usage or answer.usage
            finish = chunk.finish or finish
            if chunk.confidence is not None:
                confidence = chunk.confidence
            if chunk.text and prompt.task == "complete" and _enough("".join(parts), scene):
                break
    answer.total_ms = (time.perf_counter() - start) * 1e3
    raw = "".join(parts)
    answer.written = len(raw)
    unsure = confidence is not None and confidence < judging.threshold

    def judge() -> None:
        answer.text = "" if unsure else judging.cleaning.cleaned(scene, raw, finish)
        answer.scores = score(scene, answer.text, judging.indent)

    await asyncio.to_thread(judge)
    return answer


def _enough(text: str, scene: Scenario) -> bool:
    limit = FULL_LINES if scene.multiline else 1
    body = text.lstrip("\n") if scene.multiline else text.lstrip()
    return body.count("\n") >= limit and not body.lstrip().startswith("```")
