"""The detectors of secrets, loaded before a test file's first test."""

from __future__ import annotations

import pytest

from ensemble_lsp.context.secret_search import LineSearch


@pytest.fixture(scope="module", autouse=True)
def detectors() -> None:
    """Load the detectors outside the event loop, as the server does in a thread."""
    LineSearch()
