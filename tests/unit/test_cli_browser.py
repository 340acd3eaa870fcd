"""A report opens itself for a person at a desktop, and for no one else."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import pytest

from ensemble_lsp.cli.browser import open_page

PAGE = Path("/tmp/a report.html")
QUIET = ("SSH_CONNECTION", "SSH_TTY", "CI", "DISPLAY", "WAYLAND_DISPLAY")


@pytest.mark.parametrize(
    ("wanted", "terminal", "environment", "opened"),
    [
        (None, True, {"DISPLAY": ":0"}, True),
        (None, True, {"WAYLAND_DISPLAY": "wayland-0"}, True),
        (None, False, {"DISPLAY": ":0"}, False),
        (None, True, {}, False),
        (False, True, {"DISPLAY": ":0"}, False),
        (True, False, {}, True),
    ],
)
def test_a_page_opens_where_someone_can_see_it(
    monkeypatch: pytest.MonkeyPatch,
    wanted: bool | None,
    terminal: bool,
    environment: dict[str, str],
    opened: bool,
) -> None:
    for name in QUIET:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    pages: list[str] = []
    monkeypatch.setattr(webbrowser, "open", pages.append)
    open_page(PAGE, wanted=wanted)
    assert pages == ([PAGE.as_uri()] if opened else [])


def test_without_a_page_nothing_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: pytest.fail("opened"))
    open_page(None, wanted=True)
