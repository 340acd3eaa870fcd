"""Generate the settings in package.json from the server's schema.

Run `python scripts/settings.py` in this folder after a change of the schema; a unit test compares both.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ensemble_lsp.settings.schema import Settings, json_schema

MANIFEST = Path(__file__).parents[1] / "package.json"

MACHINE = {
    "models",
    "discover",
    "privacy.redactSecrets",
    "history.url",
    "history.retentionDays",
    "history.keepText",
}
"""Settings that redirect code or disclose more of it. No workspace may set them, trusted or not."""
OWN = ("ensemble.server.", "ensemble.nextEdit.showInEditor")
"""Settings of the extension alone."""
RUNS = {"runExamples", "runTests"}
"""Settings that run the workspace's code. No workspace may set them, trusted or not."""
GROUPS = {
    "Models": ("models", "discover", "server"),
    "Completions": ("complete",),
    "Explanations": ("explain",),
    "Next Edits": ("nextEdit",),
    "Model Choice": ("selector",),
    "Consensus": ("ensemble",),
    "Privacy": ("privacy",),
    "History": ("history",),
}
"""The groups of the settings page: the title, and the first parts of the settings' names, in their order.

The page's table of contents cuts titles off after about fourteen characters.
"""
SWITCH = "The menu of the status bar has a switch for it."
MORE = {
    "models": "[Set up a model](command:ensemble.setUp) adds one and tests it.",
    "complete.enabled": SWITCH,
    "complete.disabledLanguages": SWITCH,
    "selector.pin": "The menu of the status bar pins a model until the server restarts.",
}
"""Sentences about the extension, which the server's schema cannot know."""
KEPT = {
    "default",
    "description",
    "enum",
    "examples",
    "exclusiveMinimum",
    "maximum",
    "maxLength",
    "minItems",
    "minimum",
    "pattern",
    "type",
}


def as_integers(value: Any) -> Any:
    """Write numbers as JavaScript does: 1.0 becomes 1."""
    if isinstance(value, dict):
        return {key: as_integers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_integers(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def inlined(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """Inline references and drop unions with null, which VS Code's settings editor does not support."""
    if "$ref" in schema:
        schema = {**defs[schema["$ref"].rpartition("/")[2]], **schema}
    if "anyOf" in schema:
        first = next(one for one in schema["anyOf"] if one.get("type") != "null")
        schema = {**schema, **first}
        schema.pop("default", None)
    made = {key: value for key, value in schema.items() if key in KEPT}
    if "items" in schema:
        made["items"] = inlined(schema["items"], defs)
    if "propertyNames" in schema:  # a table with one key per task
        value = inlined(schema["additionalProperties"], defs)
        names = schema["propertyNames"]["enum"]
        made |= {"properties": dict.fromkeys(names, value), "additionalProperties": False}
    elif "properties" in schema:
        properties = {key: inlined(one, defs) for key, one in schema["properties"].items()}
        made |= {"properties": properties, "required": schema.get("required", [])}
        made["additionalProperties"] = False
    return made


def described(name: str, leaf: dict[str, Any]) -> dict[str, Any]:
    """Return a setting with its description in Markdown, followed by an example."""
    leaf = dict(leaf)
    text = " ".join(leaf.pop("description").split())
    if name != "models":
        text = text.replace("`models`", "`#ensemble.models#`")  # a link on the page
    if name in MORE:
        text += f" {MORE[name]}"
    example = leaf.get("examples", [None])[0]
    if leaf.get("type") == "array" and "properties" in leaf["items"]:
        # Settings.json completes the list from the snippets; the page has no editor for it.
        names = [one["name"] for one in example]
        leaf["defaultSnippets"] = [
            {"label": f"Example: {', '.join(names)}", "body": example},
            *({"label": f"Example: {one['name']}", "body": [one]} for one in example),
        ]
    elif example is not None:
        text += f" Example: `{json.dumps(example)}`."
    return {"markdownDescription": text, **leaf}


def suggest_providers(models: dict[str, Any]) -> None:
    """Suggest the known providers instead of accepting only these: packages can add others."""
    provider = models["items"]["properties"]["provider"]
    if names := provider.pop("enum", None):
        provider["examples"] = names


def leaves(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every setting by its dotted path, with its default if it has one."""
    defs, defaults = schema["$defs"], Settings().model_dump(mode="json", by_alias=True)
    found: dict[str, dict[str, Any]] = {}
    for name, one in schema["properties"].items():
        table = defs[one["$ref"].rpartition("/")[2]] if "$ref" in one else None
        if table is None:
            found[name] = inlined(one, defs) | {"default": defaults[name]}
            continue
        for key, leaf in table["properties"].items():
            default = defaults[name][key]
            given = {} if default is None else {"default": default}
            found[f"{name}.{key}"] = inlined(leaf, defs) | given
    suggest_providers(found["models"])
    return found


def group(properties: dict[str, dict[str, Any]], parts: tuple[str, ...]) -> dict[str, Any]:
    """Return the settings of a group in their order on the page: ``enabled`` before all others."""
    keys = [key for key in properties if key.split(".")[1] in parts]
    keys.sort(key=lambda key: (parts.index(key.split(".")[1]), not key.endswith(".enabled")))
    return {key: {**properties[key], "order": place} for place, key in enumerate(keys)}


def main() -> None:
    """Replace the settings in the manifest and keep the rest."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    groups = manifest["contributes"]["configuration"]
    old = {k: v for group in groups for k, v in group["properties"].items()}
    properties = {k: v for k, v in old.items() if k.startswith(OWN)}
    for name, leaf in leaves(json_schema()).items():
        machine = name in MACHINE or name.rpartition(".")[2] in RUNS
        properties[f"ensemble.{name}"] = as_integers(described(name, leaf)) | {
            "scope": "machine" if machine else "window"
        }
    manifest["contributes"]["configuration"] = [
        {"title": title, "order": order, "properties": group(properties, parts)}
        for order, (title, parts) in enumerate(GROUPS.items())
    ]
    # VS Code cannot compare a workspace's value with the user's, so Restricted Mode ignores all of them.
    manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"] = list(properties)
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    MANIFEST.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
