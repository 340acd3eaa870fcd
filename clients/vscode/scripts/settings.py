"""Writes the server's settings into package.json: `python scripts/settings.py`, from this folder.

A unit test compares both, so run it after a change of the schema.
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
    "history.retentionDays",
    "history.keepText",
}
"""Redirects code, or lets more of it out: never a workspace's business, trusted or not."""
RUNS = {"runExamples", "runTests"}
"""Run code of the workspace: where they may be set is the same question."""
FREE = {
    "complete": {"debounceMs", "budgetMs", "maxLines", "threshold"},
    "selector": {"strategy", "pin", "latencyWeight", "costWeight", "seed"},
    "ensemble": {"budgetMs", "rule"},
}
"""What even a workspace that is not trusted may set; all else waits for trust."""
KEPT = {
    "default",
    "description",
    "enum",
    "exclusiveMinimum",
    "maximum",
    "maxLength",
    "minItems",
    "minimum",
    "pattern",
    "type",
}


def whole(value: Any) -> Any:
    """Numbers as JavaScript writes them: 1.0 is 1."""
    if isinstance(value, dict):
        return {key: whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def plain(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """A schema without references and unions with null, as VS Code's settings editor takes it."""
    if "$ref" in schema:
        schema = {**defs[schema["$ref"].rpartition("/")[2]], **schema}
    if "anyOf" in schema:
        first = next(one for one in schema["anyOf"] if one.get("type") != "null")
        schema = {**schema, **first}
        schema.pop("default", None)
    made = {key: value for key, value in schema.items() if key in KEPT}
    if "items" in schema:
        made["items"] = plain(schema["items"], defs)
    if "propertyNames" in schema:  # a table by task
        value = plain(schema["additionalProperties"], defs)
        names = schema["propertyNames"]["enum"]
        made |= {"properties": dict.fromkeys(names, value), "additionalProperties": False}
    elif "properties" in schema:
        properties = {key: plain(one, defs) for key, one in schema["properties"].items()}
        made |= {"properties": properties, "required": schema.get("required", [])}
        made["additionalProperties"] = False
    return made


def leaves(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every setting by its dotted path, with its default where it has one."""
    defs, defaults = schema["$defs"], Settings().model_dump(mode="json", by_alias=True)
    found: dict[str, dict[str, Any]] = {}
    for name, one in schema["properties"].items():
        table = defs[one["$ref"].rpartition("/")[2]] if "$ref" in one else None
        if table is None:
            found[name] = plain(one, defs) | {"default": defaults[name]}
            continue
        for key, leaf in table["properties"].items():
            default = defaults[name][key]
            given = {} if default is None else {"default": default}
            found[f"{name}.{key}"] = plain(leaf, defs) | given
    return found


def main() -> None:
    """Write the manifest anew, with the rest of it as it is."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    configuration = manifest["contributes"]["configuration"]
    own = {k: v for k, v in configuration["properties"].items() if k.startswith("ensemble.server.")}
    properties, restricted = dict(own), list(own)
    for name, leaf in leaves(json_schema()).items():
        table, _, key = name.partition(".")
        machine = name in MACHINE or key in RUNS
        properties[f"ensemble.{name}"] = whole(leaf) | {"scope": "machine" if machine else "window"}
        if machine or key not in FREE.get(table, ()):
            restricted.append(f"ensemble.{name}")
    configuration["properties"] = properties
    manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"] = restricted
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    MANIFEST.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
