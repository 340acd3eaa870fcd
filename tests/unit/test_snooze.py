"""Snooze: how long, until when, and what a status says of it."""

from __future__ import annotations

from typing import Any

from ensemble_lsp.app.activity import Activity
from ensemble_lsp.app.snooze import Snooze
from ensemble_lsp.errors import ConnectionFailedError


def test_it_ends_by_itself_by_command_or_not_at_all() -> None:
    now = [1000.0]
    snooze = Snooze(lambda: now[0])
    assert not snooze.active and snooze.until_ms is None
    snooze.start(5)
    assert snooze.active and snooze.until_ms == 1_300_000 and snooze.seconds_left == 300.0
    now[0] += 301
    assert not snooze.active and snooze.until_ms is None and snooze.seconds_left == 0.0
    snooze.start()
    now[0] += 1e9
    assert snooze.active and snooze.until_ms is None
    snooze.start(0)
    assert not snooze.active


def test_every_status_says_that_it_is_on() -> None:
    said: list[dict[str, Any]] = []
    activity = Activity()
    activity.on_status = lambda state, **fields: said.append({"state": state, **fields})
    activity.idle()
    activity.snooze.start()
    activity.busy("complete", "gpt")
    activity.snooze.start(1)
    activity.failed([ConnectionFailedError("gpt", "gpt cannot be reached.")])
    assert [status["snoozed"] for status in said] == [None, True, True]
    assert said[1]["snoozedUntil"] is None and said[2]["snoozedUntil"] > 0
