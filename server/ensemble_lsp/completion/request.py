"""A request for completion, and what is worked out of it once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..context.completion_mode import Shape, shape_at
from ..postprocess import clean_completion
from ..postprocess.completion_text import CONTEXT_LINES, STREAMED_LINES, is_long_enough
from ..types import Document, Position, Span, Trigger
from .inflight import InflightRequest

if TYPE_CHECKING:
    from ..app import AppContext
    from ..selection.decision import Decision


@dataclass(frozen=True, slots=True)
class Selected:
    """The item selected in the editor's own list: completions go on from its text."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One request. Positions are those of the document's snapshot."""

    document: Document
    position: Position
    trigger: Trigger
    selected: Selected | None = None
    several: bool = False
    model: str | None = None
    """Ask only this model."""
    ensemble: int | None = None
    budget_ms: float | None = None
    """In place of the setting: for a caller that nobody types beside."""
    candidates: int | None = None
    """How many different ones are of use; else as the trigger and the settings say."""

    @property
    def wants_several(self) -> bool:
        """Whether more than one candidate is of use."""
        return self.several or self.trigger == "invoked"


@dataclass(slots=True)
class CompletionJob:
    """One request while it is worked on."""

    app: AppContext
    request: CompletionRequest
    document: Document
    """With the item selected in the editor's list put in."""
    position: Position
    shape: Shape
    prefix: str = ""
    suffix: str = ""
    decision: Decision | None = None
    flights: list[tuple[InflightRequest, str]] = field(
        default_factory=list[tuple[InflightRequest, str]]
    )
    """Each with the text that was typed since it was asked."""
    recalled: bool = False
    """Whether the models that cost nothing were asked already."""

    @property
    def multiline(self) -> bool:
        """Whether a block is wanted, not the rest of a line."""
        return self.shape == "block"

    def clean(self, text: str, finish: str = "stop", *, block: bool = False) -> str:
        """A model's text as it continues the document at the cursor; ``block``: in several lines."""
        return clean_completion(
            text,
            prefix=self.prefix,
            suffix=self.suffix,
            language=self.document.language,
            multiline=self.multiline or block,
            max_lines=STREAMED_LINES,
            finish=finish,
        )

    def enough(self, text: str) -> bool:
        """Whether a stream holds all that is of use: then it is closed and costs nothing more."""
        return is_long_enough(text, multiline=self.multiline)


def job_of(app: AppContext, request: CompletionRequest) -> CompletionJob | None:
    """The work of a request; None where nothing should be offered."""
    settings, document = app.settings.complete, request.document
    if not settings.enabled and request.trigger == "automatic":
        return None
    if request.trigger == "automatic" and document.language in settings.disabled_languages:
        return None
    position = document.clamp(request.position)
    if (selected := request.selected) is not None:
        document = document.replace(selected.span, selected.text)
        lines = selected.text.split("\n")
        start = selected.span.start
        column = len(lines[-1]) + (start.column if len(lines) == 1 else 0)
        position = Position(start.line + len(lines) - 1, column)
    shape = shape_at(document, position, app.runtime.workspace.trees)
    if shape == "none":
        return None
    first = Position(max(0, position.line - CONTEXT_LINES), 0)
    last = min(len(document.lines) - 1, position.line + CONTEXT_LINES)
    end = Position(last, len(document.lines[last]))
    prefix = document.slice(Span(first, position)).replace("\r\n", "\n")
    suffix = document.slice(Span(position, end)).replace("\r\n", "\n")
    return CompletionJob(app, request, document, position, shape, prefix, suffix)
