"""``ensemble.snooze``: automatic completions and next edits stay quiet for a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..server import EnsembleServer

if TYPE_CHECKING:
    from ...app.activity import Activity
    from ..suggestion_schemas import SnoozeArguments

_ROUNDING = 0.05
"""Seconds after the end at which a client learns that it is over."""


async def snooze(ls: EnsembleServer, arguments: SnoozeArguments) -> dict[str, Any]:
    """Begin or end the snooze, and tell the client; an invoked request is answered as before."""
    activity = (await ls.app()).activity
    if arguments.until_restart:
        activity.snooze.start()
    elif arguments.minutes is not None:
        activity.snooze.start(arguments.minutes)
    if arguments.until_restart or arguments.minutes is not None:
        activity.idle()
        if activity.snooze.until_ms is not None:
            ls.background(_report_end(activity))
    return {"snoozed": activity.snooze.active, "until": activity.snooze.until_ms}


async def _report_end(activity: Activity) -> None:
    """Report the end, unless another snooze has replaced this one."""
    until = activity.snooze.until_ms
    while activity.snooze.until_ms == until:
        # The loop's clock stops while the computer sleeps, so look again each minute.
        await asyncio.sleep(min(60.0, activity.snooze.seconds_left + _ROUNDING))
    if not activity.snooze.active:
        activity.idle()
