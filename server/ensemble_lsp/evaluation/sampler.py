"""Sample one model on one case: its answer as the editor would offer it, with scores.

The same code runs here and on the workers of a cluster (``ray_backend``).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ..models.control_tokens import control_tokens
from ..models.interface import Model
from ..models.stream_collector import collect
from ..postprocess.completion_text import is_long_enough
from ..types import Prompt
from .edit_scoring import sample_edit
from .eval_answer import EvalAnswer
from .scenario import Scenario, cleaned
from .scoring import score


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """Settings for cleaning and scoring an answer. Picklable."""

    max_lines: int
    indent: str = ""
    """Indentation of the hole's first line, which an answer does not repeat."""
    threshold: float = 0.0
    """Confidence below which an answer is not offered."""


class Sampler(Protocol):
    """Sends requests to models."""

    async def sample(
        self, model: Model, prompt: Prompt, scenario: Scenario, scoring: ScoringSettings
    ) -> EvalAnswer:
        """Return a model's scored answer; raise ``ProviderError``. Cancelling closes the stream."""
        ...


class LocalSampler:
    """Sends requests from this process."""

    async def sample(
        self, model: Model, prompt: Prompt, scenario: Scenario, scoring: ScoringSettings
    ) -> EvalAnswer:
        """Return a model's scored answer; cleaning and scoring run in a thread."""
        return await sample_answer(model, prompt, scenario, scoring)


async def sample_answer(
    model: Model, prompt: Prompt, scenario: Scenario, scoring: ScoringSettings
) -> EvalAnswer:
    """Read an answer up to its last useful line, as the editor does, then clean and score it."""
    if scenario.edit is not None:
        return await sample_edit(model, prompt, scenario, scenario.edit)
    before, after = scenario.around()
    enough = partial(
        is_long_enough,
        multiline=scenario.multiline,
        prefix=before,
        suffix=after,
        language=scenario.document.language,
        exact=model.profile.continues_exactly,
    )
    read = await collect(model, prompt, enough=enough if prompt.task == "complete" else None)
    answer = EvalAnswer.read(read)
    unsure = read.confidence is not None and read.confidence < scoring.threshold
    finish = read.finish or "stop"

    def clean_and_score() -> None:
        tokens, exact = control_tokens(model.profile), model.profile.continues_exactly
        text = cleaned(scenario, read.text, finish, scoring.max_lines, tokens, exact=exact)
        answer.text = "" if unsure else text
        answer.scores = score(scenario, answer.text, scoring.indent)

    await asyncio.to_thread(clean_and_score)
    return answer
