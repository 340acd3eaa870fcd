"""Estimate the cost of a comparison, and enforce a spending limit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import (
    AuthenticationError,
    BadRequestError,
    ConnectionFailedError,
    ContextTooLongError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
    ServiceUnavailableError,
    SettingsError,
)
from ..models.interface import Profile
from ..models.token_estimates import estimate_usage, max_cost
from ..types import Prompt, Usage
from ..wording import dollars, join_names, plural

_USUAL_ANSWER = {"complete": 40, "explain": 350, "generate": 300, "edit": 150}
_USUAL_INSTRUCTIONS = 220
_UNPAID = (
    AuthenticationError, QuotaExceededError, RateLimitedError, ModelNotFoundError, BadRequestError,
    ContextTooLongError, ConnectionFailedError, ServiceUnavailableError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """One model's share of a run."""

    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float
    """Expected US dollars."""
    max_cost: float
    """US dollars at most."""
    priced: bool
    """Whether the model's prices are known or it runs on this machine."""
    local: bool


def estimate_cost(profile: Profile, prompts: Sequence[Prompt]) -> CostEstimate:
    """Estimate the expected and the highest cost of some prompts."""
    tokens_in = sum(estimate_usage(p, 0).input_tokens + _USUAL_INSTRUCTIONS for p in prompts)
    tokens_out = sum(min(p.max_tokens, _USUAL_ANSWER[p.task]) for p in prompts)
    return CostEstimate(
        model=profile.name,
        requests=len(prompts),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost=profile.cost(Usage(tokens_in, tokens_out)),
        max_cost=sum(max_cost(profile, p) for p in prompts),
        priced=profile.local or bool(profile.input_price or profile.output_price),
        local=profile.local,
    )


def may_be_billed(error: ProviderError) -> bool:
    """Return whether a failed request may be billed: the answer had started, or its state is unknown."""
    return error.was_sent and not isinstance(error, _UNPAID)


def check_prices(estimates: Sequence[CostEstimate], limit: float | None) -> None:
    """Raise ``SettingsError`` if there is a limit but a model without a known price."""
    if limit is None:
        return
    unknown = [e.model for e in estimates if not e.priced]
    if unknown:
        raise SettingsError(
            f"--max-cost needs the price of {join_names(unknown)}, which is not known; set inputPrice and "
            "outputPrice of the model, or omit --max-cost."
        )


class Budget:
    """Budget in US dollars; requests reserve their highest cost first. ``limit`` None: no limit."""

    def __init__(self, limit: float | None, spent: float = 0.0) -> None:
        self.limit = limit
        self.spent = spent
        self._reserved = 0.0
        self._changed = asyncio.Condition()

    async def reserve(self, amount: float) -> bool:
        """Reserve an amount, waiting while others may release theirs; False if there is not enough."""
        async with self._changed:
            while not self._fits(amount):
                if self._reserved <= 0:
                    return False
                await self._changed.wait()
            self._reserved += amount
            return True

    def refusal(self, admitted: int, count: int) -> str:
        """Return the sentence on a budget that admitted only some of the cases."""
        limit, spent = dollars(self.limit or 0.0), dollars(self.spent)
        if not admitted:
            already = f": {spent} is spent already, and" if self.spent else ":"
            return f"The budget of {limit} allows no case{already} the next one might exceed it."
        return (
            f"The budget of {limit} ended the run after {admitted} of {plural(count, 'case')}, as the "
            f"next one might exceed it ({spent} is spent); all models have the same cases. "
            "With a larger budget the same command resumes it."
        )

    async def settle(self, reserved: float, cost: float) -> None:
        """Release a reservation and book the actual cost."""
        async with self._changed:
            self._reserved = max(0.0, self._reserved - reserved)
            if self._reserved < 1e-12:
                self._reserved = 0.0
            self.spent += cost
            self._changed.notify_all()

    def _fits(self, amount: float) -> bool:
        return (
            self.limit is None
            or amount <= 0
            or self.spent + self._reserved + amount <= self.limit + 1e-12
        )
