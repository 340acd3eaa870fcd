"""The task generate: code written from an instruction, by several models together."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..context.prompts import generate_prompt
from ..context.symbols import asks_for_code
from ..ensemble.asking import Progress as Asking
from ..ensemble.asking import ask, quorum
from ..ensemble.code import consensus_of_code
from ..ensemble.votes import Answer
from ..errors import SettingsError
from ..types import Document, Edit, Position, Prompt, Span, Suggestion
from .postprocess import clean_code

if TYPE_CHECKING:
    from ..models.base import Model
    from ..session import Session

KEPT = 50
Report = Callable[[str, int | None], None]


@dataclass(frozen=True, slots=True)
class Generation:
    """What an ensemble wrote for one place. ``candidates[0]`` is the consensus."""

    id: str
    uri: str
    version: int
    span: Span
    """Where the candidates go: follows the document's changes."""
    candidates: tuple[Suggestion, ...]
    agreement: float
    agreeing: int
    """How many models stand behind the consensus."""
    asked: int
    why: str
    latency_ms: float
    errors: dict[str, str]

    def title(self, index: int) -> str:
        """What the code action of a candidate is called."""
        candidate = self.candidates[index]
        if index == 0 and self.asked > 1:
            return f"Use consensus ({self.agreeing} of {self.asked} models agree)"
        names = " and ".join(candidate.models)
        return f"Use {names}'s answer"


class Generator:
    """Runs ensembles and keeps what they wrote, for the code actions that choose among it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Generation] = OrderedDict()

    async def generate(
        self,
        session: Session,
        document: Document,
        span: Span,
        *,
        instruction: str = "",
        size: int | None = None,
        model: str | None = None,
        progress: Report | None = None,
    ) -> Generation:
        """Ask several models, find the consensus. Cancelling closes every stream.

        Raises ``NoModelError``, ``DocumentError``, ``ProviderError`` (when every model failed).
        """
        request = await asyncio.to_thread(asks_for_code, document, span)
        place = request.span if request is not None else span
        wish = instruction or (request.instruction if request else "")
        if not wish and place.empty:
            raise SettingsError(
                "Nothing says what to write; select code, put the cursor on a comment, "
                "or give an instruction."
            )
        indent = request.indent if request else _indent_of(document, place.start)
        decision = session.decide("generate", document, place.start, instruction=wish, only=model)
        if not decision.models:
            raise session.no_model("generate")
        count = 1 if model else (size or session.settings.ensemble.size)
        members = session.members(decision, count)
        workspace = session.runtime.workspace
        await workspace.prepare(document)

        def prompt(asked: Model) -> Prompt | None:
            return generate_prompt(
                document, place, wish, indent=indent, profile=asked.profile, workspace=workspace
            )

        before = document.slice(Span(Position(max(0, place.start.line - 40), 0), place.start))
        last = min(len(document.lines) - 1, place.end.line + 20)
        after = document.slice(Span(place.end, Position(last, len(document.lines[last]))))
        weights = session.weights(decision)
        asked = await ask(
            members,
            prompt,
            budget_ms=session.settings.ensemble.budget_ms,
            progress=_named(progress, len(members)),
            settled=quorum(
                document.language,
                weights,
                lambda text: self._clean(text, document, indent, wish, before, after),
            ),
        )
        if not asked.completions:
            raise session.refused(document, members) or session.failed("generate", asked.errors)
        answers = [
            Answer(
                c.model,
                self._clean(c.text, document, indent, wish, before, after),
                weights.get(c.model, 0.5),
            )
            for c in asked.completions
        ]
        answers = [a for a in answers if a.text.strip()]
        if not answers:
            raise session.failed("generate", asked.errors)
        verdict = consensus_of_code(answers, document.language, rule=session.settings.ensemble.rule)
        candidates = tuple(
            session.new_suggestion(
                "generate",
                group.text,
                tuple(group.models),
                document,
                place,
                agreement=verdict.agreement if n == 0 else None,
                shown_at=n,
            )
            for n, group in enumerate(verdict.groups)
        )
        generation = Generation(
            id=uuid.uuid4().hex[:16],
            uri=document.uri,
            version=document.version,
            span=place,
            candidates=candidates,
            agreement=verdict.agreement,
            agreeing=len(verdict.groups[0].models),
            asked=len(members),
            why=verdict.why,
            latency_ms=max(c.total_ms for c in asked.completions),
            errors={name: str(error) for name, error in asked.errors.items()},
        )
        self._keep(generation)
        session.runtime.offered(
            list(candidates),
            document,
            [decision] * len(candidates),
            trigger="invoked",
            group=generation.id,
        )
        return generation

    def _clean(
        self, text: str, document: Document, indent: str, instruction: str, before: str, after: str
    ) -> str:
        return clean_code(
            text,
            language=document.language,
            indent=indent,
            instruction=instruction,
            prefix=before,
            suffix=after,
        )

    # -- what was written, while the user chooses ----------------------------------------------

    def _keep(self, generation: Generation) -> None:
        for old in [g for g in self._kept.values() if g.uri == generation.uri]:
            if _touch(old.span, generation.span):
                del self._kept[old.id]
        self._kept[generation.id] = generation
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def at(self, uri: str, span: Span) -> Generation | None:
        """The newest generation whose place the span touches."""
        for generation in reversed(self._kept.values()):
            if generation.uri == uri and _touch(generation.span, span):
                return generation
        return None

    def candidate(self, id_: str) -> tuple[Generation, Suggestion]:
        """One candidate by its suggestion's id."""
        for generation in self._kept.values():
            for candidate in generation.candidates:
                if candidate.id == id_:
                    return generation, candidate
        raise SettingsError("That answer is no longer there; generate again.")

    def discard(self, id_: str) -> list[str]:
        """Forget a generation; the ids of its candidates, empty where there is none."""
        generation = self._kept.pop(id_, None)
        return [c.id for c in generation.candidates] if generation else []

    def opened(self, document: Document) -> None:
        """A document was opened: nothing was written for it yet."""

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Follow the document, so that candidates go to where the place is now."""
        for id_, generation in list(self._kept.items()):
            if generation.uri != before.uri:
                continue
            span: Span | None = generation.span
            for edit in edits:
                span = follow(span, edit) if span is not None else None
            if span is None:
                del self._kept[id_]
            else:
                self._kept[id_] = replace(generation, span=span, version=after.version)

    def closed(self, document: Document) -> None:
        """A document is closed: its answers are forgotten."""
        for id_ in [i for i, g in self._kept.items() if g.uri == document.uri]:
            del self._kept[id_]


def follow(span: Span, edit: Edit) -> Span | None:
    """Where a span is after an edit; None when the edit reaches over one of its ends."""
    inserted = edit.text.replace("\r\n", "\n").split("\n")

    def shifted(position: Position) -> Position:
        lines = len(inserted) - 1 - (edit.span.end.line - edit.span.start.line)
        if position.line != edit.span.end.line:
            return Position(position.line + lines, position.column)
        column = position.column - edit.span.end.column + len(inserted[-1])
        if len(inserted) == 1:
            column += edit.span.start.column
        return Position(position.line + lines, column)

    if edit.span.end <= span.start and edit.span.end != span.end:
        return Span(shifted(span.start), shifted(span.end))
    if edit.span.start >= span.start and edit.span.end <= span.end:
        return Span(span.start, shifted(span.end))
    if edit.span.start > span.end:
        return span
    return None


def _touch(one: Span, other: Span) -> bool:
    return one.start.line <= other.end.line and other.start.line <= one.end.line


def _indent_of(document: Document, position: Position) -> str:
    line = document.line(position.line)
    return line[: len(line) - len(line.lstrip())]


def _named(report: Report | None, count: int) -> Callable[[Asking], None] | None:
    """The asking's progress as sentences: who has answered, how many are left."""
    if report is None:
        return None

    def told(step: Asking) -> None:
        report(f"{step.model}: {step.state}", 100 * step.done // max(1, count))

    return told
