"""Select the members of an ensemble: good and diverse, not the N best of one family."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..models.interface import Profile
from ..selection.choice import Choice

SAME_FAMILY_PENALTY = 0.10
"""Penalty on the expected reward for each selected model of the same family."""
SAME_MODEL_PENALTY = 0.30
"""The same for another configuration of the same model."""

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
    """Return the family of models that share their training, by name, else the first word of the id."""
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
    """Return at most ``size`` names within ``max_cost`` USD; the first choice is always among them.

    Greedy by expected utility minus a penalty for each member of the same family. The caller adds free models
    (recall) on top of ``size``.
    """
    by_name = {p.name: p for p in profiles}
    remaining = [r for r in choice.ranked if r.model in by_name]
    selected: list[str] = []
    spent = 0.0
    while remaining and len(selected) < size:
        if selected:
            remaining.sort(
                key=lambda r: -(r.utility - _penalty(by_name[r.model], selected, by_name))
            )
        best = remaining.pop(0)
        if selected and max_cost is not None and spent + best.cost > max_cost:
            continue
        selected.append(best.model)
        spent += best.cost
    return selected


def _penalty(profile: Profile, selected: Sequence[str], by_name: dict[str, Profile]) -> float:
    total = 0.0
    for name in selected:
        other = by_name[name]
        if (other.provider, other.model) == (profile.provider, profile.model):
            total += SAME_MODEL_PENALTY
        elif family(other.model) == family(profile.model):
            total += SAME_FAMILY_PENALTY
    return total
