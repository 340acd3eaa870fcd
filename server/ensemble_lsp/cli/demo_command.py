"""``demo``: play a short editing session through the real server, with the embedded models."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..errors import EnsembleError
from ..provider_spec import fallback
from ..settings import ModelSettings, add_model_to_config, default_data_dir
from .common import run_async
from .demo_client import DemoClient
from .models_command import fetch_with_bar

SHAPES = '''"""Shapes and their measures."""

import math


def circle_area(radius):
    """Return the area of a circle."""
    if radius < 0:
        raise ValueError("radius must not be negative")
    return math.pi * radius ** 2


def square_area(side):
    """Return the area of a square."""
    if side < 0:
        raise ValueError("side must not be negative")
    return side ** 2


def cube_volume(side):
    """Return the volume of a cube."""
    if '''
TASK = "\n\n# Return the perimeter of a rectangle with the given width and height\n"
WEIGHTS = "smollm2"


def run(args: argparse.Namespace) -> int:
    """Play the session; the exit code is 1 if a required step fails."""
    return run_async(lambda: _run(args))


async def _run(args: argparse.Namespace) -> int:
    data_dir = args.data_dir or default_data_dir()
    if args.fetch:
        try:
            await fetch_with_bar(WEIGHTS, data_dir)
        except EnsembleError as error:
            print(f"Continuing without the embedded model: {error}", file=sys.stderr)
    from ..providers.llamacpp import catalogue

    weights = catalogue.weights_path(WEIGHTS, data_dir)
    with tempfile.TemporaryDirectory(prefix="ensemble-demo-") as folder:
        home = Path(folder)
        config = home / "config.toml"
        config.write_text("[complete]\nbudgetMs = 15000\n[ensemble]\nsize = 2\nbudgetMs = 110000\n")
        only = fallback().name
        add_model_to_config(config, ModelSettings(name=only, provider=only))
        packaged = catalogue.settings_for(catalogue.packaged_model(WEIGHTS))
        for name in (WEIGHTS, f"{WEIGHTS}-b") if weights else ():
            fields = {"name": name, "model": str(weights), "timeout": 60.0}
            add_model_to_config(config, packaged.model_copy(update=fields))
        env = {
            **os.environ,
            "ENSEMBLE_LSP_CONFIG": str(config),
            "ENSEMBLE_LSP_DATA_DIR": str(home / "data"),
        }
        client = await DemoClient.start(env)
        try:
            return await _Play(client, home, bool(weights), args.json).play()
        finally:
            await client.close()


class _Play:
    def __init__(self, client: DemoClient, home: Path, generates: bool, as_json: bool) -> None:
        self._client = client
        self._uri = (home / "shapes.py").as_uri()
        self._generates = generates
        self._json = as_json
        self._log: list[dict[str, Any]] = []
        self._failed = False

    def _step(self, title: str, ok: bool, text: str, required: bool = True) -> None:
        self._log.append({"step": title, "ok": ok, "told": text})
        self._failed = self._failed or (required and not ok)
        if not self._json:
            mark = "✓" if ok else "✗"
            print(f"\n{mark} {title}\n" + "\n".join(f"    {line}" for line in text.splitlines()))

    async def play(self) -> int:
        client = self._client
        await client.initialize()
        client.open(self._uri, SHAPES)
        await self._accept()
        await self._reject()
        if self._generates:
            await self._hover()
            await self._generate()
        else:
            self._step("hover and ensemble", True, "skipped: no embedded model with weights", False)
        await self._selector()
        await client.shutdown()
        if self._json:
            from .console import print_json

            print_json({"ok": not self._failed, "steps": self._log})
        return 1 if self._failed else 0

    async def _accept(self) -> None:
        client = self._client
        item: dict[str, Any] | None = None
        for typed in ("s", "i", "de", " <"):
            client.append(self._uri, typed)
            found = await client.inline(self._uri, automatic=True)
            item = found[0] if found else item
            if item:
                break
        if item is None:
            self._step("inline completion", False, "no suggestion")
            return
        id_ = item["command"]["arguments"][0]["id"]
        why = await client.command("ensemble.why", {"id": id_})
        text = (
            f"typed: if {client.text(self._uri).rpartition('if ')[2]}\nghost: {item['insertText']}"
        )
        self._step("inline completion", True, f"{text}\nby: {', '.join(why['models'])}")
        client.append(self._uri, item["insertText"])
        await client.command("ensemble.accept", {"id": id_})
        self._step("accepted", True, why["why"].split("\n")[0])

    async def _reject(self) -> None:
        client = self._client
        client.append(self._uri, "\n        raise ")
        found = await client.inline(self._uri)
        if not found:
            self._step("a second completion", False, "no suggestion", required=False)
            return
        id_ = found[0]["command"]["arguments"][0]["id"]
        client.append(self._uri, 'TypeError("no")\n    return side ** 3\n')
        await client.command("ensemble.reject", {"id": id_})
        self._step("rejected by typing something else", True, f"ghost: {found[0]['insertText']}")

    async def _hover(self) -> None:
        place = SHAPES.index("circle_area") + 2
        hover = await self._client.request("textDocument/hover", self._client.at(self._uri, place))
        value = hover["contents"]["value"] if hover else ""
        self._step("hover explains", bool(value), value[:600] or "no explanation")

    async def _generate(self) -> None:
        client = self._client
        client.append(self._uri, TASK)
        at = client.at(self._uri, len(client.text(self._uri)) - 3)["position"]
        params = {
            "textDocument": {"uri": self._uri},
            "range": {"start": at, "end": at},
            "context": {"diagnostics": []},
        }
        actions = await client.request("textDocument/codeAction", params)
        action = next((a for a in actions if a["title"] == "Generate with ensemble"), None)
        if action is None:
            self._step("generate with ensemble", False, "the code action is missing")
            return
        try:
            resolved = await client.request("codeAction/resolve", action)
        except RuntimeError as error:
            self._step("generate with ensemble", False, str(error))
            return
        if "edit" in resolved:
            client.apply(resolved["edit"])
        command = resolved["command"]
        await client.command(command["command"], command["arguments"][0])
        if (
            "edit" not in resolved
        ):  # the models agree too little: the server asks which answer to use
            await asyncio.wait_for(client.applied.wait(), 30)
            self._step("asked which answer to use", True, client.chosen)
        text = client.text(self._uri)
        params["range"]["start"] = params["range"]["end"] = at
        titles = [a["title"] for a in await client.request("textDocument/codeAction", params)]
        self._step("generate with ensemble", True, text[text.index("# Return the per") :][:800])
        self._step("candidates", True, "\n".join(titles))

    async def _selector(self) -> None:
        models = await self._client.command("ensemble.models", {})
        lines: list[str] = []
        for model in models:
            for task, row in model["stats"].items():
                reward = "–" if row["reward"] is None else f"{row['reward']:.2f}"
                record = (
                    f"{row['suggestions']} offered, {row['accepted']} accepted, reward {reward}"
                )
                lines.append(f"{model['name']:10} {task:9} {record}")
            if not model["stats"]:
                lines.append(f"{model['name']:10} nothing yet")
        self._step("the selector's view of each model", bool(lines), "\n".join(lines))
