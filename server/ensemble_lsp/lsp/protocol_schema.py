"""The JSON Schema of the server's own commands and notifications, generated from their models."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from ..history.records import Latencies, StatsRow
from ..provider_spec import specs
from ..selection.choice import Ranked
from ..types import TASKS
from .command_schemas import COMMANDS
from .generation_schemas import PartialAnswer
from .notification_schemas import FROM_CLIENT, FROM_SERVER
from .wire_models import WirePosition, WireRange

_NAMES = {
    WirePosition.__name__: "Position",
    WireRange.__name__: "Range",
    StatsRow.__name__: "Stats",
    Latencies.__name__: "Latency",
    Ranked.__name__: "Ranked",
}
"""Public names of definitions whose class has another name."""


def protocol_json_schema() -> dict[str, Any]:
    """Return one JSON Schema (2020-12) with a definition for each model."""
    received: list[type[BaseModel]] = list(FROM_CLIENT.values())
    sent: list[type[BaseModel]] = [*FROM_SERVER.values(), PartialAnswer]
    nulls: dict[str, Any] = {}
    for command, (arguments, result) in COMMANDS.items():
        received.append(arguments)
        if result is not None:
            sent.append(result)
        else:
            name = arguments.__name__.replace("Arguments", "Result")
            nulls[name] = {"type": "null", "description": f"The result of {command}."}
    modes: list[tuple[Any, JsonSchemaMode]] = [(model, "validation") for model in received]
    for model in sent:
        modes.append((model, "serialization"))
    _, schema = models_json_schema(modes)
    task = {"type": "string", "enum": list(TASKS), "description": "A kind of request to a model."}
    definitions = {_NAMES.get(k, k): _tidied(v) for k, v in schema["$defs"].items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Commands and notifications of ensemble-lsp",
        "description": "ensemble.x takes XArguments and returns XResult; ensemble/x carries XParams.",
        "$defs": dict(sorted({**definitions, **nulls, "Task": task}.items())),
    }


def _tidied(node: Any) -> Any:
    """Return a part of pydantic's schema with public names, without titles."""
    if isinstance(node, list):
        return [_tidied(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    if node.get("enum") == list(TASKS):
        shared = {"$ref": "#/$defs/Task"}
        return {**shared, "description": node["description"]} if "description" in node else shared
    tidy = {k: _tidied(v) for k, v in cast("dict[str, Any]", node).items()}
    if tidy.get("enum") == list(specs()):  # a package may bring another provider
        tidy["examples"] = tidy.pop("enum")
    if isinstance(tidy.get("title"), str):
        del tidy["title"]
    if "$ref" in tidy:
        name = tidy["$ref"].rsplit("/", 1)[1]
        tidy["$ref"] = f"#/$defs/{_NAMES.get(name, name)}"
    if "propertyNames" in tidy:  # a dict with a key for some of the tasks
        del tidy["propertyNames"]
        value = tidy.pop("additionalProperties")
        tidy |= {"properties": dict.fromkeys(TASKS, value), "additionalProperties": False}
    return _with_optional(tidy)


def _with_optional(schema: dict[str, Any]) -> dict[str, Any]:
    """Make the fields that ``optional`` declares optional, and nullable only on request."""
    required: list[str] = schema.pop("required", [])
    for name, field in schema.get("properties", {}).items():
        optional = field.pop("optional", None)
        if optional is None:
            continue
        del field["default"]
        required = [other for other in required if other != name]
        if optional == "never null":
            (value,) = [option for option in field.pop("anyOf") if option != {"type": "null"}]
            schema["properties"][name] = {**value, **field}
    return {**schema, "required": required} if required else schema
