"""What a comparison will cost, and a limit that is never passed."""

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

_USUAL_ANSWER = {"complete": 40, "explain": 350, "generate": 300}
_USUAL_INSTRUCTIONS = 220
_UNPAID = (
    AuthenticationError, QuotaExceededError, RateLimitedError, ModelNotFoundError, BadRequestError,
    ContextTooLongError, ConnectionFailedError, ServiceUnavailableError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What one model's share of a run will take."""

    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float
    """US dollars, as expected."""
    max_cost: float
    """US dollars, at most."""
    priced: bool
    """Whether the model's prices are known, or it runs on this machine."""
    local: bool


def estimate_cost(profile: Profile, prompts: Sequence[Prompt]) -> CostEstimate:
    """The cost of asking those prompts, by rule of thumb and at most."""
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
    """Whether a failed request may have been paid for: the answer had started, or nobody knows."""
    return error.was_sent and not isinstance(error, _UNPAID)


def check_prices(estimates: Sequence[CostEstimate], limit: float | None) -> None:
    """Raise ``SettingsError`` where a limit is wanted for a model whose price nobody knows."""
    if limit is None:
        return
    unknown = [e.model for e in estimates if not e.priced]
    if unknown:
        raise SettingsError(
            f"The price of {' and '.join(unknown)} is not known, so no budget can hold; set "
            "inputPrice and outputPrice of the model, or leave --max-cost out."
        )


class Budget:
    """Money that requests reserve before they are sent. ``limit`` None: no limit."""

    def __init__(self, limit: float | None, spent: float = 0.0) -> None:
        self.limit = limit
        self.spent = spent
        self._reserved = 0.0
        self._changed = asyncio.Condition()

    async def reserve(self, amount: float) -> bool:
        """Take an amount out; waits while others might give theirs back. False: there is not enough."""
        async with self._changed:
            while not self._fits(amount):
                if self._reserved <= 0:
                    return False
                await self._changed.wait()
            self._reserved += amount
            return True

    async def settle(self, reserved: float, cost: float) -> None:
        """Give a reservation back, and book what was really spent."""
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
