"""Whether an instant model's answer is worth showing at once, while a better model could still be asked."""

from __future__ import annotations

from .choice import Choice
from .priors import WEIGHT, reward_of


def leads(choice: Choice, model: str, confidence: float | None) -> bool:
    """Return whether an answer at hand is worth more than the wait for the best other model.

    Its confidence takes the prior's part in the expected reward: it says what this one answer is worth, the
    prior only what the model's answers are worth on average. Outcomes count as ever. A pin, a fixed
    order and an exploration keep their order.
    """
    if choice.reason or choice.explored:
        return choice.names[:1] == (model,)
    mine = next((r for r in choice.ranked if r.model == model), None)
    if mine is None:
        return False
    rivals = [r.utility for r in choice.ranked if r.model != model]
    worth = mine.expected
    if confidence is not None:
        prior, seen = reward_of(confidence), mine.observations
        worth = (prior * WEIGHT + mine.expected * seen) / (WEIGHT + seen)
    return not rivals or worth >= max(rivals)


def is_expected_within(choice: Choice, models: list[str], ms: float) -> bool:
    """Return whether the best of some models probably answers within a time."""
    return next((r.latency_ms <= ms for r in choice.ranked if r.model in models), False)
