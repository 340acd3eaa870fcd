"""``history``: what was offered and what became of it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from ..errors import SettingsError
from ..session import Session
from .common import print_json, run_async, session_of


def run(args: argparse.Namespace) -> int:
    """Do one of the actions."""

    async def work() -> int:
        async with session_of(args) as session:
            await ACTIONS[args.action](args, session)
        return 0

    return run_async(work)


async def _stats(args: argparse.Namespace, session: Session) -> None:
    rows = await session.runtime.history.stats()
    if args.json:
        print_json([dataclasses.asdict(row) for row in rows])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "model",
        "task",
        "suggestions",
        "accepted",
        "rate",
        "reward",
        "p50 ms",
        "p95 ms",
        "tokens",
        "cost",
    )
    for row in rows:
        table.add_row(
            row.model, row.task, str(row.suggestions), str(row.accepted),
            _number(row.acceptance), _number(row.reward),
            _number(row.latency.total_p50, 0), _number(row.latency.total_p95, 0),
            f"{row.input_tokens} in, {row.output_tokens} out", f"${row.cost:.4f}",
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


async def _export(args: argparse.Namespace, session: Session) -> None:
    out = args.out.open("w", encoding="utf-8") if args.out else sys.stdout
    try:
        async for line in session.runtime.history.export():
            print(json.dumps(line, ensure_ascii=False), file=out)
    finally:
        if args.out:
            out.close()


async def _import(args: argparse.Namespace, session: Session) -> None:
    if args.file is None:
        raise SettingsError("Give the file: `ensemble-lsp history import FILE`.")
    try:
        lines = args.file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{args.file} cannot be read: {error}.") from error
    print_json(dataclasses.asdict(await session.runtime.history.import_(lines)))


async def _clear(args: argparse.Namespace, session: Session) -> None:
    if not args.yes:
        if not sys.stdin.isatty():
            raise SettingsError("Add --yes to remove the whole history.")
        if input("Remove the whole history? [y/N] ").strip().lower() != "y":
            print("Nothing was removed.")
            return
    print(f"{await session.runtime.history.clear()} rows were removed.")


ACTIONS = {"stats": _stats, "export": _export, "import": _import, "clear": _clear}
