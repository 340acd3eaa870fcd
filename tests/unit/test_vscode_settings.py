"""The settings of the VS Code extension are those of the server, and a workspace redirects nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.settings import resolve
from ensemble_lsp.settings.schema import Settings, SettingsTable, json_schema

MANIFEST = json.loads(
    (Path(__file__).parents[2] / "clients" / "vscode" / "package.json").read_text(encoding="utf-8")
)
GROUPS: list[dict[str, Any]] = MANIFEST["contributes"]["configuration"]
PROPERTIES: dict[str, dict[str, Any]] = {
    key: leaf for group in GROUPS for key, leaf in group["properties"].items()
}
UNTRUSTED = MANIFEST["capabilities"]["untrustedWorkspaces"]
OWN = {"ensemble.server.path", "ensemble.nextEdit.showInEditor"}
SCHEMA = json_schema()
DEFAULTS = Settings().model_dump(mode="json", by_alias=True)


def schema_of(path: list[str]) -> dict[str, Any]:
    """The server's schema of a setting, with references followed."""
    node = SCHEMA
    for key in path:
        node = node["properties"][key]
        if "$ref" in node:
            node = {**SCHEMA["$defs"][node["$ref"].rpartition("/")[2]], **node}
    return node


def keys_of(settings: Any, prefix: str = "ensemble") -> set[str]:
    """The dotted names of all settings of the server."""
    found: set[str] = set()
    for name, field in type(settings).model_fields.items():
        path = f"{prefix}.{field.alias or name}"
        value = getattr(settings, name)
        found |= keys_of(value, path) if isinstance(value, SettingsTable) else {path}
    return found


KEYS = keys_of(Settings())


def test_every_setting_of_the_server_is_there_and_no_other() -> None:
    assert set(PROPERTIES) - OWN == KEYS


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_setting_is_the_same_in_both(key: str) -> None:
    path = key.split(".")[1:]
    given, wanted = PROPERTIES[key], schema_of(path)
    for name in ("type", "enum", "minimum", "maximum", "exclusiveMinimum"):
        if name in wanted:
            assert given.get(name) == wanted[name], name
    shown = given["markdownDescription"].replace("`#ensemble.models#`", "`models`")
    assert shown.startswith(" ".join(wanted["description"].split()))
    default: Any = DEFAULTS
    for part in path:
        default = default[part]
    assert given.get("default") == default


def test_the_settings_are_in_groups_with_titles_and_sentences() -> None:
    assert [group["title"] for group in GROUPS][:2] == ["Models", "Completions"]
    assert sum(len(group["properties"]) for group in GROUPS) == len(PROPERTIES)
    for group in GROUPS:
        assert len(group["title"]) <= 14, "the table of contents cuts it off"
        orders = [leaf["order"] for leaf in group["properties"].values()]
        assert orders == sorted(orders)
    for key in ("complete", "nextEdit"):
        assert PROPERTIES[f"ensemble.{key}.enabled"]["order"] == 0
    commands = {one["command"] for one in MANIFEST["contributes"]["commands"]}
    for key, leaf in PROPERTIES.items():
        text = leaf["markdownDescription"]
        assert set(re.findall(r"\(command:([^)]*)\)", text)) <= commands, key
        assert set(re.findall(r"`#(.*?)#`", text)) <= set(PROPERTIES), key
        assert text[0].isupper() and text.endswith("."), key
        assert "\n" not in text, key
        assert not text.startswith(("The number of", "Milliseconds", "The minimum", "Seconds")), key
        if leaf.get("type") in ("array", "object"):
            assert "Example: `" in text or leaf.get("defaultSnippets"), key


def test_a_model_has_the_same_fields_in_both() -> None:
    wanted = SCHEMA["$defs"]["ModelSettings"]
    given = PROPERTIES["ensemble.models"]["items"]
    assert set(given["properties"]) == set(wanted["properties"])
    assert given["required"] == wanted["required"]
    for name, field in given["properties"].items():
        assert field["description"] == wanted["properties"][name]["description"]
        assert field["type"] in json.dumps(wanted["properties"][name])


def test_what_could_redirect_traffic_is_set_for_the_machine_only() -> None:
    for key in ("models", "discover", "server.path", "privacy.redactSecrets", "history.keepText"):
        assert PROPERTIES[f"ensemble.{key}"]["scope"] == "machine", key


@pytest.mark.parametrize("key", sorted(KEYS))
def test_what_the_server_refuses_of_an_untrusted_workspace_vs_code_refuses_too(key: str) -> None:
    *path, last = key.split(".")[1:]
    other = _another(PROPERTIES[key])
    layer: dict[str, Any] = {last: other}
    for part in reversed(path):
        layer = {part: layer}
    settings, _ = resolve([("workspace", layer)], untrusted={"workspace"})
    taken = settings != Settings()
    restricted = key in UNTRUSTED["restrictedConfigurations"]
    assert PROPERTIES[key]["scope"] in ("machine", "window")
    if PROPERTIES[key]["scope"] == "machine" or not taken:
        assert restricted


def _another(schema: dict[str, Any]) -> Any:
    """A valid value that is not the default."""
    if "enum" in schema:
        return next(one for one in schema["enum"] if one != schema["default"])
    kind, default = schema["type"], schema.get("default", schema.get("minimum", 0))
    if kind == "boolean":
        return not default
    if kind in ("integer", "number"):
        top = schema.get("maximum", default + 1)
        return default + 1 if default + 1 <= top else schema.get("minimum", 0)
    if kind == "array" and "properties" in schema["items"]:
        return [{"name": "theirs", "provider": "recall"}]
    if kind == "array":
        return ["python"]
    return {"complete": "theirs"} if kind == "object" else "other"


def test_an_untrusted_workspace_is_supported_with_limits() -> None:
    assert UNTRUSTED["supported"] == "limited"
    assert set(UNTRUSTED["restrictedConfigurations"]) <= set(PROPERTIES)
    assert "ensemble.server.path" in UNTRUSTED["restrictedConfigurations"]
