"""Arguments and results of the commands that list and change models; see ``command_schemas``."""

from __future__ import annotations

from pydantic import ConfigDict, Field, RootModel

from ..errors import Problem
from ..history.records import StatsRow
from ..settings import ModelSettings
from ..types import Task
from .wire_models import ClientMessage, NonEmpty, ServerMessage, optional


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
    """The models that were asked, by descending cost."""


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
