"""Let one model judge several candidates if no consensus helps.

The candidates appear in random order and without names: judges favour the first position and their own answers
(Zheng et al. 2023, "Judging LLM-as-a-judge").
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from ..errors import ProviderError
from ..models.interface import Model
from ..types import Prompt
from .fan_out import query_all

MAX_CANDIDATES = 6
"""Candidates that the judge sees; the others have too few votes."""
_LETTERS = "ABCDEF"
_QUESTION = """\
The selected text holds {count} candidates for the code at that place, each below a line with its letter. \
The instruction is:
{instruction}
Which candidate is correct and complete? Reply with its letter and nothing else."""


def judge_prompt(prompt: Prompt, texts: Sequence[str], order: Sequence[int]) -> Prompt:
    """Turn a generation's prompt into the judge's, with the candidates in ``order``, under letters."""
    shown = [
        f"=== candidate {letter} ===\n{texts[index]}"
        for letter, index in zip(_LETTERS, order, strict=False)
    ]
    instruction = prompt.instruction or "the code that the surrounding text asks for"
    return replace(
        prompt,
        task="explain",
        selection="\n".join(shown),
        instruction=_QUESTION.format(count=len(shown), instruction=instruction),
        max_tokens=16,
        temperature=0.0,
    )


def parse_choice(reply: str, order: Sequence[int]) -> int | None:
    """Return the candidate that a reply names; None for no candidate or several."""
    named = set(re.findall(rf"\b[{_LETTERS[: len(order)]}]\b", reply[:200]))
    return order[_LETTERS.index(named.pop())] if len(named) == 1 else None


async def judge_candidates(
    judge: Model, prompt: Prompt, texts: Sequence[str], *, budget_ms: float, seed: int | None = None
) -> int | None:
    """Return the index of the judge's candidate; None if it fails, is late or undecided."""
    order = list(range(min(len(texts), MAX_CANDIDATES)))
    random.Random(seed).shuffle(order)  # noqa: S311 - not a secret
    try:
        asked = await query_all([judge], judge_prompt(prompt, texts, order), budget_ms=budget_ms)
    except ProviderError:
        return None
    return parse_choice(asked.completions[0].text, order) if asked.completions else None
