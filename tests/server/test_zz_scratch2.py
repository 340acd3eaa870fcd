from __future__ import annotations
import asyncio
from tests.faults.test_hostile_repositories import KEY, MARK, asks, everything, file, remote
from tests.server.conftest import Home, home, provider, uri
from tests.server.test_reports import cli


async def test_c(home: Home, remote):
    code = (
        f"import os\npassword = 'x'\n\n\ndef area(a, b):\n    return a * b\n\n\nprint(area(1, 2))\n"
    )
    path = file(home, "app.py", code)
    for i in range(4):
        p = await asyncio.to_thread(cli, home, "complete", f"{path}:6:12")
        print(p.returncode, p.stdout, p.stderr)
