"""Answers that attack the sandbox that checks them, over the real server: the other answers still win."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider, running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux only"),
]

CODE = (
    'def area(width, height):\n    """The area.\n\n    >>> area(2, 3)\n    6\n    """\n    pass\n'
)
HEAD = "def area(width, height):\n    "
RIGHT = "return width * height"
SAY = """import os
    for fd in range(3, 20):
        try: os.write(fd, {data})
        except OSError: pass
    os._exit(0)"""

HOSTILE = {
    "nested folders": "import os\n    for n in range(3000):\n        os.mkdir('d'); os.chdir('d')\n    return 7",
    "garbage": SAY.format(data="b'garbage'"),
    "deep": SAY.format(data="b'[' * 500000"),
    "unavailable": SAY.format(data='b\'{"unavailable": "lie"}\\n\''),
    "many files": "for n in range(10**6): open(f'f{n}', 'w').close()",
}


@pytest.fixture
def models(home: Home, tmp_path: Path) -> Iterator[list[LoopbackProvider]]:
    """Two models whose answer is hostile, and one whose answer is right."""
    (tmp_path / "tmp").mkdir()
    home.env["TMPDIR"] = str(tmp_path / "tmp")
    with ExitStack() as stack:
        providers = [
            stack.enter_context(running(LoopbackProvider(reply=HEAD + RIGHT))) for _ in range(3)
        ]
        for name, provider in zip(("one", "two", "three"), providers, strict=True):
            home.model(name, provider.base_url)
        yield providers


async def generate(client: LspClient, uri: str) -> dict[str, Any]:
    start = CODE.index("pass")
    where = {"uri": uri, "range": client.range(CODE, start, start)}
    result: dict[str, Any] = await client.command("ensemble.generate", where, timeout=60)
    return result


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_answer_neither_stalls_nor_wins(
    home: Home, models: list[LoopbackProvider], uri: str, name: str
) -> None:
    home.tables["ensemble"] = {"runExamples": True, "threshold": 0.0, "budgetMs": 30000}
    models[0].reply = models[1].reply = HEAD + HOSTILE[name]
    async with home.server() as client:
        client.open(uri, CODE)
        start = time.monotonic()
        result = await generate(client, uri)
        assert time.monotonic() - start < 20
        assert result["candidates"][0]["models"] == ["three"]
        assert RIGHT in client.text(uri)
        why = await client.command("ensemble.why", {"id": result["candidates"][0]["id"]})
        assert "1 of 1 examples pass" in why["why"]
        assert await client.shutdown() == 0
    left = os.listdir(home.env["TMPDIR"])
    assert [entry for entry in left if entry.startswith("ensemble")] == []


SPOILS = """import os, pathlib
    pathlib.Path("conftest.py").write_text("raise SystemExit(1)")
    os.remove("tests/test_shop.py")
    os.mkdir("tests/test_shop.py")
    return 0"""


async def test_an_answer_that_spoils_the_copy_does_not_fail_the_others(
    home: Home, models: list[LoopbackProvider]
) -> None:
    code = "def area(width, height):\n    pass\n"
    (home.workspace / "tests").mkdir()
    (home.workspace / "shop.py").write_text(code)
    test = "import shop\n\ndef test_area():\n    assert shop.area(2, 3) == 6\n"
    (home.workspace / "tests" / "test_shop.py").write_text(test)
    home.tables["ensemble"] = {"runTests": f"{sys.executable} -m pytest -q", "threshold": 0.0}
    models[0].reply = models[1].reply = HEAD + SPOILS
    uri = (home.workspace / "shop.py").as_uri()
    async with home.server() as client:
        client.open(uri, code)
        start = code.index("pass")
        where = {"uri": uri, "range": client.range(code, start, start)}
        result = await client.command("ensemble.generate", where, timeout=90)
        assert result["candidates"][0]["models"] == ["three"], result
        why = await client.command("ensemble.why", {"id": result["candidates"][0]["id"]})
        assert "1 of 1 tests pass" in why["why"]
    assert (home.workspace / "tests" / "test_shop.py").read_text() == test
