"""``demo``: play a short editing session through the real server, with the embedded models."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from ..errors import EnsembleError
from ..provider_spec import fallback
from ..settings import ModelSettings, add_model_to_config, default_data_dir
from .common import run_async
from .demo_client import DemoClient
from .demo_tour import Tour
from .models_command import fetch_with_bar

CODER = "qwen2.5-coder-0.5b"
SMALL = "smollm2"
SETTINGS = """
[complete]
budgetMs = 15000
[explain]
hoverWaitMs = 60000
[ensemble]
size = 2
budgetMs = 100000
runExamples = true
"""


def run(args: argparse.Namespace) -> int:
    """Play the session; the exit code is 1 if a required step fails."""
    return run_async(lambda: _run(args))


async def _run(args: argparse.Namespace) -> int:
    from ..providers.llamacpp import catalogue

    data_dir = args.data_dir or default_data_dir()
    wanted = [SMALL] if args.small else [CODER, SMALL]
    for name in wanted if args.fetch else ():
        if catalogue.weights_path(name, data_dir) is not None:
            continue
        try:
            await fetch_with_bar(name, data_dir)
        except EnsembleError as error:
            print(f"Continuing without {name}: {error}", file=sys.stderr)
    weights = {name: catalogue.weights_path(name, data_dir) for name in wanted}
    members = [name for name, path in weights.items() if path is not None]
    with tempfile.TemporaryDirectory(prefix="ensemble-demo-") as folder:
        home = Path(folder)
        config = home / "config.toml"
        config.write_text(SETTINGS)
        for name in members:
            packaged = catalogue.settings_for(catalogue.packaged_model(name))
            fields: dict[str, object] = {"model": str(weights[name]), "timeout": 90.0}
            if name == SMALL and CODER in members:
                # A second opinion on the generated function; it must not hold up the first.
                fields |= {"tasks": ("generate",), "timeout": 25.0}
            add_model_to_config(config, packaged.model_copy(update=fields))
        only = fallback().name
        add_model_to_config(config, ModelSettings(name=only, provider=only))
        env = {
            **os.environ,
            "ENSEMBLE_LSP_CONFIG": str(config),
            "ENSEMBLE_LSP_DATA_DIR": str(home / "data"),
        }
        client = await DemoClient.start(env)
        try:
            return await Tour(
                client, home, members, capable=CODER in members, as_json=args.json
            ).play()
        finally:
            await client.close()
