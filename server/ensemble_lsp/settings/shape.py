"""The shapes in which clients send settings, brought into the schema's shape.

Clients send the settings themselves, or wrap them in a table ``ensemble`` (some in the server's name, or twice),
and some write dotted keys: ``"ensemble.privacy.exclude"``. The settings also have a table ``ensemble`` of their
own, so the keys inside decide: no key of that table is a key of the top level. All forms are merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ..workspace_trust import folded
from .messages import Place, SettingsIssue, keys_of, nearest, path_of
from .schema import EnsembleSettings, PrivacySettings, Settings

Table = dict[str, Any]

_SECTION = "ensemble"
_PRIVACY = "privacy"
_WRAPPERS = frozenset({"ensemblelsp", "settings", "initializationoptions", "initoptions", "lsp"})
"""Other names under which clients wrap settings, see ``folded``; none is a setting."""
_MAX_DOTS = 5
"""Dots in a key that names a setting; a key with more is unknown."""
_EXTENDED = frozenset({("privacy", "exclude"), ("complete", "disabledLanguages")})
"""Lists that are joined if they are given in two forms; other values cannot be."""


def unwrap(source: str, raw: Table) -> tuple[Table, list[SettingsIssue]]:
    """Return a layer in the schema's shape, and an issue for each value that another form overrides."""
    merged: Table = {}
    issues: list[SettingsIssue] = []
    for form in _forms(_expand(raw)):
        for place in _merge(merged, form, ()):
            problem = "is given twice with different values; remove one of them"
            issues.append(SettingsIssue(source, path_of(place), problem))
    return merged, issues


def _expand(table: Table) -> Table:
    """Return a table with dotted keys as nested tables. Lists stay as they are."""
    expanded: Table = {}
    for key, value in table.items():
        inner = _expand(cast(Table, value)) if isinstance(value, dict) else value
        name, *rest = key.split(".") if key.count(".") <= _MAX_DOTS else [key]
        for part in reversed(rest):
            inner = {part: inner}
        old = expanded.get(name)
        if isinstance(old, dict) and isinstance(inner, dict):
            _merge(cast(Table, old), cast(Table, inner), ())
        else:
            expanded[name] = inner
    return expanded


def _forms(table: Table) -> Iterator[Table]:
    """Yield the settings of a table, then those of its wrappers, the innermost last."""
    own: Table = {}
    wrapped: list[Table] = []
    for key, value in table.items():
        inner = _table_in(value)
        if folded(key) in _WRAPPERS and isinstance(inner, dict):
            wrapped.append(cast(Table, inner))
        elif folded(key) == _SECTION and isinstance(inner, dict):
            settings, wrapper = _parted(cast(Table, inner))
            _into(own, _SECTION, settings)
            wrapped.append(wrapper)
        elif folded(key) == _PRIVACY and isinstance(inner, dict):
            _into(own, _PRIVACY, _privacy(cast(Table, inner)))
        else:
            own[key] = value
    yield own
    for one in wrapped:
        if one:
            yield from _forms(one)


def _into(own: Table, key: str, table: Table) -> None:
    """Put a table beside or into the one that another spelling of its key gave."""
    old = own.get(key)
    if isinstance(old, dict):
        _merge(cast(Table, old), table, (key,))
    else:
        own[key] = table


def _table_in(value: Any) -> Any:
    """Return the table that a list of one holds; Lua also writes an empty table as a list."""
    if not isinstance(value, list):
        return value
    items = cast("list[Any]", value)
    return (
        items[0] if len(items) == 1 and isinstance(items[0], dict) else {} if not items else value
    )


def _privacy(table: Table) -> Table:
    """Return the privacy settings in the schema's spelling: a file must not be sent because of a capital letter."""
    keys = {folded(key): key for key in keys_of(PrivacySettings)}
    named = {keys.get(folded(key), key): value for key, value in table.items()}
    if "exclude" in named:
        named["exclude"] = _patterns(named["exclude"])
    return named


def _patterns(value: Any) -> Any:
    """Return patterns as a list, including patterns from ``{"pattern": true}``, ``{"1": "pattern"}`` and lists in lists."""
    if isinstance(value, dict):
        items = cast(Table, value).items()
        return [key if each is True else each for key, each in items if each is not False]
    if isinstance(value, list):
        flat: list[Any] = []
        for each in cast("list[Any]", value):
            inner = _patterns(each)
            flat += cast("list[Any]", inner) if isinstance(each, list | dict) else [inner]
        return flat
    return value


def _parted(table: Table) -> tuple[Table, Table]:
    """Split a table ``ensemble`` into settings of that name and wrapped settings.

    An unknown key goes where it is most similar to a valid one; its message then names that one.
    """
    inside, outside = keys_of(EnsembleSettings), keys_of(Settings)
    settings: Table = {}
    wrapper: Table = {}
    for key, value in table.items():
        if key in inside:
            wraps = False
        elif key in outside or folded(key) in (*_WRAPPERS, _SECTION, _PRIVACY):
            wraps = True
        else:
            wraps = nearest(key, inside) is None and (
                nearest(key, outside) is not None or isinstance(value, dict)
            )
        (wrapper if wraps else settings)[key] = value
    return settings, wrapper


def _merge(base: Table, over: Table, at: Place) -> list[Place]:
    """Merge a table into another, in place; return the places with two different values."""
    replaced: list[Place] = []
    for key, value in over.items():
        place, old = (*at, key), base.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            replaced += _merge(cast(Table, old), cast(Table, value), place)
        elif place in _EXTENDED and key in base:
            base[key] = [*_listed(old), *_listed(value)]
        elif key == "models" and isinstance(old, list) and isinstance(value, list):
            added = [model for model in cast("list[Any]", value) if model not in old]
            base[key] = [*cast("list[Any]", old), *added]
        else:
            if key in base and old != value:
                replaced.append(place)
            if not isinstance(old, dict):  # no other value hides a whole table
                base[key] = value
    return replaced


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def without_other_servers(pushed: Table) -> tuple[Table, list[str]]:
    """Return pushed settings without the sections of other servers, and the names of those.

    Some clients push all of their settings. A key beside ``ensemble`` unlike each of our keys belongs to another server.
    """
    known = [*keys_of(Settings), *_WRAPPERS, _SECTION, "workspaceTrusted"]
    heads = {key: key.split(".")[0] for key in pushed}
    if _SECTION not in heads.values():
        return pushed, []
    foreign = [
        key
        for key, head in heads.items()
        if head not in known and folded(head) not in known and nearest(head, known) is None
    ]
    return {key: value for key, value in pushed.items() if key not in foreign}, foreign
