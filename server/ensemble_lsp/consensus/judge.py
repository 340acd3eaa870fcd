"""One model as the judge of several candidates: where no consensus helps.

It is shown the candidates in a drawn order and without names: judges favour what stands first and what they
wrote themselves (Zheng et al. 2023, "Judging LLM-as-a-judge").
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
"""Candidates that are shown; the rest had too few votes."""
_LETTERS = "ABCDEF"
_QUESTION = """\
In the selected text are {count} candidates for the code that goes to the place, each below a line with its \
letter. Wanted is:
{wish}
Which candidate is correct and complete? Reply with its letter and nothing else."""


def judge_prompt(prompt: Prompt, texts: Sequence[str], order: Sequence[int]) -> Prompt:
    """The prompt for a judge, made of the one for a writer: candidates in ``order``, under letters."""
    shown = [
        f"=== candidate {letter} ===\n{texts[index]}"
        for letter, index in zip(_LETTERS, order, strict=False)
    ]
    wish = prompt.instruction or "what the text around the place asks for"
    return replace(
        prompt,
        task="explain",
        selection="\n".join(shown),
        instruction=_QUESTION.format(count=len(shown), wish=wish),
        max_tokens=16,
        temperature=0.0,
    )


def parse_choice(reply: str, order: Sequence[int]) -> int | None:
    """The candidate a reply names; None where it names none, or several."""
    named = set(re.findall(rf"\b[{_LETTERS[: len(order)]}]\b", reply[:200]))
    return order[_LETTERS.index(named.pop())] if len(named) == 1 else None


async def judge_candidates(
    judge: Model, prompt: Prompt, texts: Sequence[str], *, budget_ms: float, seed: int | None = None
) -> int | None:
    """The index of the candidate a judge picks; None where it fails, is late or undecided."""
    order = list(range(min(len(texts), MAX_CANDIDATES)))
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, no secret
    try:
        asked = await query_all([judge], judge_prompt(prompt, texts, order), budget_ms=budget_ms)
    except ProviderError:
        return None
    return parse_choice(asked.completions[0].text, order) if asked.completions else None
