"""``history``: statistics, export, import and deletion of the local history."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ..errors import SettingsError
from ..history import History
from ..wording import plural
from .common import app_of, require_file, run_async
from .console import interruptible, number, print_json, print_table, warn
from .questions import confirmed
from .sentence_layout import say

_COLUMNS = (
    "model", "task", "suggestions", "accepted", "rate", "reward", "p50 ms", "p95 ms",
    "tokens in", "tokens out", "cost $",
)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run an action."""
    if args.action == "import" and args.file is None:
        raise SettingsError("name the file: `ensemble-lsp history import FILE`.")
    if args.action == "clear" and not args.yes and not _confirmed():
        say("Nothing was deleted.")
        return 0

    async def work() -> int:
        async with app_of(args) as app:
            history = app.history
            await history.ready()
            return await ACTIONS[args.action](args, history)

    return run_async(work)


async def _stats(args: argparse.Namespace, history: History) -> int:
    rows = await history.stats()
    if not rows:
        require_file(history)
    if args.json:
        print_json([dataclasses.asdict(row) for row in rows])
        return 0
    print_table(
        _COLUMNS,
        [
            (
                row.model, row.task, str(row.suggestions), str(row.accepted),
                number(row.acceptance), number(row.reward),
                number(row.latency.total_p50, 0), number(row.latency.total_p95, 0),
                str(row.input_tokens), str(row.output_tokens), number(row.cost, 4),
            )
            for row in rows
        ],
        optional=("tokens out", "tokens in", "p95 ms", "suggestions", "accepted"),
        empty="The history is empty: no suggestion has been recorded yet.",
    )  # fmt: skip
    return 0


async def _export(args: argparse.Namespace, history: History) -> int:
    # Interruptible as a whole: a pager that does not read on blocks the next line.
    with _output(args.out or args.file) as out, interruptible():
        exported = 0
        async for line in history.export():
            # ASCII: Unicode line ends inside a string must not split a line.
            out.write(json.dumps(line) + "\n")
            exported += 1
        if not exported:
            require_file(history)
    return 0


@contextmanager
def _output(path: Path | None) -> Generator[TextIO]:
    """Yield standard output, or a file (0600) that is written atomically; a link stays one, and a device a device."""
    if path is None or str(path) == "-":
        yield sys.stdout
        return
    temporary: Path | None = None
    try:
        if path.exists() and not path.is_file():
            with interruptible(), path.open("w", encoding="utf-8") as device:
                yield device
            return
        path = Path(os.path.realpath(path))
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}); choose another --out."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


async def _import(args: argparse.Namespace, history: History) -> int:
    lines = await asyncio.to_thread(_lines, args.file)
    require_file(history)
    report = await history.import_(lines)
    require_file(history)  # the disk may have failed meanwhile
    if args.json:
        fields = dataclasses.asdict(report)
        print_json({"faults" if key == "errors" else key: value for key, value in fields.items()})
    else:
        say(f"{plural(report.added, 'record')} added, {report.known:,} already there.")
        for fault in report.errors[:20]:
            warn(fault)
        if len(report.errors) > 20:
            warn(f"{plural(len(report.errors) - 20, 'more line')} could not be read")
    return 1 if report.errors else 0


def _lines(path: Path) -> list[str]:
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        # Only at line feeds: a string may contain Unicode line ends.
        return data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8; give a file that `export` wrote.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); check the path.") from error


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        raise SettingsError("add --yes to delete the whole history.")
    return confirmed("Delete the whole history?")


async def _clear(args: argparse.Namespace, history: History) -> int:
    require_file(history)
    removed = await history.clear()
    if args.json:
        print_json({"removed": removed})
    else:
        say(f"{plural(removed, 'row')} deleted.")
    return 0


ACTIONS = {"stats": _stats, "export": _export, "import": _import, "clear": _clear}
