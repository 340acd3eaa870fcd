"""The settings that a layer from the opened workspace may change, each in the cautious direction only.

Such a layer must not redirect code or keys, run, store or delete anything, raise costs, or send more code: so it
chooses no model and no strategy. This is an allow-list: a new setting is rejected until it is added here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

from .messages import SettingsIssue, path_of
from .schema import Settings

_ONLY: dict[tuple[str, str], bool | str] = {
    ("complete", "enabled"): False,
    ("explain", "hover"): False,
    ("selector", "escalate"): False,
    ("ensemble", "runExamples"): False,
    ("ensemble", "runTests"): "",
    ("ensemble", "judge"): "",
    ("history", "keepText"): False,
    ("privacy", "redactSecrets"): True,
}
"""Settings that may only be set to their cautious value."""

_RAISED = frozenset({("complete", "debounceMs")})
_LOWERED = frozenset(
    {
        ("complete", "maxLines"),
        ("complete", "ensemble"),
        ("complete", "candidates"),
        ("explain", "ensemble"),
        ("selector", "dailyBudget"),
        ("ensemble", "size"),
        ("ensemble", "maxCost"),
    }
)
"""Numbers that may only be raised or lowered, compared with the user's own value. Thresholds and time budgets are
not among them: a higher threshold asks further models, a shorter time prefers faster ones, which may be remote."""

_ADDED = frozenset({("privacy", "exclude"), ("complete", "disabledLanguages")})
"""Lists that may be extended."""
_MAX_ADDED = 1000
"""Entries that a workspace may add to a list; a hundred thousand patterns take seconds to compile."""


def restrict(source: str, raw: dict[str, Any]) -> tuple[dict[str, Any], list[SettingsIssue]]:
    """Return a workspace's raw layer without forbidden settings, and an issue for each of them."""
    issues: list[SettingsIssue] = []
    kept: dict[str, Any] = {}
    for table, values in raw.items():
        if not isinstance(values, dict) or table == "models":
            if values not in ([], {}):
                issues.append(_rejected(source, (table,)))
            continue
        inner: dict[str, Any] = {}
        for key, value in cast("dict[str, Any]", values).items():
            problem = _problem(table, key, value)
            if problem is None:
                inner[key] = value
            else:
                issues.append(_rejected(source, (table, key), problem))
        kept[table] = inner
    return kept, issues


def _problem(table: str, key: str, value: Any) -> str | None:
    """Return why the workspace may not set a value; None if it may."""
    if (table, key) in _ONLY:
        careful = _ONLY[table, key]
        if type(value) is type(careful) and value == careful:
            return None
        return f"a workspace may only set it to {json.dumps(careful)}"
    if (table, key) in _ADDED:
        patterns = cast("list[Any]", value) if isinstance(value, list) else [value]
        if any(str(pattern).lstrip().startswith("!") for pattern in patterns):
            return "a workspace may not include files again with !"
        if len(patterns) > _MAX_ADDED or any(len(str(pattern)) > 500 for pattern in patterns):
            return f"a workspace may add at most {_MAX_ADDED} entries of 500 characters"
        return None
    if (table, key) in _RAISED | _LOWERED:
        return None  # compared by ``cautious``, once the value is known to be valid
    return "may not be set by a workspace; set it in your own settings"


def cautious(
    source: str, clean: dict[str, Any], own: Settings
) -> tuple[dict[str, Any], list[SettingsIssue]]:
    """Return a valid untrusted layer without numbers that are less cautious than the user's own."""
    issues: list[SettingsIssue] = []
    kept = {table: dict(values) for table, values in clean.items()}
    values = own.model_dump(by_alias=True)
    for table, key in _RAISED | _LOWERED:
        if key not in kept.get(table, {}):
            continue
        mine, theirs, raised = values[table][key], kept[table][key], (table, key) in _RAISED
        if mine is None or (theirs >= mine if raised else theirs <= mine):
            continue
        del kept[table][key]
        direction = "raise" if raised else "lower"
        problem = f"a workspace may only {direction} it, and yours is {json.dumps(mine)}"
        issues.append(_rejected(source, (table, key), problem))
    return kept, issues


def _rejected(source: str, place: tuple[str, ...], problem: str = "") -> SettingsIssue:
    problem = problem or "may not be set by a workspace; set it in your own settings"
    return SettingsIssue(source, path_of(place), f"{problem}; ignored")


@dataclass(slots=True)
class WorkspaceAdditions:
    """Additions of workspaces to the user's lists, kept apart because a later layer would replace the lists."""

    exclude: list[str] = field(default_factory=list[str])
    languages: list[str] = field(default_factory=list[str])
    redact: bool = False

    def take(self, clean: dict[str, Any]) -> dict[str, Any]:
        """Move the additions out of a checked untrusted layer."""
        privacy, complete = dict(clean.get("privacy", {})), dict(clean.get("complete", {}))
        self.exclude += _listed(privacy.pop("exclude", []))
        self.languages += _listed(complete.pop("disabledLanguages", []))
        self.redact |= bool(privacy.pop("redactSecrets", False))
        return {**clean, "privacy": privacy, "complete": complete}

    def apply(self, settings: Settings) -> Settings:
        """Return the settings with the additions."""
        privacy, complete = settings.privacy, settings.complete
        return settings.model_copy(
            update={
                "privacy": privacy.model_copy(
                    update={
                        "exclude": _union(privacy.exclude, self.exclude),
                        "redact_secrets": privacy.redact_secrets or self.redact,
                    }
                ),
                "complete": complete.model_copy(
                    update={
                        "disabled_languages": _union(complete.disabled_languages, self.languages)
                    }
                ),
            }
        )


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _union(own: tuple[str, ...], added: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*own, *added)))
