"""Arguments and results of the commands that write and explain code; see ``command_schemas``."""

from __future__ import annotations

from typing import Any, Literal

from .wire_models import (
    ClientMessage,
    NonEmpty,
    ProgressToken,
    ServerMessage,
    WireRange,
    optional,
)


class RangeArguments(ClientMessage):
    """Base of commands that work on a range of a document."""

    uri: NonEmpty
    """The document."""
    range: WireRange
    """The selection, or an empty range at the cursor."""
    size: int | None = optional(ge=0)
    """The number of models to ask."""
    work_done_token: ProgressToken | None = optional()
    """Progress is reported under this token."""


class DiagnosticArgument(ClientMessage):
    """A problem that another tool reports."""

    message: NonEmpty
    range: WireRange
    severity: Literal["error", "warning", "information", "hint"] | None = optional()
    """`error` by default."""
    code: str | None = optional()
    source: str | None = optional()
    """The name of the tool."""


class GenerateArguments(RangeArguments):
    """Write code with several models and apply the first answer."""

    instruction: str | None = optional()
    """The instruction; empty to use the comment, docstring or selection."""
    model: str | None = optional()
    """Ask only this model."""
    apply: bool | None = optional()
    """Apply the first answer; true by default."""
    preset: Literal["fix", "tests", "documentation"] | None = optional()
    """A ready-made request: fix the `diagnostics`, write tests or write the documentation of the function or class
    at the range. Each finds its own place for the code; an `instruction` adds to it."""
    diagnostics: list[DiagnosticArgument] | None = optional()
    """The problems to fix."""
    draft: str | None = optional()
    """An earlier answer to the instruction, which `followUp` changes."""
    follow_up: str | None = optional()
    """The change to the draft, such as "shorter" or "use a dict"."""
    formatting_options: dict[str, Any] | None = optional()
    """LSP's ``FormattingOptions``, for a document that has no indented lines."""
    partial_result_token: ProgressToken | None = optional()
    """The answer of one model is reported under this token while it is written, as a `PartialAnswer`."""


class PartialAnswer(ServerMessage):
    """The value of `$/progress` for `partialResultToken`: an answer that is still being written."""

    model: str
    """The model that writes it. Another one replaces it only if it fails."""
    text: str
    """All of its text so far."""
    uri: str
    range: WireRange
    """The range that the answer replaces."""


class Candidate(ServerMessage):
    """One answer of an ensemble."""

    id: str
    models: list[str]
    """The models that gave this answer."""
    text: str


class GenerateResult(ServerMessage):
    """The candidates of a generation."""

    id: str
    text: str
    """The first answer: the consensus of two or more models, or the answer of the model with the best record."""
    agreement: float
    """The estimated probability that the first answer is right, from 0 to 1."""
    settled: bool
    """False if the agreement is below the threshold and the user has to choose."""
    candidates: list[Candidate]
    """All answers, the first one first."""
    errors: dict[str, str]
    """The models that failed, each with its error message."""
    uri: str
    range: WireRange
    """The range of the candidates, in the document version they were generated for."""


class ExplainArguments(RangeArguments):
    """Explain code with several models."""

    show: bool | None = optional()
    """Open the explanation in the editor."""
    diagnostics: list[DiagnosticArgument] | None = optional()
    """The problems to explain instead of the code."""
    model: str | None = optional()
    """The one model to ask. If it is not the one that explained this code before, the user refuses the earlier
    explanation."""
    question: str | None = optional()
    """A question about the code that follows an explanation. The answer is the result's `markdown`."""
    previous: str | None = optional()
    """The explanation, with earlier questions and answers, that the question follows."""


class ExplainResult(ServerMessage):
    """An explanation and its authors."""

    id: str
    """The id for ``ensemble.accept`` and ``ensemble.reject``, which say whether the explanation was helpful."""
    markdown: str
    models: list[str]
