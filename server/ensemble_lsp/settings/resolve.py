"""Resolution of layers of raw options into ``Settings``.

Raw layers are plain ``dict``s: config file, initialization options, editor settings. The last layer wins; tables
are merged and lists replaced. ``resolve`` never fails: unknown and wrong values are ignored and reported, with
their path and the nearest valid key, and the rest applies. A model is ignored as a whole if a setting is wrong
that decides where code is sent: without that setting, code would be sent elsewhere.
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
from .shape import unwrap
from .trust import WorkspaceAdditions, cautious, restrict

Raw = Mapping[str, Any]

_MAX_DEPTH = 10
"""Maximum levels of nesting; the schema has four, and clients wrap settings."""

_DECIDES_WHERE = frozenset({"name", "provider", "model", "baseUrl", "apiKeyEnv", "api"})
"""Settings that decide where code and key are sent."""

_SOUNDS_LIKE_WHERE = ("url", "uri", "host", "endpoint", "server", "base", "port", "proxy", "key")
"""An unknown key that contains one of these was probably meant to decide it."""


@dataclass(frozen=True, slots=True)
class _Violation:
    """A problem inside a table, at a place relative to the table."""

    place: Place
    type: str
    value: Any


def merge(base: Raw, over: Raw) -> dict[str, Any]:
    """Merge a raw layer over another: tables are merged, other values replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(cast(Raw, old), cast(Raw, value)) if both else value
    return merged


def resolve(
    layers: Iterable[tuple[str, Raw]], *, untrusted: Collection[str] = ()
) -> tuple[Settings, list[SettingsIssue]]:
    """Resolve raw layers (name, options), lowest first, into settings and their issues.

    Layers named in ``untrusted`` come from the opened workspace and may only set the options in ``trust``.
    """
    raw: dict[str, Any] = {}
    issues: list[SettingsIssue] = []
    wider = WorkspaceAdditions()
    for source, layer in layers:
        if not isinstance(given := cast(object, layer), Mapping):  # it comes from outside
            if given != []:  # Lua writes an empty table as a list
                problem = f"must be a table, not {kind(layer)}"
                issues.append(SettingsIssue(source, "settings", problem))
            continue
        plain, rejected = unwrap(source, cast("dict[str, Any]", _plain(layer)))
        issues += rejected
        if source in untrusted:
            plain, rejected = restrict(source, plain)
            issues += rejected
        clean, found = _prune(source, plain)
        issues += found
        if source in untrusted:
            clean, rejected = cautious(source, wider.take(clean), Settings.model_validate(raw))
            issues += rejected
        raw = merge(raw, clean)
    return wider.apply(Settings.model_validate(raw)), issues


def resolve_strict(
    layers: Iterable[tuple[str, Raw]], *, untrusted: Collection[str] = ()
) -> Settings:
    """Resolve raw layers; raise ``SettingsError`` for the first issue."""
    settings, issues = resolve(layers, untrusted=untrusted)
    if issues:
        raise SettingsError(str(issues[0]))
    return settings


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a deep copy in plain dicts and lists, without nulls, which editors send for unset keys."""
    if depth > _MAX_DEPTH:
        return "(nested too deeply)"
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {str(k): _plain(v, depth + 1) for k, v in items if v is not None}
    if isinstance(value, list | tuple):
        return [_plain(v, depth + 1) for v in cast("list[Any]", value)]
    return value


def _prune(source: str, layer: dict[str, Any]) -> tuple[dict[str, Any], list[SettingsIssue]]:
    """Return a layer without wrong values, so that they do not hide a lower layer's valid ones."""
    clean: dict[str, Any] = {}
    issues: list[SettingsIssue] = []
    homes = tables()
    for key, value in layer.items():
        if key == "models":
            found = _prune_models(source, clean, value)
        elif key in homes:
            found = _prune_table(source, clean, key, homes[key], value)
        else:
            single = {key: value}
            violations = _strip(Settings, single)
            clean.update(single)
            found = [_describe(source, Settings, (), violation) for violation in violations]
        issues += found
    return clean, issues


def _prune_table(
    source: str, clean: dict[str, Any], key: str, table: type[SettingsTable], value: Any
) -> list[SettingsIssue]:
    value = {} if value == [] else value  # Lua writes an empty table as a list
    if not isinstance(value, dict):
        return [
            SettingsIssue(source, path_of((key,)), f"must be a table, not {kind(value)}; ignored")
        ]
    raw = cast("dict[str, Any]", value)
    violations = _strip(table, raw)
    clean[key] = raw
    return [_describe(source, table, (key,), violation) for violation in violations]


def _prune_models(source: str, clean: dict[str, Any], value: Any) -> list[SettingsIssue]:
    """Keep the valid models. If models are given but none is valid, models are not discovered either."""
    value = [] if value == {} else value
    issues: list[SettingsIssue] = []
    kept: list[dict[str, Any]] = []
    if isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            sound, found = _prune_model(source, index, item, {str(m["name"]) for m in kept})
            issues += found
            kept += [sound] if sound else []
    else:
        hint = "; write [[models]], with two brackets, for each" if kind(value) == "a table" else ""
        issues.append(SettingsIssue(source, "models", f"must be a list, not {kind(value)}{hint}"))
    clean["models"] = kept
    if value and not kept:
        clean["discover"] = False
        problem = "no valid model is left, and no other is used until one is corrected"
        issues.append(SettingsIssue(source, "models", problem))
    return issues


def _prune_model(
    source: str, index: int, item: Any, taken: Collection[str]
) -> tuple[dict[str, Any] | None, list[SettingsIssue]]:
    at: Place = ("models", index)
    if not isinstance(item, dict):
        problem = f"must be a table with name, provider and model, not {kind(item)}; ignored"
        return None, [SettingsIssue(source, path_of(at), problem)]
    raw = cast("dict[str, Any]", item)
    violations = _strip(ModelSettings, raw)
    issues = [_describe(source, ModelSettings, at, violation) for violation in violations]
    if any(_is_fatal(violation) for violation in violations):
        return None, issues
    if spec_of(raw["provider"]).needs_model and not raw.get("model"):
        missing = _Violation(("model",), "missing", None)
        return None, [*issues, _describe(source, ModelSettings, at, missing)]
    if raw["name"] in taken:
        problem = (
            "is already used by an earlier model; this model is ignored until it has another name"
        )
        return None, [*issues, SettingsIssue(source, path_of((*at, "name")), problem)]
    return raw, issues


def _strip(table: type[SettingsTable], raw: dict[str, Any]) -> list[_Violation]:
    """Remove wrong values from a raw table, in place; all of them if the table itself is wrong."""
    _tables_of_lists(table, raw)
    violations: list[_Violation] = []
    while True:
        try:
            table.model_validate(raw, by_alias=True, by_name=False)
        except ValidationError as error:
            found: dict[Place, _Violation] = {}
            for item in error.errors(include_url=False):
                place = _reach(raw, item["loc"])
                # A missing key is reported at its place, where there is no value to remove.
                reported = item["loc"] if item["type"] == "missing" else place
                found.setdefault(place, _Violation(reported, item["type"], item.get("input")))
            # A value that was removed as wrong is not missing as well.
            wrong = {violation.place for violation in violations}
            violations += [each for each in found.values() if each.place not in wrong]
            _remove(raw, found)
        else:
            return violations
        if not raw:
            return violations


def _tables_of_lists(table: type[SettingsTable], raw: dict[str, Any]) -> None:
    for name, field in table.model_fields.items():
        key = field.alias or name
        if raw.get(key) == [] and str(field.annotation).startswith("dict"):
            raw[key] = {}


def _reach(raw: Any, loc: Place) -> Place:
    """Return the part of an error's location that leads to a value; the rest names a missing key."""
    node = raw
    for depth, part in enumerate(loc):
        # A string that replaces a list of one has an index 0 but is not a list.
        if isinstance(node, str):
            return loc[:depth]
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return loc[:depth]
    return loc


def _remove(raw: dict[str, Any], places: Iterable[Place]) -> None:
    """Remove the values at the places, the last of a list first, so that its indices stay valid."""
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


def _is_fatal(violation: _Violation) -> bool:
    """Return whether a model without this setting would send requests elsewhere than intended."""
    key = str(violation.place[0]) if violation.place else ""
    if violation.type == "extra_forbidden":
        meant = nearest(key, keys_of(ModelSettings))
        return meant in _DECIDES_WHERE or any(w in key.lower() for w in _SOUNDS_LIKE_WHERE)
    return not key or key in _DECIDES_WHERE or violation.place == ("tasks",)


def _describe(
    source: str, table: type[SettingsTable], at: Place, violation: _Violation
) -> SettingsIssue:
    key = str(violation.place[0]) if violation.place else ""
    path = path_of((*at, *violation.place))
    model = table is ModelSettings and _is_fatal(violation)
    if violation.type == "missing":
        return SettingsIssue(source, path, "is missing; this model is ignored until it is set")
    if violation.type == "extra_forbidden":
        problem = unknown_key(key, keys_of(table))
    elif not key:
        problem = "is wrong"
    elif key == "pin" and len(violation.place) == 2 and isinstance(violation.value, str):
        problem = _wrong_pin(str(violation.place[1]), violation.value)
    else:
        problem = wrong_value(table, violation.place, violation.value)
    if model:
        return SettingsIssue(
            source, path, f"{problem}; this model is ignored until it is corrected"
        )
    if violation.type == "extra_forbidden":
        return SettingsIssue(source, path, problem)
    default = default_of(table, key) if len(violation.place) == 1 else ""
    return SettingsIssue(source, path, f"{problem}; ignored{default}")


def _wrong_pin(task: str, value: str) -> str:
    from ..types import TASKS

    near = nearest(task, TASKS) if task not in TASKS else None
    hint = f"; did you mean {near}?" if near else ""
    return f"the task must be one of {', '.join(TASKS)}{hint}"
