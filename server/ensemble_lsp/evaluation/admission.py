"""Admit each case to every model or to none, so that a budget leaves all models the same cases."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from .spending_limit import Budget


class CaseAdmission:
    """Reserves the highest cost of a case for all models at once, in the order of the cases."""

    def __init__(self, budget: Budget, costs: Sequence[Mapping[str, float]]) -> None:
        """``costs``: for each case, the highest cost in US dollars of each model that it is missing from."""
        self._budget = budget
        self._costs = costs
        self._held: list[dict[str, float]] = []
        """For each admitted case, what is reserved for each model that has not begun it."""
        self._admitting = False
        self._admitted = asyncio.Event()
        """Set after each admission or refusal, and replaced by a new one for the next."""
        self._left: set[str] = set()
        self.admitted = 0
        """Cases admitted so far; ``len(costs)`` without a limit that ends the run."""
        self.refused = False
        """Whether the budget does not allow the next case."""

    async def admit(self, case: int) -> bool:
        """Return whether a case may be asked; waits while running requests may release money."""
        while case >= self.admitted and not self.refused:
            if self._admitting:
                # Not a lock: while a later case waits for money, the workers of an earlier one must
                # proceed, because only its requests release the money.
                await self._admitted.wait()
                continue
            self._admitting = True
            try:
                await self._admit_next()
            finally:
                self._admitting = False
                self._admitted.set()
                self._admitted = asyncio.Event()
        return case < self.admitted

    async def _admit_next(self) -> None:
        costs = self._costs[self.admitted]
        held = {model: cost for model, cost in costs.items() if model not in self._left}
        if not await self._budget.reserve(sum(held.values())):
            self.refused = True
            return
        self._held.append(held)
        self.admitted += 1
        for model in self._left & held.keys():  # left while this waited
            await self._release(held, model)

    def take(self, case: int, model: str) -> float:
        """Return the amount that is reserved for a model's request, which must settle it."""
        return self._held[case].pop(model, 0.0)

    async def leave(self, model: str) -> None:
        """Release what is reserved for a model that asks no more."""
        self._left.add(model)
        for held in self._held:
            await self._release(held, model)

    async def _release(self, held: dict[str, float], model: str) -> None:
        amount = held.pop(model, None)
        if amount is not None:
            await self._budget.settle(amount, 0.0)
