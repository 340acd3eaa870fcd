"""The options and the plan of a comparison: what is asked for, and what it costs before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..sandbox.process import ResourceLimits
from ..types import Task
from ..wording import dollars, join_names, plural
from .case_selection import CaseSample
from .cases import CaseKind
from .spending_limit import CostEstimate

Engine = Literal["local", "ray"]
"""The place that sends the requests: this process, or a Ray cluster."""


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """The code, the models and the limits of a comparison."""

    paths: tuple[Path, ...]
    out: Path
    task: Task = "complete"
    models: tuple[str, ...] = ()
    """Names; empty for all models that do the task."""
    samples: int = 50
    seed: int = 0
    language: str | None = None
    kinds: tuple[CaseKind, ...] = ()
    max_cost: float | None = None
    """US dollars, over every run with this results folder."""
    engine: Engine = "local"
    fresh: bool = False
    """Whether to ask everything again and ignore the answers of earlier runs."""
    run_tests: str | None = None
    test_limits: ResourceLimits = field(default_factory=ResourceLimits)
    allow_network: bool = False


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """The requests and costs of a run, shown before it starts."""

    sample: CaseSample
    estimates: tuple[CostEstimate, ...]
    """For the requests without an answer yet."""
    kept: int
    """Number of answers kept from earlier runs."""
    unavailable: Mapping[str, str]
    """Models that cannot be asked, each with the reason."""
    limit: float | None = None
    """US dollars that the run and earlier ones may cost together."""

    @property
    def cost(self) -> float:
        """Expected US dollars."""
        return sum(e.cost for e in self.estimates)

    @property
    def max_cost(self) -> float:
        """US dollars at most."""
        return sum(e.max_cost for e in self.estimates)

    @property
    def leaves_machine(self) -> bool:
        """Whether code goes to a model on another machine, which the user must confirm."""
        return any(not e.local and e.requests for e in self.estimates)

    def sentence(self) -> str:
        """Return the sentence for the confirmation."""
        names = [e.model for e in self.estimates if not e.local and e.requests]
        unknown = [e.model for e in self.estimates if not e.priced and e.requests]
        price: list[str] = []
        if self.max_cost or not unknown:
            price.append(
                f"about {dollars(self.cost)}, at most {dollars(self.max_cost)} if every answer is as long as allowed"
            )
        if self.limit is not None and self.limit < self.max_cost:
            price.append(f"the budget ends it at {dollars(self.limit)}")
        if unknown:
            price.append(f"the price of {join_names(unknown)} is not known")
        cases = plural(len(self.sample.cases), "case")
        return f"This sends {cases} to {join_names(names)}: {'; '.join(price)}."
