"""Arguments and results of the server's own commands: ``ensemble.x`` takes ``XArguments``, returns ``XResult``.

Arguments are validated with these models. Results are only described by them; tests check each result on
the wire. docs/protocol.schema.json and the tables of docs/protocol.md are generated from them.

The models of ``handlers/NAME_commands.py`` are in ``NAME_schemas.py``.

Import these modules lazily: ``initialize`` is answered before pydantic is imported.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import SettingsError
from ..settings.messages import expected, kind
from ..types import TASKS
from .generation_schemas import (
    ExplainArguments,
    ExplainResult,
    GenerateArguments,
    GenerateResult,
)
from .model_schemas import (
    AddModelArguments,
    AddModelResult,
    ModelsArguments,
    ModelsResult,
    PinArguments,
    ProvidersArguments,
    ProvidersResult,
    RemoveModelArguments,
    StatusArguments,
    StatusResult,
)
from .report_schemas import (
    CompareArguments,
    CompareResult,
    ReportArguments,
    ReportResult,
)
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
from .suggestion_schemas import (
    AcceptArguments,
    ChooseArguments,
    NextEditArguments,
    NextEditResult,
    RejectArguments,
    SnoozeArguments,
    SnoozeResult,
    WhyArguments,
    WhyResult,
)

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
