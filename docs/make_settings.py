"""Write docs/settings.md from the settings' schema: ``python docs/make_settings.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ensemble_lsp.settings import json_schema

HEAD = """# Settings

<!-- Generated from the code by docs/make_settings.py; run `make schema` to update it. -->

Settings are read from these sources; later ones override earlier ones:

1. the defaults below;
2. `config.toml` (`ensemble-lsp doctor` prints its path);
3. the editor's `initializationOptions`;
4. the editor's settings under `ensemble`.

The names are the same everywhere. If a setting is unknown or invalid, the server names it, suggests the nearest valid one,
and applies the others. Changes take effect without a restart. [settings.schema.json](settings.schema.json) contains all
settings as a JSON Schema.
"""


def kind(field: dict[str, Any]) -> str:
    """Return a field's type in words."""
    if "enum" in field:
        return " · ".join(f"`{json.dumps(v)}`" for v in field["enum"])
    if "anyOf" in field:
        return " or ".join(kind(one) for one in field["anyOf"] if one.get("type") != "null")
    name = {"array": "list", "object": "table"}.get(field.get("type", ""), field.get("type", ""))
    low, high = field.get("minimum", field.get("exclusiveMinimum")), field.get("maximum")
    if low is not None and high is not None:
        name += f", {low} to {high}"
    elif low is not None:
        name += f", at least {low}"
    return name


def rows(table: dict[str, Any], prefix: str) -> list[str]:
    """Return the lines of a table."""
    lines = ["", "| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    required = set(table.get("required", ()))
    for name, field in table["properties"].items():
        default = "required" if name in required else f"`{json.dumps(field.get('default'))}`"
        default = "" if default == "`null`" else default
        meaning = str(field.get("description", "")).replace("\n", " ").replace("|", "\\|")
        lines.append(f"| `{prefix}{name}` | {kind(field)} | {default} | {meaning} |")
    return lines


def page() -> str:
    """Return the page."""
    schema = json_schema()
    tables = schema["$defs"]
    lines = [HEAD]
    plain: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        reference = field.get("$ref") or field.get("items", {}).get("$ref")
        if reference is None:
            plain[name] = field
            continue
        table = tables[reference.rsplit("/", 1)[1]]
        lines += [f"\n## {name}\n", str(table.get("description", ""))]
        lines += rows(table, "" if "items" in field else f"{name}.")
    lines += ["\n## Other settings", *rows({"properties": plain}, "")]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("settings.md").write_text(page(), encoding="utf-8")
