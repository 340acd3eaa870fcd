"""Estimates of tokens and of a call's highest cost, where no tokenizer is at hand."""

from __future__ import annotations

import math

from ..types import Prompt, Usage
from .interface import Profile

CHARACTERS_PER_TOKEN = 3.5
"""Mean length of a token of code, for the tokenizers of common models."""
MAX_CHARACTERS_PER_TOKEN = 32
"""No token of ordinary text is longer: an answer with more characters ignores its limit."""
THINKING_TOKENS = 2048
"""Allowance on top of an answer for a model that thinks before it writes."""
INSTRUCTION_TOKENS = 600
"""Upper bound of the instructions and tags that a provider's request adds to a prompt."""


def tokens_of(characters: int) -> int:
    """Return about how many tokens that many characters are."""
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text is; a character beyond ASCII counts as one."""
    if text.isascii():
        return tokens_of(len(text))
    wide = len(text) - len(text.encode("ascii", "ignore"))
    return tokens_of(len(text) - wide) + wide


def estimate_usage(prompt: Prompt, characters: int) -> Usage:
    """Return the estimated usage of a prompt and of an answer with that many characters."""
    asked = sum(map(len, _texts(prompt)))
    return Usage(tokens_of(asked), tokens_of(characters), estimated=True)


def max_cost(profile: Profile, prompt: Prompt, *, thinks: bool = True) -> float:
    """Return the most US dollars that a call can cost.

    A token is at least one byte (byte-level BPE), and no answer is longer than its limit plus the
    allowance for thinking.
    """
    size = sum(len(text.encode("utf-8", "replace")) for text in _texts(prompt))
    answer = prompt.max_tokens + (THINKING_TOKENS if thinks else 0)
    return profile.cost(Usage(size + INSTRUCTION_TOKENS, answer))


def _texts(prompt: Prompt) -> tuple[str, ...]:
    if (rendered := prompt.rendered) is not None:
        return rendered.text, rendered.system, rendered.user
    return (
        prompt.path, prompt.language, prompt.prefix, prompt.suffix, prompt.selection,
        prompt.instruction, prompt.symbol, prompt.imports,
        *(part for snippet in prompt.related for part in (snippet.path, snippet.text)),
    )  # fmt: skip
