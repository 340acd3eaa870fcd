"""Model selection: the context of a request, its complexity, and the selectors."""

from __future__ import annotations

from ..settings import SelectorSettings
from .choice import Choice, Latency, Ranked, Selector
from .fixed import FixedSelector
from .learned import LearnedSelector
from .request_context import RequestContext, request_context
from .seed import SeedSelector

__all__ = [
    "Choice",
    "Latency",
    "Ranked",
    "RequestContext",
    "Selector",
    "make_selector",
    "request_context",
]


def make_selector(settings: SelectorSettings) -> Selector:
    """Return the selector that the settings name, with nothing learned yet."""
    latency, cost = settings.latency_weight, settings.cost_weight
    if settings.strategy == "fixed":
        return FixedSelector(latency_weight=latency, cost_weight=cost)
    if settings.strategy == "seed":
        return SeedSelector(latency_weight=latency, cost_weight=cost)
    return LearnedSelector(
        latency_weight=latency,
        cost_weight=cost,
        seed=settings.seed,
        escalate=settings.escalate,
    )
