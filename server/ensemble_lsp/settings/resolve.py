"""How layers of raw options become resolved ``Settings``.

Raw layers are plain ``dict``s (config file, initialization options, editor settings), last wins,
tables merged, lists replaced. ``resolve`` never fails: what is unknown or wrong is left out and
named, with its path and the nearest valid key, and the rest applies. One thing is stricter: a model
of which anything that decides where code goes is wrong is left out whole, for without it the code
would go elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from ..errors import SettingsError
from ..provider_spec import spec_of
from .messages import (
    Place,
    SettingsIssue,
    default_of,
    keys_of,
    kind,
    nearest,
    path_of,
    tables,
    unknown_key,
    wrong_value,
)
from .schema import ModelSettings, Settings, SettingsTable
from .trust import WorkspaceAdditions, restrict

Raw = Mapping[str, Any]

_DEEPEST = 8
"""Levels of nesting that are looked at; the schema has four."""

_DECIDES_WHERE = frozenset({"name", "provider", "model", "baseUrl", "apiKeyEnv", "api"})
"""What decides where code and key go."""

_SOUNDS_LIKE_WHERE = ("url", "uri", "host", "endpoint", "server", "base", "port", "proxy", "key")
"""An unknown key with one of these in it was meant to decide it."""


@dataclass(frozen=True, slots=True)
class _Issue:
    """One thing wrong inside a table, at a place relative to it."""

    place: Place
    type: str
    value: Any


def merge(base: Raw, over: Raw) -> dict[str, Any]:
    """Lay one raw layer over another: tables merge, all else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(cast(Raw, old), cast(Raw, value)) if both else value
    return merged


def resolve(
    layers: Iterable[tuple[str, Raw]], *, untrusted: Collection[str] = ()
) -> tuple[Settings, list[SettingsIssue]]:
    """Turn raw layers (name, options), lowest first, into settings and what was left out of them.

    Layers named in ``untrusted`` (files of the opened workspace) may only set what ``trust``
    allows.
    """
    raw: dict[str, Any] = {}
    faults: list[SettingsIssue] = []
    wider = WorkspaceAdditions()
    for source, layer in layers:
        if not isinstance(cast(object, layer), Mapping):  # it comes from outside
            faults.append(SettingsIssue(source, "settings", f"must be a table, not {kind(layer)}"))
            continue
        plain = cast("dict[str, Any]", _plain(layer))
        if source in untrusted:
            plain, refused = restrict(source, plain)
            faults += refused
        clean, found = _prune(source, plain)
        faults += found
        if source in untrusted:
            clean = wider.take(clean)
        raw = merge(raw, clean)
    return wider.apply(Settings.model_validate(raw)), faults


def resolve_strict(
    layers: Iterable[tuple[str, Raw]], *, untrusted: Collection[str] = ()
) -> Settings:
    """As ``resolve``, for places where a fault must stop the program; raises ``SettingsError``."""
    settings, faults = resolve(layers, untrusted=untrusted)
    if faults:
        raise SettingsError(str(faults[0]))
    return settings


def _plain(value: Any, depth: int = 0) -> Any:
    """A deep copy in plain dicts and lists; null in a table is "not given", as editors send it."""
    if depth > _DEEPEST:
        return "(nested too deeply)"
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {str(k): _plain(v, depth + 1) for k, v in items if v is not None}
    if isinstance(value, list | tuple):
        return [_plain(v, depth + 1) for v in cast("list[Any]", value)]
    return value


def _prune(source: str, layer: dict[str, Any]) -> tuple[dict[str, Any], list[SettingsIssue]]:
    """One layer without its faults, so that a bad value does not hide a lower layer's good one."""
    clean: dict[str, Any] = {}
    faults: list[SettingsIssue] = []
    homes = tables()
    for key, value in layer.items():
        if key == "models":
            found = _prune_models(source, clean, value)
        elif key in homes:
            found = _prune_table(source, clean, key, homes[key], value)
        else:
            single = {key: value}
            issues = _strip(Settings, single)
            clean.update(single)
            found = [_fault(source, Settings, (), issue) for issue in issues]
        faults += found
    return clean, faults


def _prune_table(
    source: str, clean: dict[str, Any], key: str, table: type[SettingsTable], value: Any
) -> list[SettingsIssue]:
    value = {} if value == [] else value  # Lua writes an empty table so
    if not isinstance(value, dict):
        return [
            SettingsIssue(source, path_of((key,)), f"must be a table, not {kind(value)}; left out")
        ]
    raw = cast("dict[str, Any]", value)
    issues = _strip(table, raw)
    clean[key] = raw
    return [_fault(source, table, (key,), issue) for issue in issues]


def _prune_models(source: str, clean: dict[str, Any], value: Any) -> list[SettingsIssue]:
    """The sound models. Where some are given and none is sound, none is discovered instead."""
    value = [] if value == {} else value
    faults: list[SettingsIssue] = []
    kept: list[dict[str, Any]] = []
    if isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            sound, found = _prune_model(source, index, item, {str(m["name"]) for m in kept})
            faults += found
            kept += [sound] if sound else []
    else:
        hint = "; write [[models]], with two brackets, for each" if kind(value) == "a table" else ""
        faults.append(SettingsIssue(source, "models", f"must be a list, not {kind(value)}{hint}"))
    clean["models"] = kept
    if value and not kept:
        clean["discover"] = False
        problem = "none is left, and no other is used instead until one is mended"
        faults.append(SettingsIssue(source, "models", problem))
    return faults


def _prune_model(
    source: str, index: int, item: Any, taken: Collection[str]
) -> tuple[dict[str, Any] | None, list[SettingsIssue]]:
    at: Place = ("models", index)
    if not isinstance(item, dict):
        problem = f"must be a table with name, provider and model, not {kind(item)}; left out"
        return None, [SettingsIssue(source, path_of(at), problem)]
    raw = cast("dict[str, Any]", item)
    issues = _strip(ModelSettings, raw)
    faults = [_fault(source, ModelSettings, at, issue) for issue in issues]
    if any(_is_fatal(issue) for issue in issues):
        return None, faults
    if spec_of(raw["provider"]).needs_model and not raw.get("model"):
        issue = _Issue(("model",), "missing", None)
        return None, [*faults, _fault(source, ModelSettings, at, issue)]
    if raw["name"] in taken:
        problem = "is taken by an earlier model; this model is left out until it has its own name"
        return None, [*faults, SettingsIssue(source, path_of((*at, "name")), problem)]
    return raw, faults


def _strip(table: type[SettingsTable], raw: dict[str, Any]) -> list[_Issue]:
    """Remove what is wrong from a raw table, in place; everything, where the table itself is."""
    _tables_of_lists(table, raw)
    issues: list[_Issue] = []
    while True:
        try:
            table.model_validate(raw, by_alias=True, by_name=False)
        except ValidationError as error:
            found: dict[Place, _Issue] = {}
            for item in error.errors(include_url=False):
                place = _reach(raw, item["loc"])
                # A missing key is told where it should be; nothing stands there to be removed.
                told = item["loc"] if item["type"] == "missing" else place
                found.setdefault(place, _Issue(told, item["type"], item.get("input")))
            issues += found.values()
            _remove(raw, found)
        else:
            return issues
        if not raw:
            return issues


def _tables_of_lists(table: type[SettingsTable], raw: dict[str, Any]) -> None:
    for name, field in table.model_fields.items():
        key = field.alias or name
        if raw.get(key) == [] and str(field.annotation).startswith("dict"):
            raw[key] = {}


def _reach(raw: Any, loc: Place) -> Place:
    """The part of an error's location that leads to a value; the rest names what is missing."""
    node = raw
    for depth, part in enumerate(loc):
        # A text that stands for a list of one is no list, though it has an index 0.
        if isinstance(node, str):
            return loc[:depth]
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return loc[:depth]
    return loc


def _remove(raw: dict[str, Any], places: Iterable[Place]) -> None:
    """Remove the values at the places; of a list the last first, so that the indices hold."""
    for place in sorted(
        places, key=lambda p: [x if isinstance(x, int) else -1 for x in p], reverse=True
    ):
        if not place:
            raw.clear()
            continue
        node: Any = raw
        for part in place[:-1]:
            node = node[part]
        del node[place[-1]]


def _is_fatal(issue: _Issue) -> bool:
    """Whether a model with this issue would ask something else than the user meant."""
    key = str(issue.place[0]) if issue.place else ""
    if issue.type == "extra_forbidden":
        meant = nearest(key, keys_of(ModelSettings))
        return meant in _DECIDES_WHERE or any(w in key.lower() for w in _SOUNDS_LIKE_WHERE)
    return not key or key in _DECIDES_WHERE or issue.place == ("tasks",)


def _fault(source: str, table: type[SettingsTable], at: Place, issue: _Issue) -> SettingsIssue:
    key = str(issue.place[0]) if issue.place else ""
    path = path_of((*at, *issue.place))
    model = table is ModelSettings and _is_fatal(issue)
    if issue.type == "missing":
        return SettingsIssue(source, path, "is missing; this model is left out until it is given")
    if issue.type == "extra_forbidden":
        problem = unknown_key(key, keys_of(table))
    elif not key:
        problem = "is wrong"
    elif key == "pin" and len(issue.place) == 2 and isinstance(issue.value, str):
        problem = _wrong_pin(str(issue.place[1]), issue.value)
    else:
        problem = wrong_value(table, issue.place, issue.value)
    if model:
        return SettingsIssue(source, path, f"{problem}; this model is left out until it is mended")
    if issue.type == "extra_forbidden":
        return SettingsIssue(source, path, problem)
    default = default_of(table, key) if len(issue.place) == 1 else ""
    return SettingsIssue(source, path, f"{problem}; left out{default}")


def _wrong_pin(task: str, value: str) -> str:
    from ..types import TASKS

    near = nearest(task, TASKS) if task not in TASKS else None
    hint = f"; did you mean {near}?" if near else ""
    return f"the task must be one of {', '.join(TASKS)}{hint}"
