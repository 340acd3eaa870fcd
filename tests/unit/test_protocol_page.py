"""The page on the public surface names what the server has: no more, no less."""

from __future__ import annotations

import re
from pathlib import Path

from ensemble_lsp.lsp import status
from ensemble_lsp.lsp.handlers.execute_command import COMMANDS
from ensemble_lsp.lsp.handlers.suggestion_events import ENDS
from ensemble_lsp.lsp.routes import ROUTES
from ensemble_lsp.settings import trust

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
KEY = r"`([a-z]+\.[a-zA-Z]+)`"


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def first_column(title: str) -> set[str]:
    """The names in the first column of a section's table."""
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def line(start: str) -> str:
    found = re.search(rf"^- {start}:.*?(?=^- |^$)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[0]


def test_methods_are_those_of_the_table_of_routes() -> None:
    served = {route.method for route in ROUTES if not route.method.startswith("ensemble/")}
    assert first_column("Methods") == served | {"initialize", "workspace/executeCommand"}


def test_commands_are_those_that_are_registered() -> None:
    assert first_column("Commands") == set(COMMANDS)


def test_notifications_are_those_taken_and_sent() -> None:
    taken = {route.method for route in ROUTES if route.method.startswith("ensemble/")}
    assert first_column("Notifications") == taken | {status.METHOD}
    for reason in ENDS:
        assert f"`{reason}`" in section("Notifications")


def test_what_an_untrusted_workspace_may_set_is_told_whole() -> None:
    free = {f"{table}.{key}" for table, keys in trust._FREE.items() for key in keys}
    assert set(re.findall(KEY, line("free"))) == free
    for word, value in (("only off", False), ("only on", True)):
        keys = {".".join(key) for key, only in trust._ONLY.items() if only is value}
        assert set(re.findall(KEY, line(word))) == keys
    assert set(re.findall(KEY, line("only added to"))) == {".".join(k) for k in trust._ADDED}
