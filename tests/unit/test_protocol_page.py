"""The page and the schema of the protocol describe what the server has: no more, no less."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from ensemble_lsp.errors import SettingsError
from ensemble_lsp.lsp import command_schemas, notification_schemas
from ensemble_lsp.lsp.command_schemas import parse_arguments
from ensemble_lsp.lsp.protocol_schema import protocol_json_schema
from ensemble_lsp.lsp.routes import COMMANDS, ROUTES
from ensemble_lsp.settings import trust

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "protocol.md").read_text(encoding="utf-8")
KEY = r"`([a-z]+\.[a-zA-Z]+)`"


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def first_column(title: str) -> set[str]:
    """The names in the first column of a section's table."""
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def line(start: str) -> str:
    found = re.search(rf"^- {start}:.*?(?=^- |^$)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[0]


def test_methods_are_those_of_the_table_of_routes() -> None:
    served = {route.method for route in ROUTES if not route.method.startswith("ensemble/")}
    assert first_column("Methods") == served | {"initialize", "workspace/executeCommand"}


def test_commands_are_those_that_are_registered() -> None:
    assert first_column("Commands") == set(COMMANDS) == set(command_schemas.COMMANDS)


def test_notifications_are_those_taken_and_sent() -> None:
    taken = {route.method for route in ROUTES if route.method.startswith("ensemble/")}
    assert taken == set(notification_schemas.FROM_CLIENT)
    assert first_column("Notifications") == taken | set(notification_schemas.FROM_SERVER)


def test_what_an_untrusted_workspace_may_set_is_told_whole() -> None:
    for word, numbers in (("only higher", trust._RAISED), ("only lower", trust._LOWERED)):
        assert set(re.findall(KEY, line(word))) == {".".join(key) for key in numbers}
    for word, value in (("only off", False), ("only on", True)):
        keys = {".".join(key) for key, only in trust._ONLY.items() if bool(only) is value}
        assert set(re.findall(KEY, line(word))) == keys
    assert set(re.findall(KEY, line("only added to"))) == {".".join(k) for k in trust._ADDED}


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_protocol", DOCS / "make_protocol.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_schema_and_the_tables_are_generated_from_the_code() -> None:
    make = generator()
    schema = (DOCS / "protocol.schema.json").read_text(encoding="utf-8")
    assert schema == make.schema_text(), "run `make schema`"
    assert make.page(PAGE) == PAGE, "run `make schema`"


def test_every_command_and_notification_has_its_definitions() -> None:
    schema = protocol_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    names = {name.partition(".")[2] for name in command_schemas.COMMANDS}
    titles = {name[0].upper() + name[1:] for name in names}
    assert {f"{t}Arguments" for t in titles} | {f"{t}Result" for t in titles} <= set(
        schema["$defs"]
    )
    assert {"DidShowParams", "DidPartiallyAcceptParams", "DidEndParams", "StatusParams"} <= set(
        schema["$defs"]
    )


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = protocol_json_schema()
    return jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{name}"})


def test_optional_fields_are_absent_and_not_null() -> None:
    assert validator("AcceptArguments").is_valid({"id": "a"})
    assert not validator("AcceptArguments").is_valid({"id": "a", "length": None})
    assert validator("PinArguments").is_valid({"task": "complete", "name": None})
    assert validator("CompareResult").is_valid({"cancelled": True})
    assert validator("CompareResult").is_valid({"markdown": "a", "html": None, "cost": 0.1})
    assert validator("StatusParams").is_valid({"state": "idle", "latencyMs": 3.5})
    assert not validator("StatusParams").is_valid({"state": "idle", "latencyMs": None})


RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 2**40, "character": 3.0}}


@pytest.mark.parametrize(
    ("model", "arguments", "sentence"),
    [
        ("Accept", {}, "The argument 'id' is missing; it must be the id of a suggestion."),
        ("Accept", {"id": ""}, "The argument 'id' must be the id of a suggestion, not \"\"."),
        ("Accept", {"id": "a", "length": True}, "must be a whole number of at least 0, not true."),
        ("Accept", {"id": "a", "length": -1}, "The argument 'length' must be a whole number"),
        ("Pin", {"task": "sing"}, "The argument 'task' must be one of complete, explain, generate"),
        ("Pin", {"task": "complete", "name": 3}, "The argument 'name' must be a string, not 3."),
        ("Generate", {"range": RANGE}, "The argument 'uri' is missing"),
        ("Generate", {"uri": "a", "range": {}}, "The argument 'range' must be an LSP range."),
        ("Explain", {"uri": "a", "range": RANGE, "workDoneToken": []}, "a string or a number."),
        ("Compare", {"paths": "a"}, "'paths' must be a list of strings, not \"a\"."),
        ("Compare", {"paths": ["a", ""]}, "'paths' must be a list of strings."),
        ("Compare", {"maxCost": "1"}, "'maxCost' must be a number of US dollars, not \"1\"."),
        ("Compare", {"engine": "cloud"}, '\'engine\' must be one of "local", "ray"'),
        ("Compare", {"yes": "no"}, "'yes' must be true or false, not \"no\"."),
    ],
)
def test_a_wrong_argument_is_named_in_one_sentence(
    model: str, arguments: dict[str, Any], sentence: str
) -> None:
    schema = getattr(command_schemas, f"{model}Arguments")
    with pytest.raises(SettingsError) as caught:
        parse_arguments(schema, arguments)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nulls_unknown_keys_and_whole_floats_are_accepted() -> None:
    arguments = {"uri": "a", "range": RANGE, "size": None, "model": None, "more": 1}
    parsed = parse_arguments(command_schemas.GenerateArguments, arguments)
    assert (parsed.size, parsed.model, parsed.range.end.character) == (None, None, 3)
    assert parse_arguments(command_schemas.CompareArguments, {"maxCost": 3}).max_cost == 3.0
