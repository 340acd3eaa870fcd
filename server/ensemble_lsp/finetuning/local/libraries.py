"""The optional libraries of local training, imported together."""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from typing import Any

from ...errors import FineTuningError
from ...installation import extra_command

NAMES = ("torch", "transformers", "peft", "gguf")
_EXTRA = "finetune-local"


def missing_libraries() -> str | None:
    """Return a sentence on the missing libraries and how to install them; None if all are installed."""
    absent = [name for name in NAMES if importlib.util.find_spec(name) is None]
    if not absent:
        return None
    return f"Training on this machine needs {', '.join(absent)}: run `{extra_command(_EXTRA)}` and try again."


@dataclass(frozen=True, slots=True)
class Libraries:
    """The imported modules; untyped, as they may be missing."""

    torch: Any
    transformers: Any
    peft: Any
    gguf: Any


def load_libraries() -> Libraries:
    """Import the libraries, which takes seconds; raises ``FineTuningError`` if one fails."""
    if reason := missing_libraries():
        raise FineTuningError(reason)
    # Weights come from the disk only: never contact a model hub.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        modules = [importlib.import_module(name) for name in NAMES]
    except (ImportError, OSError) as error:
        raise FineTuningError(f"{error}; run `{extra_command(_EXTRA)}` and try again.") from error
    modules[1].utils.logging.set_verbosity_error()
    modules[1].utils.logging.disable_progress_bar()
    return Libraries(*modules)
