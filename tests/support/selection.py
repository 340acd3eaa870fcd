"""A selector of each strategy, and the models and calls that it is given."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import pytest

from ensemble_lsp.models.interface import Profile
from ensemble_lsp.selection import make_selector
from ensemble_lsp.selection.choice import Selector
from ensemble_lsp.selection.request_context import RequestContext
from ensemble_lsp.settings import SelectorSettings

HERE = RequestContext("complete", "python", complexity=4)
BUDGET = 2500.0


def profile(name: str, model: str = "unheard-of", **more: object) -> Profile:
    return replace(Profile(name, "openai", model), **more)


A, B, C = profile("a"), profile("b"), profile("c")


@dataclass
class Call:
    model: str
    task: str = "complete"
    first_token_ms: float = 100.0
    total_ms: float = 400.0
    cost: float = 0.001
    status: str = "ok"
    time: float = field(default_factory=time.time)


def first(selector: Selector, *profiles: Profile, context: RequestContext = HERE) -> str:
    return selector.choose(context, profiles, budget_ms=BUDGET).ranked[0].model


@pytest.fixture(params=["fixed", "seed", "learned"])
def selector(request: pytest.FixtureRequest) -> Selector:
    return make_selector(SelectorSettings(strategy=request.param))
