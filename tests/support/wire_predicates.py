"""Conditions on the HTTP requests of a wire case."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast


@dataclass
class Seen:
    """One HTTP request as it came."""

    method: str
    target: str
    path: str
    """Without the query."""
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body; None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Predicate:
    """A condition on a request. An empty one holds for every request."""

    method: str | None = None
    path: str | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    """A value of ``*``: present; null: absent."""
    has: Any = None
    """JSON that the body contains: objects key by key, lists element by element in any order."""
    lacks: tuple[str, ...] = ()
    """Dotted paths that the body does not have."""
    least: Mapping[str, float] = field(default_factory=dict[str, float])
    """Dotted paths and the smallest number allowed there."""
    most: Mapping[str, float] = field(default_factory=dict[str, float])
    text: str = ""
    """A part of the body as it came."""
    any: tuple[Predicate, ...] = ()
    """At least one of these holds."""
    but: tuple[Predicate, ...] = ()
    """None of these holds."""

    def matches(self, request: Seen) -> bool:
        """Whether it holds."""
        return not self.failures(request)

    def failures(self, request: Seen) -> list[str]:
        """The parts that do not hold, in words."""
        found = [*self._address(request), *self._body(request)]
        if self.any and not any(p.matches(request) for p in self.any):
            found.append(f"none of {len(self.any)} alternatives holds: {list(self.any)}")
        found += [f"{p} holds" for p in self.but if p.matches(request)]
        return found

    def _address(self, request: Seen) -> list[str]:
        wanted = {"method": self.method, "path": self.path}
        found = [
            f"{name} is {getattr(request, name)!r}, not {value!r}"
            for name, value in wanted.items()
            if value is not None and getattr(request, name) != value
        ]
        for name, value in self.query.items():
            if request.query.get(name) != value:
                found.append(f"the query's {name} is {request.query.get(name)!r}, not {value!r}")
        for name, value in self.headers.items():
            got = request.headers.get(name)
            if (value == "*" and not got) or (value != "*" and got != value):
                found.append(f"the header {name} is {'set' if got else 'absent'}, not {value!r}")
        return found

    def _body(self, request: Seen) -> list[str]:
        body = request.json
        found: list[str] = []
        if self.has is not None and not _contains(body, self.has):
            found.append(f"the body lacks {json.dumps(self.has)}")
        found += [f"the body has {path}" for path in self.lacks if _at(body, path) is not _MISSING]
        for path, bound in self.least.items():
            if not _at(body, path, number=True) >= bound:
                found.append(f"{path} is not at least {bound}")
        for path, bound in self.most.items():
            if not _at(body, path, number=True) <= bound:
                found.append(f"{path} is not at most {bound}")
        if self.text and self.text not in request.body.decode(errors="replace"):
            found.append(f"the body does not hold {self.text!r}")
        return found

    def __str__(self) -> str:
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps({k: v for k, v in parts.items() if v}, default=str) or "{}"


_MISSING = object()


def _at(value: Any, path: str, *, number: bool = False) -> Any:
    """The value at a dotted path; a number is an index of a list.

    ``number``: NaN, which no comparison holds for, where the value is no number.
    """
    for name in path.split("."):
        if isinstance(value, list) and name.isdigit() and int(name) < len(cast("list[Any]", value)):
            value = value[int(name)]
        elif isinstance(value, dict) and name in value:
            value = cast("dict[str, Any]", value)[name]
        else:
            return math.nan if number else _MISSING
    if number and (isinstance(value, bool) or not isinstance(value, int | float)):
        return math.nan
    return value


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        table = cast("dict[str, Any]", wanted)
        return isinstance(value, dict) and all(
            name in value and _contains(cast("dict[str, Any]", value)[name], each)
            for name, each in table.items()
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and all(
            any(_contains(got, each) for got in cast("list[Any]", value))
            for each in cast("list[Any]", wanted)
        )
    return type(value) is type(wanted) and value == wanted
