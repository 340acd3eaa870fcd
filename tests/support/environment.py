"""The environment of the programs that tests start: without the keys and settings of whoever runs them."""

from __future__ import annotations

import os


def is_private(name: str) -> bool:
    """Whether a variable may hold a key, an address or a setting of the machine's user."""
    return name.endswith(("_API_KEY", "_BASE_URL")) or name.startswith("ENSEMBLE_LSP")


def clean_environment() -> dict[str, str]:
    """This process's environment without the private variables."""
    return {name: value for name, value in os.environ.items() if not is_private(name)}
