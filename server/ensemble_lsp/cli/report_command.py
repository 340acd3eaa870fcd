"""``report``: write a report of the history."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses

from ..evaluation.history_report import summarise_history
from ..evaluation.reports.history_page import write_history
from ..uris import expand_user
from .browser import open_page
from .common import app_of, require_file, run_async
from .console import print_json, warn

FOLDER = "reports"
"""In the data folder."""


def run(args: argparse.Namespace) -> int:
    """Write the report and print its path."""

    async def work() -> int:
        async with app_of(args) as app:
            await app.history.ready()
            summary = await summarise_history(app, args.task)
            if not summary.suggestions:
                require_file(app.history)
            out = args.out or app.data_dir / FOLDER
            written = await asyncio.to_thread(write_history, summary, expand_user(out).absolute())
            if written.html_error:
                warn(written.html_error)
            if args.json:
                found = dataclasses.asdict(written)
                paths = {k: str(v) for k, v in found.items() if v and k != "missing"}
                print_json({**summary.to_json(), "written": paths})
            else:
                print(f"Report: {written.html or written.markdown}")
                open_page(written.html, wanted=args.open)
        return 0

    return run_async(work)
