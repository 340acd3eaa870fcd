"""Examples from the history: what was accepted and stayed, and what was refused at the same place.

The history has texts only with ``history.keepText``; each suggestion's context is a ``Place`` as
JSON, written by ``app.suggestion_log``.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from ..context.prompt_builder import WorkspaceContext, complete_prompt
from ..errors import FineTuningError
from ..history import StoredSuggestion
from ..models.interface import Profile
from ..settings import PrivacySettings
from ..types import Document, Position, Prompt
from .training_example import Example, Gathered, Method

LASTING = 0.8
"""Share of an accepted text that must still stand at the latest look."""
_AT_ONCE = 1.0
"""Seconds between suggestions that were offered together."""
_NOT_TAKEN = ("rejected", "ignored", "superseded")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a suggestion stood."""

    path: str
    language: str
    prefix: str
    suffix: str
    project: str = ""

    @property
    def file(self) -> str:
        """What tells its file from every other's."""
        return f"{self.project}/{self.path}"


async def from_history(
    suggestions: AsyncIterable[StoredSuggestion],
    profile: Profile,
    privacy: PrivacySettings,
    method: Method = "supervised",
) -> Gathered:
    """Examples of accepted and lasting completions; for ``dpo`` pairs of chosen and refused ones.

    Raises ``FineTuningError`` where the history holds no texts.
    """
    stored = [s async for s in suggestions]
    if not any(s.record.text and s.record.context for s in stored):
        raise FineTuningError(
            "The history holds no texts: set history.keepText = true, work for a while, "
            "and prepare again."
        )
    gathered = Gathered()
    placed = list(_placed(stored, privacy, gathered.left_out))
    prompts = _Prompts(profile, privacy)
    if method == "dpo":
        gathered.examples = list(_pairs(placed, prompts, gathered.left_out))
    else:
        gathered.examples = list(_accepted(placed, prompts, gathered.left_out))
    if not gathered.examples:
        reasons = ", ".join(f"{n} × {why}" for why, n in gathered.left_out.items()) or "it is empty"
        wanted = "pairs of chosen and refused" if method == "dpo" else "accepted and lasting"
        raise FineTuningError(
            f"The history has no {wanted} completions ({reasons}); work on and retry."
        )
    return gathered


_Placed = tuple[StoredSuggestion, Place]


def _placed(
    stored: Iterable[StoredSuggestion], privacy: PrivacySettings, left_out: Counter[str]
) -> Iterable[_Placed]:
    names = WorkspaceContext(privacy).privacy
    for one in stored:
        record = one.record
        if one.outcome is None or record.task != "complete" or not record.text:
            left_out["not a completion, not settled, or without its text"] += 1
            continue
        place, sendable = _read(record.context, record.project)
        if place is None:
            left_out["of an unknown place"] += 1
        elif not sendable or names.by_name(place.path) is not None:
            left_out["in files that may not leave the machine"] += 1
        else:
            yield one, place


def _read(context: str | None, project: str) -> tuple[Place | None, bool]:
    try:
        value = json.loads(context or "")
    except ValueError:
        return None, False
    if not isinstance(value, dict):
        return None, False
    table = cast("dict[str, Any]", value)
    texts = [table.get(name) for name in ("path", "language", "prefix", "suffix")]
    if not all(isinstance(text, str) for text in texts):
        return None, False
    path, language, prefix, suffix = cast("list[str]", texts)
    place = Place(path, language, prefix, suffix, project)
    return place, table.get("sendable") is True


class _Prompts:
    """Places as the prompts that the model gets at work."""

    def __init__(self, profile: Profile, privacy: PrivacySettings) -> None:
        # The rules were judged when the suggestion was made; secrets are ``screen``'s business.
        self._workspace = WorkspaceContext(privacy.model_copy(update={"redact_secrets": False}))
        self._profile = replace(profile, local=True, free=False)

    def of(self, place: Place, answer: str) -> Prompt | None:
        document = Document.from_text(
            f"untitled:{place.path}", 0, place.language, place.prefix + place.suffix
        )
        before = Document.from_text("untitled:", 0, "", place.prefix)
        prompt = complete_prompt(
            document,
            Position(before.end.line, before.end.column),
            profile=self._profile,
            workspace=self._workspace,
            mode="block" if "\n" in answer.strip("\n") else "line",
        )
        return None if prompt is None else replace(prompt, path=place.path)


def _lasting(one: StoredSuggestion, left_out: Counter[str] | None) -> bool:
    assert one.outcome is not None
    reason = None
    if one.outcome.kind == "partial":
        reason = "taken in part"
    elif one.outcome.kind not in ("accepted", "typed"):
        reason = "not taken"
    elif one.outcome.survival is None:
        reason = "accepted, but never looked at again"
    elif one.outcome.survival < LASTING:
        reason = "accepted, but rewritten"
    if reason is not None and left_out is not None:
        left_out[reason] += 1
    return reason is None


def _accepted(
    placed: Iterable[_Placed], prompts: _Prompts, left_out: Counter[str]
) -> Iterable[Example]:
    for one, place in placed:
        answer = one.record.text or ""
        if _lasting(one, left_out) and (prompt := prompts.of(place, answer)) is not None:
            yield Example(place.file, prompt, answer)


def _pairs(
    placed: Sequence[_Placed], prompts: _Prompts, left_out: Counter[str]
) -> Iterable[Example]:
    """Chosen and refused texts of the same place: offered together, or one after the other."""
    by_place: dict[tuple[str, str, str], list[_Placed]] = defaultdict(list)
    for one, place in placed:
        by_place[place.file, place.prefix, place.suffix].append((one, place))
    for offered in by_place.values():
        chosen = [o for o, _ in offered if _lasting(o, None)]
        taken = {(o.record.text or "").strip() for o in chosen}
        refused = dict.fromkeys(
            o.record.text or ""
            for o, _ in offered
            if _refused(o, chosen) and (o.record.text or "").strip() not in taken
        )
        if not chosen or not refused:
            left_out["places without both a chosen and a refused answer"] += 1
            continue
        place, answer = offered[0][1], chosen[-1].record.text or ""
        prompt = prompts.of(place, answer)
        if prompt is not None:
            for text in refused:
                yield Example(place.file, prompt, answer, refused=text)


def _refused(one: StoredSuggestion, chosen: Sequence[StoredSuggestion]) -> bool:
    """Whether somebody preferred another answer to this one: a glance away is no judgement."""
    assert one.outcome is not None
    if one.outcome.kind == "rejected":
        return True
    return one.outcome.kind in _NOT_TAKEN and any(_together(one, c) for c in chosen)


def _together(one: StoredSuggestion, other: StoredSuggestion) -> bool:
    """Whether two suggestions of one place were shown side by side."""
    group = one.record.group
    if group is not None and group == other.record.group:
        return True
    return abs(one.record.time - other.record.time) < _AT_ONCE
