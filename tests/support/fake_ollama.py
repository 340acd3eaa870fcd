"""The program of a user on whose machine Ollama has the models that a test's provider lists, and no other server runs.

``python -m tests.support.fake_ollama [… ensemble_lsp] ARGUMENTS``: all up to ``ensemble_lsp`` is ignored.
``OLLAMA_ORIGIN`` is the provider's address: the program itself shows Ollama's usual port.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from ensemble_lsp.registry import discovery

USUAL = "http://127.0.0.1:11434"

if __name__ == "__main__":
    from ensemble_lsp.__main__ import main

    get_json = discovery.get_json

    async def redirected(url: str) -> Any:
        """Ask the test's provider in the place of Ollama, and nothing else."""
        if not url.startswith(f"{USUAL}/"):
            return None
        return await get_json(os.environ["OLLAMA_ORIGIN"] + url.removeprefix(USUAL))

    discovery.__dict__["get_json"] = redirected
    sys.argv = ["ensemble-lsp", *sys.argv[sys.argv.index("ensemble_lsp") + 1 :]]
    main()
