"""llama.cpp's server with the options that llama.vim recommends, as a child of an ``Engine``.

The options are those of ``--fim-qwen-1.5b-default``, llama.vim's advice for small machines: batches of
1,024 tokens, the model's whole window, reuse of moved chunks. The threads are llama.cpp's own choice.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ensemble_lsp.providers.llamacpp import child_process


def serve(config: dict[str, Any]) -> Any:
    """Load the model and listen on a free port."""
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params: Any = xllamacpp.CommonParams()
    params.model.path = config["model"]
    params.api_keys = [config["key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.verbosity = 2
    params.n_ctx = 0
    params.n_batch = params.n_ubatch = 1024
    params.n_cache_reuse = 256
    return xllamacpp.Server(params)


if __name__ == "__main__":
    sys.exit(child_process.main(serve))
