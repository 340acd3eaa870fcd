"""The optional libraries of local training, as one import that says what is missing."""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from typing import Any

from ...errors import FineTuningError

NAMES = ("torch", "transformers", "peft", "gguf")
EXTRA = "pip install 'ensemble-lsp[finetune-local]'"


def missing() -> str | None:
    """What is not installed and how to get it; None where all is there. Imports nothing."""
    absent = [name for name in NAMES if importlib.util.find_spec(name) is None]
    if not absent:
        return None
    return f"Training on this machine needs {', '.join(absent)}: run `{EXTRA}` and try again."


@dataclass(frozen=True, slots=True)
class Libraries:
    """The modules; untyped, as they may not be there."""

    torch: Any
    transformers: Any
    peft: Any
    gguf: Any


def load() -> Libraries:
    """Import them, which takes seconds; raises ``FineTuningError`` where one is missing or broken."""
    if told := missing():
        raise FineTuningError(told)
    # Weights are read from the disk alone: nothing is to be asked of a model hub.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        found = [importlib.import_module(name) for name in NAMES]
    except (ImportError, OSError) as error:
        raise FineTuningError(f"{error}; run `{EXTRA}` and try again.") from error
    found[1].utils.logging.set_verbosity_error()
    found[1].utils.logging.disable_progress_bar()
    return Libraries(*found)
