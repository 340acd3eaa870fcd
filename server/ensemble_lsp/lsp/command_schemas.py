"""Arguments and results of the server's own commands: ``ensemble.x`` takes ``XArguments``, returns ``XResult``.

Arguments are validated with these models. Results are only described by them; tests check each result on
the wire. docs/protocol.schema.json and the tables of docs/protocol.md are generated from them.

Import this module lazily: ``initialize`` is answered before pydantic is imported.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from ..errors import Problem, SettingsError
from ..history.records import StatsRow
from ..selection.choice import Ranked
from ..settings import ModelSettings
from ..settings.messages import expected, kind
from ..types import TASKS, Task
from .setup_schemas import (
    DownloadModelArguments,
    DownloadModelResult,
    FindModelsArguments,
    FindModelsResult,
    PackagedModelsArguments,
    PackagedModelsResult,
    TestModelArguments,
    TestModelResult,
)
from .wire_models import (
    ClientMessage,
    NonEmpty,
    ProgressToken,
    ServerMessage,
    WirePosition,
    WireRange,
    optional,
)

MAX_SNOOZE_MINUTES = 7 * 24 * 60

# -- suggestions -----------------------------------------------------------------------------------


class AcceptArguments(ClientMessage):
    """Record that a suggestion was accepted."""

    id: NonEmpty
    """The suggestion's id."""
    length: int | None = optional(ge=0)
    """For a partial accept: UTF-16 units from the start of the text."""


class RejectArguments(ClientMessage):
    """Record that a suggestion was rejected."""

    id: NonEmpty
    """The id of a suggestion, or of a generation with all its candidates."""


class ChooseArguments(ClientMessage):
    """Apply one candidate of a generation, or let the user choose one."""

    id: NonEmpty
    """The id of a candidate to apply, or of a generation to let the user choose."""


class WhyArguments(ClientMessage):
    """Explain which models were asked for a suggestion, or would be asked at a position."""

    id: NonEmpty | None = optional()
    """The suggestion to explain. Without it, `task`, `uri` and `position` are required."""
    task: Task | None = optional()
    uri: NonEmpty | None = optional()
    position: WirePosition | None = optional()
    unpinned: bool | None = optional()
    """Explain the choice at a position as if no model were pinned."""


class PositionQuery(ClientMessage):
    """The arguments of `ensemble.why` without an id."""

    task: Task
    uri: NonEmpty
    position: WirePosition


class WhyResult(ServerMessage):
    """The choice of models with its reasons."""

    model_config = ConfigDict(alias_generator=None)  # the scores have snake_case keys

    why: str
    """The reason in plain words."""
    task: Task
    models: list[str]
    """The models that were asked, or that would be asked."""
    agreement: float | None
    explored: bool
    """Whether the choice was an exploration."""
    context: dict[str, Any]
    """The features of the request."""
    scores: list[Ranked]
    """Every model considered, best first."""
    id: str | None = optional()
    """The suggestion's id; absent for a position."""


# -- next edits ------------------------------------------------------------------------------------


class NextEditArguments(ClientMessage):
    """Predict the next edit at a position and apply it."""

    uri: NonEmpty
    """The document."""
    position: WirePosition
    """The cursor."""


class NextEditResult(ServerMessage):
    """The edit that was predicted."""

    id: str
    applied: bool
    """Whether the client applied it."""


# -- snooze ----------------------------------------------------------------------------------------


class SnoozeArguments(ClientMessage):
    """Stop automatic completions and next edits for a time; without arguments, return the state."""

    minutes: float | None = optional(ge=0, le=MAX_SNOOZE_MINUTES)
    """The length of the snooze; 0 ends it."""
    until_restart: bool | None = optional()
    """Snooze until the server ends."""


class SnoozeResult(ServerMessage):
    """The state after the command."""

    snoozed: bool
    until: int | None
    """The end in milliseconds since 1970; null if it lasts until the server ends, or if not snoozed."""


# -- generate and explain --------------------------------------------------------------------------


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


# -- models ----------------------------------------------------------------------------------------


class ModelsArguments(ClientMessage):
    """List the models with their state and their record."""


class ModelDescription(ServerMessage):
    """A configured model and its record."""

    model_config = ConfigDict(alias_generator=None)  # the record has snake_case keys

    name: str
    provider: str
    model: str
    tasks: list[Task]
    available: bool
    reason: str
    """The reason why the model is not available, or its last failure."""
    problem: Problem
    """The kind of the reason."""
    key_source: str = Field(alias="keySource")
    """The source of the API key."""
    key_variable: str | None = Field(alias="keyVariable")
    """The environment variable that may hold the API key; null for a model that reads none."""
    origin: str
    """The place where the model is configured."""
    local: bool
    """Whether the model runs on this machine."""
    stats: dict[Task, StatsRow]
    """The record of each task that the model was asked to do."""


class ModelsResult(RootModel[list[ModelDescription]]):
    """The models in the order of the settings."""


class ProvidersArguments(ClientMessage):
    """List the providers that a model can use."""


class ProviderDescription(ServerMessage):
    """A provider, as its specification describes it."""

    name: str
    """The value of a model's `provider` setting."""
    title: str
    """The name to show to users."""
    key_env: str | None
    """The environment variable that usually holds the API key."""
    default_base_url: str | None
    """The address used when a model has no `baseUrl`; null for a provider without one."""
    default_model: str | None
    """The model used when a model has no `model`."""
    local: bool
    """Whether the provider runs models on this machine."""
    needs_key: bool
    """Whether the default address needs an API key."""
    needs_model: bool
    """Whether the `model` setting is required."""
    tasks: list[Task]
    """The tasks that its models can do."""
    fine_tuning: bool
    """Whether the provider offers fine-tuning."""


class ProvidersResult(RootModel[list[ProviderDescription]]):
    """The providers."""


class PinArguments(ClientMessage):
    """Use one model for a task, or let the selector choose again."""

    task: Task
    name: str | None = None
    """A model's name; null to let the selector choose again."""


class StatusArguments(ClientMessage):
    """Return what a status bar shows beside the notification `ensemble/status`."""


class ModelUsage(ServerMessage):
    """The calls to one model in a period."""

    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float
    """US dollars."""


class PeriodUsage(ServerMessage):
    """The calls to all models in a period."""

    cost: float
    """US dollars."""
    input_tokens: int
    output_tokens: int
    models: list[ModelUsage]
    """The models that were asked, the dearest first."""


class StatusResult(ServerMessage):
    """Pins, faults of the settings, and usage."""

    pins: dict[Task, str]
    """The models pinned by command or in the settings."""
    issues: list[str]
    """Faults of the settings, when they were last read."""
    config_path: str
    """The user's config file, which may not exist."""
    daily_budget: float | None
    """The setting `selector.dailyBudget`."""
    today: PeriodUsage
    """Since midnight, local time."""
    month: PeriodUsage
    """Since the first of the month, local time; at most `history.retentionDays`."""


class AddModelArguments(ModelSettings):
    """Add a model for this session: its settings, and `save`."""

    save: bool = False
    """Also write the model to the user's config file."""


class AddModelResult(ServerMessage):
    """The place where the model was written."""

    saved: str | None
    """The path of the config file; null without `save`."""
    kept: list[str]
    """The models that were found before and were written with it, so that the list does not replace them."""


class RemoveModelArguments(ClientMessage):
    """Remove a model for this session."""

    name: NonEmpty
    save: bool | None = optional()
    """Also remove the model from the user's config file."""


# -- reports ---------------------------------------------------------------------------------------


class ReportArguments(ClientMessage):
    """Write the report of the history."""

    task: Task | None = optional()
    """Only this task."""


class ReportResult(ServerMessage):
    """The paths of the report's files."""

    markdown: str
    html: str | None


class CompareArguments(ClientMessage):
    """Measure models on the workspace's own code; the options are those of the command line."""

    paths: list[NonEmpty] | None = optional()
    """Files and folders; by default the workspace's folders."""
    task: Task | None = optional()
    models: list[NonEmpty] | None = optional()
    samples: int | None = optional(ge=0)
    seed: int | None = optional(ge=0)
    language: str | None = optional()
    kinds: list[NonEmpty] | None = optional()
    max_cost: float | None = optional(ge=0)
    """US dollars that the comparison must not exceed."""
    engine: Literal["local", "ray"] | None = optional()
    fresh: bool | None = optional()
    """Ask again, even if an earlier run has answers."""
    learn: bool | None = optional()
    """Let the selector start from the results."""
    out: NonEmpty | None = optional()
    """An absolute path for the report."""
    yes: bool | None = optional()
    """Start without asking, even if code leaves the machine."""
    work_done_token: ProgressToken | None = optional()
    """Progress is reported under this token."""


class CompareResult(ServerMessage):
    """The paths of the report's files, or `cancelled`."""

    markdown: str | None = optional()
    html: str | None = optional(nullable=True)
    advice: str | None = optional()
    cost: float | None = optional()
    """US dollars spent."""
    cancelled: bool | None = optional()


COMMANDS: dict[str, tuple[type[BaseModel], type[BaseModel] | None]] = {
    "ensemble.accept": (AcceptArguments, None),
    "ensemble.reject": (RejectArguments, None),
    "ensemble.choose": (ChooseArguments, None),
    "ensemble.nextEdit": (NextEditArguments, NextEditResult),
    "ensemble.snooze": (SnoozeArguments, SnoozeResult),
    "ensemble.generate": (GenerateArguments, GenerateResult),
    "ensemble.explain": (ExplainArguments, ExplainResult),
    "ensemble.models": (ModelsArguments, ModelsResult),
    "ensemble.providers": (ProvidersArguments, ProvidersResult),
    "ensemble.pin": (PinArguments, None),
    "ensemble.status": (StatusArguments, StatusResult),
    "ensemble.addModel": (AddModelArguments, AddModelResult),
    "ensemble.removeModel": (RemoveModelArguments, None),
    "ensemble.packagedModels": (PackagedModelsArguments, PackagedModelsResult),
    "ensemble.downloadModel": (DownloadModelArguments, DownloadModelResult),
    "ensemble.findModels": (FindModelsArguments, FindModelsResult),
    "ensemble.testModel": (TestModelArguments, TestModelResult),
    "ensemble.why": (WhyArguments, WhyResult),
    "ensemble.report": (ReportArguments, ReportResult),
    "ensemble.compare": (CompareArguments, CompareResult),
}
"""Arguments and result of each command; None for a command that returns null."""

# -- validation ------------------------------------------------------------------------------------

Message = TypeVar("Message", bound=BaseModel)

_PHRASES = {
    "task": f"one of {', '.join(TASKS)}",
    "range": "an LSP range",
    "position": "an LSP position",
    "id": "the id of a suggestion",
    "uri": "the URI of an open document",
    "maxCost": "a number of US dollars",
    "workDoneToken": "a string or a number",
}


def parse_arguments(model: type[Message], arguments: dict[str, Any]) -> Message:
    """Validate a command's arguments; raise ``SettingsError`` with a sentence for the first wrong one."""
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        key = str(error.errors(include_url=False)[0]["loc"][0])
    schema = model.model_json_schema()["properties"][key]
    phrase = _PHRASES.get(key) or expected(schema)
    value = arguments.get(key)
    if value is None:
        raise SettingsError(f"The argument {key!r} is missing; it must be {phrase}.")
    given = "" if isinstance(value, dict | list) else f", not {kind(value)}"
    raise SettingsError(f"The argument {key!r} must be {phrase}{given}.")
