"""Messages for invalid settings: the problem, the expected value, and the consequence.

Values of settings that may contain a secret are never repeated: users do paste a key where the name of its
variable belongs.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from .schema import ModelSettings, Settings, SettingsTable

Place = tuple[int | str, ...]

NEVER_REPEATED = frozenset({"apiKeyEnv", "baseUrl", "url"})
"""Settings whose value is never repeated in a message."""

_PHRASES = {
    "name": "1 to 100 printable characters, without spaces at the ends",
    "baseUrl": "an address that begins with http:// or https://, without a user name",
    "url": "the address of a PostgreSQL database, such as postgresql://user@host/database",
    "apiKeyEnv": "the name of an environment variable, such as OPENAI_API_KEY (not the key itself)",
}


@dataclass(frozen=True, slots=True)
class SettingsIssue:
    """A problem in the raw settings; ``str`` is the sentence for the user."""

    source: str
    path: str
    problem: str
    consequence: str = ""
    """For a config that cannot be used: what a program does that continues without it."""

    def __str__(self) -> str:
        return f"{self.source}: {self.path}: {self.clause}"

    @property
    def clause(self) -> str:
        """The problem with its consequence."""
        return f"{self.problem}; {self.consequence}" if self.consequence else self.problem


def path_of(place: Place) -> str:
    """Return a place as users write it: ``models[0].name``. Unusual keys are quoted and shortened."""
    out = ""
    for part in place:
        if isinstance(part, int):
            out += f"[{part}]"
            continue
        plain = part if re.fullmatch(r"[\w-]{1,60}", part) else json.dumps(part[:60])
        out += f".{plain}" if out else plain
    return out or "settings"


def kind(value: Any) -> str:
    """Describe a raw value for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list | tuple) else shown(value)


def shown(value: Any) -> str:
    """Return a raw value shortened and escaped, without control characters."""
    if isinstance(value, str):
        text = json.dumps(value[:40])
        return text if len(value) <= 40 else f"{text[:-1]}…{text[-1]}"
    return json.dumps(value, default=str)[:42]


def keys_of(table: type[SettingsTable]) -> list[str]:
    """Return the valid keys of a table, as users spell them."""
    return [field.alias or name for name, field in table.model_fields.items()]


def wrong_value(table: type[SettingsTable], place: Place, value: Any) -> str:
    """Describe the expected value at a place in a table and, unless it may be secret, the given one."""
    key = str(place[0])
    schema = table.model_json_schema(by_alias=True)["properties"][key]
    expectation = _PHRASES.get(key) or expected(_inner(schema, place[1:]))
    given = "" if key in NEVER_REPEATED else f", not {kind(value)}"
    near = nearest(value, schema.get("enum", ())) if isinstance(value, str) else None
    hint = f"; did you mean {json.dumps(near)}?" if near else ""
    return f"must be {expectation}{given}{hint}"


def default_of(table: type[SettingsTable], key: str) -> str:
    """Return the default of a setting as a clause; empty if the default is None."""
    field = next(f for n, f in table.model_fields.items() if (f.alias or n) == key)
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None:
        return ""
    return f" (the default is {json.dumps(default, default=str)})"


def expected(schema: Mapping[str, Any]) -> str:
    """Return a value's type and range in words, from its JSON Schema."""
    for option in cast("list[dict[str, Any]]", schema.get("anyOf", [])):
        if option.get("type") != "null":
            return expected(option)
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    name = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "a string",
        "array": "a list",
        "object": "a table",
    }.get(str(schema.get("type")), "another value")
    if "maxLength" in schema:
        name += f" of at most {schema['maxLength']} characters"
    if schema.get("type") == "array":
        items = schema.get("items", {})
        if "enum" not in items:
            return f"{name} of strings"
        return f"{name} {'with at least' if schema.get('minItems') else 'of'} {expected(items)}"
    return f"{name}{_range(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    low, above, high = (schema.get(k) for k in ("minimum", "exclusiveMinimum", "maximum"))
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if above is not None and high is not None:
        return f" above {above:g} and at most {high:g}"
    return f" of at least {low:g}" if low is not None else ""


def _inner(schema: Mapping[str, Any], rest: Place) -> Mapping[str, Any]:
    """Return the schema of a list's item, or of a value in a table with arbitrary keys."""
    for part in rest:
        inner = "items" if isinstance(part, int) else "additionalProperties"
        schema = cast("dict[str, Any]", schema.get(inner, {}))
    return schema


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Return the remedy for an unknown key: the nearest valid key, or the table it belongs in."""
    if _bare(key) in {"apikey", "key", "token", "secret"}:
        return (
            "API keys are not stored in the settings; put the key into an environment variable and "
            "name the variable in apiKeyEnv, or store it in the system keyring"
        )
    known = list(known)
    near = nearest(key, known)
    if near:
        return f"unknown setting; did you mean {near}?"
    homes = [name for name, table in tables().items() if key in keys_of(table)]
    if homes:
        return f"unknown setting here; it belongs in {' or '.join(homes)}"
    return f"unknown setting; valid here are {', '.join(known)}"


def nearest(key: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the most similar valid key, ignoring letter case, hyphens and underscores."""
    by_bare = {_bare(name): name for name in known}
    found = difflib.get_close_matches(_bare(key[:100]), by_bare, n=1, cutoff=cutoff)
    return by_bare[found[0]] if found else None


def tables() -> dict[str, type[SettingsTable]]:
    """Return the tables of the settings by key."""
    found: dict[str, type[SettingsTable]] = {"models": ModelSettings}
    for name, field in Settings.model_fields.items():
        annotation: Any = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, SettingsTable):
            found[field.alias or name] = annotation
    return found


def _bare(key: str) -> str:
    return re.sub(r"[-_\s]", "", key).lower()
