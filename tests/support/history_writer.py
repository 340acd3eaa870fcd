"""A process that writes to a history, and prints what the history has acknowledged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import asyncio, sys
from pathlib import Path
from ensemble_lsp.history import History, SuggestionRecord, CallRecord
from ensemble_lsp.types import Outcome

async def main(path, url, name, count):
    history = History.open(Path(path), url=url or None, retention_days=99999)
    for number in range(count):
        id = f"{name}-{number}"
        history.add_suggestion(SuggestionRecord(id, 1e9, "complete", ("a",)))
        history.add_call(CallRecord(1e9, "complete", "a", cost=1.0))
        outcome = Outcome(id, "accepted", "document", reward=1.0)
        if await asyncio.wrap_future(history.add_outcome(outcome, 1e9)):
            print(id, flush=True)
    await history.close()
    for notice in history.notices:
        print("notice", notice, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
"""


def writer(path: Path, name: str, count: int, url: str = "") -> subprocess.Popen[str]:
    """Start a process that adds suggestions with an outcome; it prints an id when the outcome is stored."""
    command = [sys.executable, "-c", _PROGRAM, str(path), url, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
