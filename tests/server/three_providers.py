"""Three scripted models and a file with a function to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider, running

CODE = '''def area(width, height):
    """The area of a rectangle."""
    return width * height


# Return the perimeter of a rectangle
def perimeter(width, height):
    pass
'''
GOOD = "def perimeter(width, height):\n    return 2 * (width + height)"
OTHER = "def perimeter(width, height):\n    return width + height"


@pytest.fixture
def trio(home: Home) -> Iterator[list[LoopbackProvider]]:
    """Three models; two write the same code, differently laid out."""
    with ExitStack() as stack:
        replies = [
            f"Here is the code:\n\n```python\n{GOOD}\n```\nHope that helps!",
            GOOD.replace("2 * (width + height)", "2*(width+height)") + "\n",
            OTHER,
        ]
        providers = [stack.enter_context(running(LoopbackProvider(reply=r))) for r in replies]
        for name, provider in zip(("one", "two", "three"), providers, strict=True):
            home.model(name, provider.base_url)
        # The two that agree settle the outcome; whoever is not heard by then is not asked further.
        providers[0].delay_first = 0.4
        yield providers


def open_code(client: LspClient, uri: str) -> dict[str, Any]:
    """Open the file; return a command's arguments that name the function."""
    client.open(uri, CODE)
    return {"uri": uri, "range": client.range(CODE, *the_function())}


def the_function() -> tuple[int, int]:
    return CODE.index("def perimeter"), len(CODE) - 1
