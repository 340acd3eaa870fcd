"""Examples from the history: accepted completions that lasted, and rejected ones in the same context.

The history has texts only with ``history.keepText``; each suggestion's context is a
``SuggestionContext`` as JSON, written by ``app.suggestion_log``.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from ..context.prompt_builder import WorkspaceContext, complete_prompt
from ..context.redacted_documents import redacted_view
from ..context.secret_redaction import Redactor
from ..errors import FineTuningError
from ..history import StoredSuggestion
from ..models.interface import Profile
from ..settings import PrivacySettings
from ..types import Document, Prompt
from .training_example import Example, ExampleSet, Method, excluded_note

MIN_SURVIVAL = 0.8
"""Share of an accepted text that must remain at the latest check."""
_TOGETHER_SECONDS = 1.0
"""Maximum seconds between suggestions that count as shown together."""
_NOT_ACCEPTED = ("rejected", "ignored", "superseded")


@dataclass(frozen=True, slots=True)
class SuggestionContext:
    """The file and the code around a suggestion."""

    path: str
    language: str
    prefix: str
    suffix: str
    project: str = ""

    @property
    def file(self) -> str:
        """Return an identifier of the file, unique across projects."""
        return f"{self.project}/{self.path}"


async def from_history(
    suggestions: AsyncIterable[StoredSuggestion],
    profile: Profile,
    privacy: PrivacySettings,
    method: Method = "supervised",
    *,
    keeps_text: bool = False,
) -> ExampleSet:
    """Return examples of accepted completions that lasted; for ``dpo`` pairs of chosen and rejected ones.

    Raises ``FineTuningError`` if the history holds no such texts.
    """
    stored = [s async for s in suggestions]
    if not any(s.record.text and s.record.context for s in stored):
        first = (
            "work for a while" if keeps_text else "set history.keepText = true, work for a while"
        )
        raise FineTuningError(
            f"The history holds no texts; {first}, and run `ensemble-lsp finetune prepare` again."
        )
    gathered = ExampleSet()
    placed = list(_with_context(stored, privacy, gathered.left_out))
    prompts = _PromptBuilder(profile, privacy)
    if method == "dpo":
        gathered.examples = list(_preference_examples(placed, prompts, gathered.left_out))
    else:
        gathered.examples = list(_accepted_examples(placed, prompts, gathered.left_out))
    if not gathered.examples:
        kind = (
            "pairs of a chosen and a rejected completion"
            if method == "dpo"
            else "accepted completions that lasted"
        )
        raise FineTuningError(
            f"The history has no {kind}; accept more suggestions and try again."
            f"{excluded_note(gathered.left_out)}"
        )
    return gathered


_InContext = tuple[StoredSuggestion, SuggestionContext]


def _with_context(
    stored: Iterable[StoredSuggestion], privacy: PrivacySettings, left_out: Counter[str]
) -> Iterable[_InContext]:
    names = WorkspaceContext(privacy).privacy
    for one in stored:
        record = one.record
        if one.outcome is None or record.task != "complete" or not record.text:
            left_out["suggestions other than settled completions with a text"] += 1
            continue
        place, sendable = _read_context(record.context, record.project)
        if place is None:
            left_out["suggestions without context"] += 1
        elif not sendable or names.by_name(place.path) is not None:
            left_out["suggestions in files excluded from remote models"] += 1
        else:
            yield one, place


def _read_context(context: str | None, project: str) -> tuple[SuggestionContext | None, bool]:
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
    place = SuggestionContext(path, language, prefix, suffix, project)
    return place, table.get("sendable") is True


class _PromptBuilder:
    """Builds the prompts that the model would get in use."""

    def __init__(self, profile: Profile, privacy: PrivacySettings) -> None:
        # Exclusion was decided when the suggestion was made: the model counts as local.
        self._workspace = WorkspaceContext(privacy)
        self._redactor = Redactor()
        self._profile = replace(profile, local=True, free=False)

    def build(self, place: SuggestionContext, answer: str) -> Prompt | None:
        document = Document.from_text(
            f"untitled:{place.path}", 0, place.language, place.prefix + place.suffix
        )
        before = Document.from_text("untitled:", 0, "", place.prefix)
        view = redacted_view(document, self._redactor)
        prompt = complete_prompt(
            view.document,
            view.position(before.end),
            profile=self._profile,
            workspace=self._workspace,
            mode="block" if "\n" in answer.strip("\n") else "line",
        )
        return None if prompt is None else replace(prompt, path=place.path)


def _is_lasting(one: StoredSuggestion, left_out: Counter[str] | None) -> bool:
    assert one.outcome is not None
    reason = None
    if one.outcome.kind == "partial":
        reason = "suggestions accepted in part"
    elif one.outcome.kind not in ("accepted", "typed"):
        reason = "suggestions not accepted"
    elif one.outcome.survival is None:
        reason = "accepted suggestions that were never checked again"
    elif one.outcome.survival < MIN_SURVIVAL:
        reason = "accepted suggestions that were rewritten"
    if reason is not None and left_out is not None:
        left_out[reason] += 1
    return reason is None


def _accepted_examples(
    placed: Iterable[_InContext], prompts: _PromptBuilder, left_out: Counter[str]
) -> Iterable[Example]:
    for one, place in placed:
        answer = one.record.text or ""
        if _is_lasting(one, left_out) and (prompt := prompts.build(place, answer)) is not None:
            yield Example(place.file, prompt, answer)


def _preference_examples(
    placed: Sequence[_InContext], prompts: _PromptBuilder, left_out: Counter[str]
) -> Iterable[Example]:
    """Pair chosen and rejected texts of the same context, shown together or one after the other."""
    by_context: dict[tuple[str, str, str], list[_InContext]] = defaultdict(list)
    for one, place in placed:
        by_context[place.file, place.prefix, place.suffix].append((one, place))
    for offered in by_context.values():
        chosen = [o for o, _ in offered if _is_lasting(o, None)]
        taken = {(o.record.text or "").strip() for o in chosen}
        rejected = dict.fromkeys(
            o.record.text or ""
            for o, _ in offered
            if _is_rejected(o, chosen) and (o.record.text or "").strip() not in taken
        )
        if not chosen or not rejected:
            left_out["contexts without both a chosen and a rejected answer"] += 1
            continue
        place, answer = offered[0][1], chosen[-1].record.text or ""
        prompt = prompts.build(place, answer)
        if prompt is not None:
            for text in rejected:
                yield Example(place.file, prompt, answer, rejected=text)


def _is_rejected(one: StoredSuggestion, chosen: Sequence[StoredSuggestion]) -> bool:
    """Return whether the user rejected this answer; an ignored one counts only if another was chosen."""
    assert one.outcome is not None
    if one.outcome.kind == "rejected":
        return True
    return one.outcome.kind in _NOT_ACCEPTED and any(_shown_together(one, c) for c in chosen)


def _shown_together(one: StoredSuggestion, other: StoredSuggestion) -> bool:
    """Return whether two suggestions with the same context were shown together."""
    group = one.record.group
    if group is not None and group == other.record.group:
        return True
    return abs(one.record.time - other.record.time) < _TOGETHER_SECONDS
