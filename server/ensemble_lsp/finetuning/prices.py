"""Prices of training and limits of the provider, with their sources.

Prices are US dollars per million tokens, as OpenAI listed them for self-serve fine-tuning
(developers.openai.com/api/docs/pricing, 2026); the price of a job is an estimate until it has run.
The number of ``auto`` epochs and the tokens that a message adds to its text follow OpenAI's cookbook,
"Data preparation and analysis for chat model fine-tuning" (2023).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MIN_EXAMPLES = 10
MAX_UPLOAD_BYTES = 512_000_000
"""Bytes of one uploaded file."""
MAX_SUFFIX_CHARS = 64
TOKENS_PER_MESSAGE = 3
TOKENS_PER_EXAMPLE = 3

_TARGET_EPOCHS = 3
_MIN_EXAMPLE_PASSES, _MAX_EXAMPLE_PASSES = 100, 25_000
_MAX_EPOCHS = 25


@dataclass(frozen=True, slots=True)
class TrainingRates:
    """Prices and limits of one family of models."""

    pattern: str
    training: float
    """Price per million trained tokens."""
    tuned_input: float
    """Price of the tuned model in use, higher than its base's."""
    tuned_output: float
    max_example_tokens: int
    """Tokens of one example; the provider truncates longer ones."""


_RATES = (
    TrainingRates(r"gpt-4\.1-nano", 1.50, 0.20, 0.80, 65_536),
    TrainingRates(r"gpt-4\.1-mini", 5.00, 0.80, 3.20, 65_536),
    TrainingRates(r"gpt-4\.1", 25.00, 3.00, 12.00, 65_536),
    TrainingRates(r"gpt-4o-mini", 3.00, 0.30, 1.20, 65_536),
    TrainingRates(r"gpt-4o", 25.00, 3.75, 15.00, 65_536),
    TrainingRates(r"gpt-3\.5-turbo", 8.00, 3.00, 6.00, 16_385),
    TrainingRates(r"davinci-002", 6.00, 12.00, 12.00, 16_384),
    TrainingRates(r"babbage-002", 0.40, 1.60, 1.60, 16_384),
)


def rates_of(model: str) -> TrainingRates | None:
    """Return the rates of a model id (a tuned model has its base's); None if unknown."""
    ident = model.lower().removeprefix("ft:")
    return next((r for r in _RATES if re.match(r.pattern, ident)), None)


def epochs_for(examples: int) -> int:
    """Return the number of epochs that ``auto`` gives for this many examples."""
    if examples * _TARGET_EPOCHS < _MIN_EXAMPLE_PASSES:
        return min(_MAX_EPOCHS, _MIN_EXAMPLE_PASSES // max(1, examples))
    if examples * _TARGET_EPOCHS > _MAX_EXAMPLE_PASSES:
        return max(1, _MAX_EXAMPLE_PASSES // examples)
    return _TARGET_EPOCHS
