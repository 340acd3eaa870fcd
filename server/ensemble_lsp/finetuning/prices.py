"""What training costs, and what the provider's rules allow: figures, and where they come from.

Prices are US dollars for a million tokens as OpenAI listed them for self-serve fine-tuning
(developers.openai.com/api/docs/pricing, 2026); the price of a job is an estimate until it has run.
The number of epochs that ``auto`` gives follows OpenAI's cookbook, "Data preparation and analysis
for chat model fine-tuning" (2023), and so do the tokens that a message costs beyond its text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LEAST_EXAMPLES = 10
LARGEST_FILE = 512_000_000
"""Bytes of one uploaded file."""
LONGEST_SUFFIX = 64
TOKENS_A_MESSAGE = 3
TOKENS_AN_EXAMPLE = 3

_TARGET_EPOCHS = 3
_FEW, _MANY = 100, 25_000
_MOST_EPOCHS = 25


@dataclass(frozen=True, slots=True)
class Rates:
    """One family of models."""

    pattern: str
    training: float
    """For a million trained tokens."""
    tuned_input: float
    """What the tuned model costs at work: more than its base."""
    tuned_output: float
    longest: int
    """Tokens of one example; a longer one is cut by the provider."""


_RATES = (
    Rates(r"gpt-4\.1-nano", 1.50, 0.20, 0.80, 65_536),
    Rates(r"gpt-4\.1-mini", 5.00, 0.80, 3.20, 65_536),
    Rates(r"gpt-4\.1", 25.00, 3.00, 12.00, 65_536),
    Rates(r"gpt-4o-mini", 3.00, 0.30, 1.20, 65_536),
    Rates(r"gpt-4o", 25.00, 3.75, 15.00, 65_536),
    Rates(r"gpt-3\.5-turbo", 8.00, 3.00, 6.00, 16_385),
    Rates(r"davinci-002", 6.00, 12.00, 12.00, 16_384),
    Rates(r"babbage-002", 0.40, 1.60, 1.60, 16_384),
)


def rates_of(model: str) -> Rates | None:
    """The figures of a provider's model id (a tuned one's id counts as its base's); None: unknown."""
    ident = model.lower().removeprefix("ft:")
    return next((r for r in _RATES if re.match(r.pattern, ident)), None)


def epochs_for(examples: int) -> int:
    """How often ``auto`` goes through that many examples."""
    if examples * _TARGET_EPOCHS < _FEW:
        return min(_MOST_EPOCHS, _FEW // max(1, examples))
    if examples * _TARGET_EPOCHS > _MANY:
        return max(1, _MANY // examples)
    return _TARGET_EPOCHS
