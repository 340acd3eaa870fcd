"""Expectations of a model before its first outcome: public records on code, then rules of thumb.

Two public boards of the aider project (https://aider.chat/docs/leaderboards/, Apache-2.0; figures
as of October 2025) give a share of solved exercises: ``polyglot`` (225 hard exercises in six
languages, two attempts) and the older ``edit`` (133 Python exercises, first attempt). Models on
both tie the scales together: score = 0.42 + 0.5 × polyglot, score = edit. A score is the expected
share of good answers to an ordinary request; as a reward it is ``0.15 + 0.6 × score``, because not
every good answer is taken and some bad ones are.

For ``complete``, a provider's own ``measured_completions`` come first: the share of lines that its models
ended exactly right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ..models.interface import Profile
from ..provider_spec import spec_of, specs
from ..types import Task

WEIGHT = 12.0
"""Observations that a prior is worth: few, so that a wrong one is forgotten within a day."""


@dataclass(frozen=True, slots=True)
class Prior:
    """An expected reward (0 to 1) and where it comes from, in words for the user."""

    reward: float
    source: str


@dataclass(frozen=True, slots=True)
class _Record:
    pattern: re.Pattern[str]
    board: Literal["polyglot", "edit"]
    percent: float
    slow: bool = False
    """Thinks before it answers: several times the usual latency."""

    @property
    def score(self) -> float:
        share = self.percent / 100
        return share if self.board == "edit" else 0.42 + 0.5 * share


def _r(
    pattern: str, board: Literal["polyglot", "edit"], percent: float, slow: bool = False
) -> _Record:
    return _Record(re.compile(rf"(?<![a-z0-9]){pattern}"), board, percent, slow)


# The first that matches a model's id (lower case; "_", ":", ".", " " as "-") counts: longer first.
_RECORDS = (
    _r(r"gpt-5(?!-(?:nano|mini))", "polyglot", 86.7, True),
    _r(r"gpt-4-1-nano", "polyglot", 8.9),
    _r(r"gpt-4-1-mini", "polyglot", 32.4),
    _r(r"gpt-4-1", "polyglot", 52.4),
    _r(r"gpt-4-5", "polyglot", 44.9),
    _r(r"gpt-4o-mini", "edit", 40.6),
    _r(r"(?:chat)?gpt-4o", "edit", 57.1),
    _r(r"gpt-4", "edit", 50.4),
    _r(r"gpt-3-5", "edit", 41.4),
    _r(r"gpt-oss-120b", "polyglot", 41.8, True),
    _r(r"o4-mini", "polyglot", 72.0, True),
    _r(r"o3-mini", "polyglot", 53.8, True),
    _r(r"o3", "polyglot", 76.9, True),
    _r(r"o1-mini", "polyglot", 32.9, True),
    _r(r"o1", "polyglot", 61.7, True),
    _r(r"claude-(?:opus-4|4-opus)", "polyglot", 70.7),
    _r(r"claude-(?:sonnet-4|4-sonnet)", "polyglot", 56.4),
    _r(r"claude-3-7-sonnet", "polyglot", 60.4),
    _r(r"claude-3-5-sonnet", "polyglot", 51.6),
    _r(r"claude-3-5-haiku", "polyglot", 28.0),
    _r(r"claude-3-opus", "edit", 53.4),
    _r(r"claude-3-sonnet", "edit", 43.6),
    _r(r"claude-3-haiku", "edit", 40.6),
    _r(r"gemini-2-5-pro", "polyglot", 79.1, True),
    _r(r"gemini-2-5-flash", "polyglot", 47.1),
    _r(r"gemini-2-0-flash", "polyglot", 22.2),
    _r(r"gemini-2-0-pro", "polyglot", 35.6),
    _r(r"gemini-1-5-pro", "edit", 49.6),
    _r(r"gemini-1-5-flash", "edit", 37.6),
    _r(r"gemma-?2-27b", "edit", 31.6),
    _r(r"gemma-?3-27b", "polyglot", 4.9),
    _r(r"deepseek-(?:reasoner|r1)", "polyglot", 56.9, True),
    _r(r"deepseek-(?:chat-)?v3", "polyglot", 55.1),
    _r(r"deepseek-chat", "polyglot", 55.1),
    _r(r"deepseek-coder-v2", "edit", 57.9),
    _r(r"deepseek-(?:chat-)?v2", "edit", 54.9),
    _r(r"qwen3-235b", "polyglot", 59.6),
    _r(r"qwen3-32b", "polyglot", 40.0),
    _r(r"qwen-?2-5-(?:1-)?coder-?0-5b", "edit", 14.3),
    _r(r"qwen-?2-5-(?:1-)?coder-?1-5b", "edit", 28.6),
    _r(r"qwen-?2-5-(?:1-)?coder-?3b", "edit", 33.8),
    _r(r"qwen-?2-5-(?:1-)?coder-?7b", "edit", 51.9),
    _r(r"qwen-?2-5-(?:1-)?coder-?14b", "edit", 58.6),
    _r(r"qwen-?2-5-(?:1-)?coder-?32b", "edit", 59.4),
    _r(r"qwen-?2-5-72b", "edit", 53.4),
    _r(r"qwen-?2-5-32b", "edit", 44.4),
    _r(r"qwen-?2-72b", "edit", 44.4),
    _r(r"qwq-32b", "polyglot", 20.9, True),
    _r(r"codestral-25", "polyglot", 11.1),
    _r(r"codestral", "edit", 35.3),
    _r(r"mistral-large", "edit", 46.6),
    _r(r"mistral-small", "edit", 30.1),
    _r(r"mistral-nemo", "edit", 22.6),
    _r(r"llama-4-maverick", "polyglot", 15.6),
    _r(r"llama-?3-3-70b", "edit", 42.1),
    _r(r"llama-?3-2-3b", "edit", 20.3),
    _r(r"(?:meta-)?llama-?3-1-405b", "edit", 48.9),
    _r(r"(?:meta-)?llama-?3-1-(?:nemotron-)?70b", "edit", 43.6),
    _r(r"(?:meta-)?llama-?3-1-8b", "edit", 26.3),
    _r(r"(?:meta-)?llama-?3-70b", "edit", 38.6),
    _r(r"yi-coder-9b", "edit", 46.6),
    _r(r"codegeex4", "edit", 28.6),
    _r(r"granite3-dense-8b", "edit", 17.3),
    _r(r"kimi-k2", "polyglot", 59.1),
    _r(r"grok-4", "polyglot", 79.6, True),
    _r(r"grok-3-mini", "polyglot", 34.7),
    _r(r"grok-3", "polyglot", 53.3),
    _r(r"grok-2", "edit", 45.9),
    _r(r"command-a", "polyglot", 12.0),
    _r(r"command-r", "edit", 30.1),
)

_SLOW = re.compile(r"think|reason|(?<![a-z0-9])(?:qwq|r1|o[134]|gpt-5)(?![a-z0-9])")
_SIZE = re.compile(r"(?<![a-z0-9])(?:\d+x)?(\d+(?:-\d+)?)(b|m)(?![a-z])")
_CODE = re.compile(r"cod(?:er|e)|starcoder|stral")


_MEASURED_EDITS = {
    "mercury": 0.58,
    "zeta-2": 0.56,
    "zeta": 0.55,
    "instinct": 0.25,
    "sweep-next-edit": 0.22,
}
"""Published scores of predicted edits, by format: cursortab's 50 scenarios; for Instinct, Sweep's table."""


def prior_for(profile: Profile, task: Task) -> Prior:
    """The prior of one model for one task."""
    if task == "edit" and (score := _MEASURED_EDITS.get(profile.edit_format)):
        return Prior(reward_of(score), f"the measured edits of its family ({100 * score:.0f} %)")
    return _prior(profile.provider, profile.model, profile.fim, profile.local, task)


@lru_cache(maxsize=1024)
def is_slow(model: str) -> bool:
    """Whether a model is known to think before it answers."""
    record = _record(_plain(model))
    return record.slow if record else bool(_SLOW.search(_plain(model)))


@lru_cache(maxsize=1024)
def _prior(provider: str, model: str, fim: str, local: bool, task: Task) -> Prior:
    spec = spec_of(provider)
    plain = _plain(model if spec.needs_model else spec.default_model)
    if task == "complete":
        for pattern, score in _measured_completions():
            if re.search(pattern, plain):
                source = f"its measured one-line completions ({100 * score:.0f} % exactly right)"
                return Prior(reward_of(score), source)
    score, source = _score(plain, local)
    if task == "complete" and fim == "none":
        # A model that sees the suffix only as text in a chat fills in worse than it writes.
        score, source = score * 0.8, f"{source}, less for no fill-in-the-middle"
    return Prior(reward_of(score), source)


def _measured_completions() -> Iterator[tuple[str, float]]:
    for spec in specs().values():
        yield from spec.measured_completions


def reward_of(score: float) -> float:
    """Return the expected reward of answers of which this share is right."""
    return round(0.15 + 0.6 * score, 4)


def _score(plain: str, local: bool) -> tuple[float, str]:
    record = _record(plain)
    if record:
        return (
            record.score,
            f"the public record of its family (aider {record.board}, {record.percent:g} %)",
        )
    size = _SIZE.search(plain)
    if size:
        billions = float(size[1].replace("-", ".")) / (1 if size[2] == "b" else 1000)
        score = _by_size(billions) + (0.05 if _CODE.search(plain) else 0.0)
        return score, f"its size ({billions:g} billion parameters)"
    if local:
        return 0.25, "what local models usually reach"
    return 0.5, "what models usually reach"


def _by_size(billions: float) -> float:
    """Median score of models of that size on the boards."""
    for limit, score in ((0.4, 0.05), (1, 0.12), (2, 0.22), (4, 0.28), (10, 0.33), (40, 0.42)):
        if billions <= limit:
            return score
    return 0.46


def _record(plain: str) -> _Record | None:
    return next((r for r in _RECORDS if r.pattern.search(plain)), None)


def _plain(model: str) -> str:
    """A model's id without its folders, in one spelling."""
    name = re.split(r"[/\\]", model.strip().lower())[-1]
    name = re.sub(r"\.gguf$", "", name)
    return re.sub(r"[_:. ]+", "-", name)
