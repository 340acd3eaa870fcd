"""One question to one model: its answer, as the editor would offer it, with its scores.

The same code answers on this machine and on a cluster's (``cluster``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from ..models.interface import Model
from ..models.stream_collector import collect
from ..types import Prompt, Usage
from .scenario import Cleaning, Scene
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
class Judging:
    """How an answer is cleaned and judged. Can be sent to another machine."""

    cleaning: Cleaning
    indent: str = ""
    """The indentation that the first line of the hole had, which an answer does not repeat."""
    threshold: float = 0.0
    """What a model itself is less sure of than this is not offered."""


class Asker(Protocol):
    """Who asks the models."""

    async def answer(
        self, model: Model, prompt: Prompt, scene: Scene, judging: Judging
    ) -> EvalAnswer:
        """Ask; raises ``ProviderError``. Cancelled, it closes the model's stream."""
        ...


class Here:
    """Asks from this process."""

    async def answer(
        self, model: Model, prompt: Prompt, scene: Scene, judging: Judging
    ) -> EvalAnswer:
        """Ask, then clean and judge in a thread."""
        return await ask(model, prompt, scene, judging)


async def ask(model: Model, prompt: Prompt, scene: Scene, judging: Judging) -> EvalAnswer:
    """An answer, closed as soon as it holds all that is of use, as in the editor; then judged."""
    enough = partial(_enough, scene) if prompt.task == "complete" else None
    read = await collect(model, prompt, enough=enough)
    answer = EvalAnswer(
        written=len(read.text),
        usage=read.usage,
        first_ms=read.first_token_ms,
        total_ms=read.total_ms or 0.0,
    )
    unsure = read.confidence is not None and read.confidence < judging.threshold
    finish = read.finish or "stop"

    def judge() -> None:
        answer.text = "" if unsure else judging.cleaning.cleaned(scene, read.text, finish)
        answer.scores = score(scene, answer.text, judging.indent)

    await asyncio.to_thread(judge)
    return answer


def _enough(scene: Scene, text: str) -> bool:
    limit = FULL_LINES if scene.multiline else 1
    body = text.lstrip("\n") if scene.multiline else text.lstrip()
    return body.count("\n") >= limit and not body.lstrip().startswith("```")
