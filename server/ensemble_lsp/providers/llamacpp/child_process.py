"""The child process: llama.cpp's own HTTP server, on loopback, behind a key.

The parent writes one line of JSON to standard input (``model``, ``key``, ``threads``,
``batchThreads``, ``context``) and reads one from standard output: ``{"url": …}`` or
``{"error": …}``. Everything that llama.cpp itself prints goes to standard error, the log. The
process ends with its standard input: when the parent closes it, or dies.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

_BATCH_TOKENS = 64
"""A request is dropped only between two batches, so this bounds how long a dropped one runs."""
_CACHE_MIB = 128
"""Cache, in MiB, for prompts that left their slot: back in another file, its prompt need not be read again."""


def _serve(config: dict[str, Any]) -> Any:
    """Load the model and listen on a free port; returns once it is loaded."""
    xllamacpp: Any = importlib.import_module("xllamacpp")  # it has no types
    params: Any = xllamacpp.CommonParams()
    params.model.path = config["model"]
    params.api_keys = [config["key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.cors_origins = ""
    params.ui = False
    params.verbosity = 2  # warnings and errors; never prompts
    params.warmup = False
    params.n_ctx = config["context"]
    params.n_parallel = 2  # a slot for completions, and one for chats: see ``wire``
    params.kv_unified = True  # one memory for both slots; each may use all of it
    params.n_batch = params.n_ubatch = _BATCH_TOKENS
    params.cache_ram_mib = _CACHE_MIB
    params.cpuparams.n_threads = config["threads"]
    params.cpuparams_batch.n_threads = config["batchThreads"]
    return xllamacpp.Server(params)


def main(serve: Callable[[dict[str, Any]], Any] = _serve) -> int:
    """Serve until standard input ends. ``serve`` loads the model and returns the server."""
    answers = _keep_stdout_for_answers()
    _die_with_parent()
    config: dict[str, Any] = json.loads(sys.stdin.readline() or "{}")
    # libgomp's threads spin while they wait; on busy cores that starves the thread that is waited
    # for. It is read when the library is loaded.
    os.environ["GOMP_SPINCOUNT"] = "10000"
    try:
        server: Any = serve(config)
    except Exception as error:  # the parent reports whatever the native code raises
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        return 1
    print(json.dumps({"url": server.listening_address}), file=answers, flush=True)
    sys.stdin.read()
    # Native threads may be in the middle of an answer: an orderly shutdown would wait for them.
    os._exit(0)


def _keep_stdout_for_answers() -> Any:
    """Return the real standard output; what llama.cpp writes to it goes to standard error instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _die_with_parent() -> None:
    """Have Linux kill this process with its parent, even while native code holds the interpreter."""
    if sys.platform != "linux":
        return
    import ctypes
    import signal

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
