"""Who is in an ensemble: good and different, not the N best of one family."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..models.interface import Profile
from ..selection.choice import Choice

SAME_FAMILY_PENALTY = 0.10
"""Expected reward a model must be better by to be taken beside one of its family."""
SAME_MODEL_PENALTY = 0.30
"""The same for a second configuration of the very same model."""

_FAMILIES = (
    ("gpt", re.compile(r"gpt|(?<![a-z0-9])o[134](?![0-9])|davinci")),
    ("claude", re.compile(r"claude")),
    ("gemini", re.compile(r"gemini|gemma")),
    ("qwen", re.compile(r"qwen|qwq")),
    ("deepseek", re.compile(r"deepseek")),
    ("llama", re.compile(r"llama|hermes|nemotron")),
    ("mistral", re.compile(r"stral|mixtral")),
    ("grok", re.compile(r"grok")),
)


def family(model: str) -> str:
    """Which models share their training: by the id's name, else its first word."""
    plain = re.split(r"[/\\]", model.strip().lower())[-1]
    for name, pattern in _FAMILIES:
        if pattern.search(plain):
            return name
    return re.split(r"[-_.:@ \d]", plain, maxsplit=1)[0] or plain


def select_members(
    choice: Choice,
    profiles: Sequence[Profile],
    size: int,
    *,
    max_cost: float | None = None,
) -> list[str]:
    """At most ``size`` names, the choice's first always among them, within ``max_cost`` USD.

    Greedy by expected utility less a penalty for each member of the same family. What is free
    (recall) is there only for the task it does, and on top of ``size`` is for the caller to add.
    """
    by_name = {p.name: p for p in profiles}
    left = [r for r in choice.ranked if r.model in by_name]
    taken: list[str] = []
    spent = 0.0
    while left and len(taken) < size:
        if taken:
            left.sort(key=lambda r: -(r.utility - _penalty(by_name[r.model], taken, by_name)))
        best = left.pop(0)
        if taken and max_cost is not None and spent + best.cost > max_cost:
            continue
        taken.append(best.model)
        spent += best.cost
    return taken


def _penalty(profile: Profile, taken: Sequence[str], by_name: dict[str, Profile]) -> float:
    total = 0.0
    for name in taken:
        other = by_name[name]
        if (other.provider, other.model) == (profile.provider, profile.model):
            total += SAME_MODEL_PENALTY
        elif family(other.model) == family(profile.model):
            total += SAME_FAMILY_PENALTY
    return total
