"""Read scenarios of simulated users and draw their requests; docs/selection.md describes the format."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

from ensemble_lsp.selection.request_context import PLACES, RequestContext
from ensemble_lsp.types import TASKS, Task

Half = Literal["tune", "test"]
Draw = Mapping[str, Any]
"""Fields of a request context; a list or a ``{"from", "to"}`` table is drawn from for each request."""

_FIELDS = {f.name: type(f.default) for f in fields(RequestContext) if f.name != "task"}
_KEYS = {
    "name", "half", "task", "requests", "features", "contexts", "models", "order", "feedback",
    "changes",
}  # fmt: skip
_CHOICES = {"place": PLACES, "trigger": ("automatic", "invoked")}


@dataclass(frozen=True)
class Place:
    """One context of a scenario: its weight among the requests and its features."""

    name: str
    weight: float
    features: Draw


@dataclass(frozen=True)
class Change:
    """A model's new chances from a request on."""

    at: int
    model: str
    right: Mapping[str, float]


@dataclass(frozen=True)
class Scenario:
    """A simulated user."""

    name: str
    half: Half
    task: Task
    requests: int
    features: Draw
    contexts: tuple[Place, ...]
    models: Mapping[str, Mapping[str, float]]
    """The chance of a right answer by model and context."""
    priors: tuple[float, ...] | None
    session: int
    """Consecutive requests in one context; 1 draws each request's context."""
    changes: tuple[Change, ...]
    accept_right: float
    accept_wrong: float
    delay: int


@dataclass(frozen=True)
class Request:
    """One request: its context and each model's chance of a right answer."""

    name: str
    context: RequestContext
    right: tuple[float, ...]


def draw_requests(scenario: Scenario, rng: random.Random) -> list[Request]:
    """Draw the requests of one run."""
    found: list[Request] = []
    for n, place in enumerate(_places(scenario, rng)):
        chances = {m: by[place.name] for m, by in scenario.models.items()}
        for change in scenario.changes:
            if n >= change.at:
                chances[change.model] = change.right[place.name]
        drawn = {k: _drawn(v, rng) for k, v in {**scenario.features, **place.features}.items()}
        context = RequestContext(scenario.task, **drawn)
        found.append(Request(place.name, context, tuple(chances.values())))
    return found


def _places(scenario: Scenario, rng: random.Random) -> Iterator[Place]:
    """Yield the context of each request; a session never continues the context before it."""
    contexts, weights = scenario.contexts, [c.weight for c in scenario.contexts]
    last: Place | None = None
    for n in range(scenario.requests):
        if last is None or n % scenario.session == 0:
            fresh = rng.choices(contexts, weights)[0]
            while scenario.session > 1 and len(contexts) > 1 and fresh is last:
                fresh = rng.choices(contexts, weights)[0]
            last = fresh
        yield last


def _drawn(value: Any, rng: random.Random) -> Any:
    if isinstance(value, list):
        return rng.choice(cast("list[Any]", value))
    if isinstance(value, Mapping):
        span = cast("Mapping[str, int]", value)
        return rng.randint(span["from"], span["to"])
    return value


def read_scenarios(path: Path) -> list[Scenario]:
    """Read a file of scenarios; raises ``ValueError`` with one sentence that names the invalid one."""
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("scenarios"), list):
        raise ValueError(f"{path}: has no list named scenarios")
    defaults = raw.get("defaults") or {}
    found: list[Scenario] = []
    for number, one in enumerate(raw["scenarios"], 1):
        try:
            if not isinstance(one, dict):
                raise ValueError("is not an object")
            found.append(_scenario({**defaults, **one}))
        except (ValueError, TypeError, KeyError) as error:
            name = one.get("name") if isinstance(one, dict) else None
            raise ValueError(f"{path}: scenario {name or number}: {error}") from error
    if len({s.name for s in found}) != len(found):
        raise ValueError(f"{path}: two scenarios have the same name")
    return found


def _scenario(raw: Mapping[str, Any]) -> Scenario:
    _check(not (set(raw) - _KEYS), f"unknown keys {sorted(set(raw) - _KEYS)}")
    contexts = tuple(
        Place(name, float(c.get("weight", 1)), _features(c.get("features", {})))
        for name, c in raw["contexts"].items()
    )
    names = [c.name for c in contexts]
    models = {name: _chances(m["right"], names) for name, m in raw["models"].items()}
    _check(len(models) >= 2, "needs two models or more")
    _check(raw.get("task", "complete") in TASKS, f"task must be one of {', '.join(TASKS)}")
    _check(raw.get("half", "test") in ("tune", "test"), "half must be tune or test")
    order, feedback = raw.get("order", "random"), raw.get("feedback", {})
    session = 1 if order == "random" else int(order["session"])
    requests = int(raw.get("requests", 300))
    _check(requests >= 1 and session >= 1, "requests and session must be at least 1")
    priors = [m.get("prior") for m in raw["models"].values()]
    right, wrong = (float(feedback.get(k, v)) for k, v in (("right", 0.75), ("wrong", 0.15)))
    _check(0 <= wrong < right <= 1, "feedback needs 0 ≤ wrong < right ≤ 1")
    return Scenario(
        name=str(raw["name"]),
        half=raw.get("half", "test"),
        task=raw.get("task", "complete"),
        requests=requests,
        features=_features(raw.get("features", {})),
        contexts=contexts,
        models=models,
        priors=None
        if None in priors
        else tuple(wrong + (right - wrong) * float(p) for p in cast("list[float]", priors)),
        session=session,
        changes=tuple(_change(c, names, models) for c in raw.get("changes", ())),
        accept_right=right,
        accept_wrong=wrong,
        delay=int(feedback.get("delay", 3)),
    )


def _change(raw: Mapping[str, Any], names: Sequence[str], models: Mapping[str, Any]) -> Change:
    _check(raw["model"] in models, f"a change names the unknown model {raw['model']!r}")
    return Change(int(raw["at"]), raw["model"], _chances(raw["right"], names))


def _chances(raw: Any, names: Sequence[str]) -> dict[str, float]:
    """Return the chance by context; one number counts for all contexts."""
    chances: dict[str, Any] = dict(raw) if isinstance(raw, Mapping) else dict.fromkeys(names, raw)
    _check(set(chances) == set(names), f"right needs a number for each of {', '.join(names)}")
    _check(all(0 <= float(v) <= 1 for v in chances.values()), "right must be from 0 to 1")
    return {name: float(chances[name]) for name in names}


def _features(raw: Mapping[str, Any]) -> Draw:
    for key, value in raw.items():
        _check(key in _FIELDS, f"unknown feature {key!r}; known are {', '.join(_FIELDS)}")
        ends = isinstance(value, Mapping)
        values = [value["from"], value["to"]] if ends else value
        for one in cast("list[Any]", values if isinstance(values, list) else [values]):
            good = type(one) is _FIELDS[key] and one in _CHOICES.get(key, (one,))
            _check(good, f"feature {key} cannot be {one!r}")
    return raw


def _check(good: bool, message: str) -> None:
    if not good:
        raise ValueError(message)
