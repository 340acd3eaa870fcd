"""Arguments and results of the commands that set models up; see ``command_schemas``."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from ..errors import Problem
from .wire_models import ClientMessage, NonEmpty, ProgressToken, ServerMessage, optional


class PackagedModelsArguments(ClientMessage):
    """List the packaged models, whose weights can be downloaded."""


class PackagedModelDescription(ServerMessage):
    """A model that runs on this machine once its weights are downloaded."""

    name: str
    """The name for `ensemble.downloadModel`, and the `model` setting of the provider `llamacpp`."""
    title: str
    download_size: int
    """Bytes to download."""
    licence: str
    fills_in_the_middle: bool
    """Whether it was trained to complete code at the cursor."""
    note: str
    installed: bool
    """Whether its weights are on this machine."""


class PackagedModelsResult(RootModel[list[PackagedModelDescription]]):
    """The packaged models, best first."""


class DownloadModelArguments(ClientMessage):
    """Download the weights of a packaged model and use the model."""

    name: NonEmpty
    work_done_token: ProgressToken | None = optional()
    """Progress is reported under this token; cancelling it ends the download and leaves nothing behind."""


class DownloadModelResult(ServerMessage):
    """The downloaded model, which is in use now."""

    name: str
    path: str
    """The path of the weights."""
    saved: str | None
    """The config file, if it lists models and the new one was added to it. If only the editor's settings list
    models, the client has to add it there."""


class FindModelsArguments(ClientMessage):
    """Look for models on this machine again. Without configured models, what is found is used."""


class FoundModel(ServerMessage):
    """A model that this machine offers: by a key, on a local server, or by installed weights."""

    settings: dict[str, Any]
    """The arguments for `ensemble.addModel`."""
    why: str
    """The reason why it was found."""
    in_use: bool
    """Whether it is one of the models in use."""


class FindModelsResult(RootModel[list[FoundModel]]):
    """The models that were found."""


class TestModelArguments(ClientMessage):
    """Ask a model one tiny question, to see whether it answers."""

    name: NonEmpty


class TestModelResult(ServerMessage):
    """Whether the model answered."""

    name: str
    ok: bool
    message: str
    """`answers`, or what is wrong and what to do."""
    latency_ms: float
    problem: Problem
    """The kind of the failure; `other` without one."""
