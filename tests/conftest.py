"""Fixtures of every layer: a blocking call inside the event loop fails the test that makes it."""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from ensemble_lsp.provider_spec import specs

# A shell starts what runs in its background deaf to interrupts, and processes inherit that: the tests that
# interrupt a program want it to hear.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The server reads the entry points in a thread, before its settings; tests make settings on the loop.
specs()

# No test asks the keyring of whoever runs it.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"


@pytest.fixture(autouse=True)
def no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Fail on blocking calls made by our own code inside a running loop."""
    if not inspect.iscoroutinefunction(getattr(request, "function", None)):
        yield None
        return
    with blockbuster_ctx("ensemble_lsp") as blocker:
        yield blocker
