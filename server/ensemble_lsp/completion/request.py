"""A request for completion, and the state of serving it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..context.completion_mode import CompletionMode, completion_mode_at
from ..context.indent_style import FormattingOptions, indent_unit_of
from ..models.control_tokens import control_tokens
from ..postprocess import clean_completion
from ..postprocess.brackets import lexical_boundary
from ..postprocess.completion_text import (
    CONTEXT_LENGTH,
    CONTEXT_LINES,
    CURSOR_LINE_LENGTH,
    STREAMED_LINES,
    is_long_enough,
)
from ..postprocess.rest_of_line import FittedText, fit_rest_of_line
from ..types import Document, Position, Span, Trigger, advance
from .cache import CachedAnswer
from .inflight import InflightRequest

if TYPE_CHECKING:
    from ..app import AppContext
    from ..models.interface import Profile
    from ..selection.decision import Decision

_SEVERAL_LINES = re.compile(r"\"\"\"|'''|`|\*/")
"""Ends a string or a comment of several lines."""
_LEXED = 100_000
"""Characters above the lines that are read, in which strings and comments are looked for: a few milliseconds."""


@dataclass(frozen=True, slots=True)
class SelectedItem:
    """The item selected in the editor's completion list; the completion continues its text."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One request. Its positions are those of the document's snapshot."""

    document: Document
    position: Position
    trigger: Trigger
    selected: SelectedItem | None = None
    several: bool = False
    model: str | None = None
    """Ask only this model."""
    ensemble: int | None = None
    budget_ms: float | None = None
    """Overrides ``complete.budgetMs`` for non-interactive callers (the CLI)."""
    formatting: FormattingOptions | None = None
    """The client's options, for a document that has no indented lines."""
    candidates: int | None = None
    """Overrides the number of candidates that the trigger and the settings imply."""

    @property
    def wants_several(self) -> bool:
        """Whether the caller can use more than one candidate."""
        return self.several or self.trigger == "invoked"


@dataclass(slots=True)
class CompletionRun:
    """The state of one request while it is served."""

    app: AppContext
    request: CompletionRequest
    document: Document
    """The request's document with the selected item inserted."""
    position: Position
    mode: CompletionMode
    prefix: str = ""
    suffix: str = ""
    unit: str = ""
    """One level of the document's indentation; empty to judge by the text around the cursor."""
    decision: Decision | None = None
    streams: list[tuple[InflightRequest, str]] = field(
        default_factory=list[tuple[InflightRequest, str]]
    )
    """The streams asked for this request, each with the text typed since it began."""
    free_models_asked: bool = False
    instant: CachedAnswer | None = None
    """The answer of a free model."""
    shown_model: str | None = None
    """The model whose answer is shown already, while this run asks another one."""
    unfinished: list[InflightRequest] = field(default_factory=list[InflightRequest])
    """Streams that continue after the request is answered."""
    samples: int = 0
    """Further samples of the first model, to be started when its first answer is complete."""

    @property
    def multiline(self) -> bool:
        """Whether to complete a block instead of the rest of the line."""
        return self.mode == "block"

    def clean(
        self,
        text: str,
        finish: str = "stop",
        *,
        block: bool = False,
        exact: bool = False,
        profile: Profile | None = None,
    ) -> str:
        """Post-process a model's text to continue at the cursor; ``block`` allows several lines.

        ``exact``: it continues the very character before the cursor. ``profile`` is the model's; without
        it no control token is expected in the text.
        """
        return clean_completion(
            text,
            prefix=self.prefix,
            suffix=self.suffix,
            language=self.document.language,
            multiline=self.multiline or block,
            max_lines=STREAMED_LINES,
            finish=finish,
            exact=exact,
            tokens=control_tokens(profile) if profile is not None else (),
            unit=self.unit,
        )

    def fit(self, text: str) -> FittedText:
        """Return a post-processed text with the part of the rest of the line that it replaces."""
        return fit_rest_of_line(
            text, prefix=self.prefix, suffix=self.suffix, language=self.document.language
        )

    def covered_span(self, fitted: FittedText) -> Span:
        """Return the span of the covered part of the rest of the line; empty without any."""
        line, column = self.position.line, self.position.column
        return Span(self.position, Position(line, column + len(fitted.covered)))

    def enough(self, text: str, *, exact: bool = False) -> bool:
        """Return whether the text has every line that can be used, so that the stream can be closed.

        ``exact``: it continues the very character before the cursor.
        """
        return is_long_enough(
            text,
            multiline=self.multiline,
            prefix=self.prefix,
            suffix=self.suffix,
            language=self.document.language,
            exact=exact,
        )


async def indent_unit_for(run: CompletionRun) -> str:
    """Return one level of indentation at the cursor."""
    return await indent_unit_of(run.document, run.position.line, run.request.formatting)


def _window_start(document: Document, position: Position) -> Position:
    """Return the start of the lines above the cursor that are read; it is in no string and no comment.

    Text that began inside of a docstring would turn code into strings, and strings into code.
    """
    first = max(0, position.line - CONTEXT_LINES)
    shown = document.slice(Span(Position(first, 0), position))
    above = "".join(document.lines[:first])
    if not first or len(above) > _LEXED or _SEVERAL_LINES.search(shown) is None:
        return Position(first, 0)
    text = above + shown
    start = lexical_boundary(text, len(above), document.language)
    if start < len(above):
        return Position(text.count("\n", 0, start), 0)
    line = text.count("\n", 0, start) + (start > len(above))
    return Position(line if line <= position.line else first, 0)


def start_run(app: AppContext, request: CompletionRequest) -> CompletionRun | None:
    """Prepare to serve a request; ``None`` if nothing should be offered there."""
    document = request.document
    if request.trigger == "automatic" and not app.completes(document):
        return None
    position = document.clamp(request.position)
    if (selected := request.selected) is not None:
        document = document.replace(selected.span, selected.text)
        position = advance(selected.span.start, selected.text)
    mode = completion_mode_at(document, position, app.workspace.context.trees)
    if mode == "none":
        return None
    first = _window_start(document, position)
    last = min(len(document.lines) - 1, position.line + CONTEXT_LINES)
    end = Position(last, len(document.lines[last]))
    prefix = document.slice(Span(first, position))[-CONTEXT_LENGTH:].replace("\r\n", "\n")
    suffix = document.slice(Span(position, end))[:CONTEXT_LENGTH].replace("\r\n", "\n")
    if position.column > CURSOR_LINE_LENGTH:
        prefix = prefix[-CURSOR_LINE_LENGTH:]
    return CompletionRun(app, request, document, position, mode, prefix, suffix)
