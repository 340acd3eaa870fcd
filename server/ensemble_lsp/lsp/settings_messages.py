"""Messages about the settings: each problem is reported once, until it is fixed or another one appears."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from .message_requests import ask_user
from .server import EnsembleServer

if TYPE_CHECKING:
    from ..settings import SettingsIssue

MAX_LINES = 20
_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)")


def report_settings(ls: EnsembleServer, issues: Sequence[SettingsIssue], config_path: Path) -> None:
    """Show the issues that were not shown before, and say when the config file is valid again."""
    new = [issue for issue in issues if str(issue) not in ls.reported_issues]
    unreadable = {str(issue) for issue in issues if issue.path == str(config_path)}
    if ls.config_unreadable and not unreadable:
        message = f"{config_path.name} is valid again: its settings apply."
        ls.notify_user(message, types.MessageType.Info)
    ls.reported_issues = frozenset(str(issue) for issue in issues)
    ls.config_unreadable = bool(unreadable)
    if not new:
        return
    message = _message(new, config_path, ls.client.message_buttons)
    if ls.client.message_buttons and any(issue.source == "config" for issue in new):
        ls.background(_offer_to_open(ls, message, config_path))
    else:
        ls.notify_user(message)


def uri_of(path: Path) -> str:
    """Return the URI of a file; a path on the command line may be relative."""
    return path.absolute().as_uri()


def _message(issues: Sequence[SettingsIssue], config_path: Path, short: bool) -> str:
    """Return the text; the button that opens the file makes its path superfluous."""
    name = config_path.name if short else str(config_path)
    lines = [
        f"{name} {issue.clause}" if issue.path == str(config_path) else str(issue)
        for issue in issues[:MAX_LINES]
    ]
    if len(lines) == 1:
        return f"{lines[0]}." if short else f"ensemble-lsp: {lines[0]}"
    more = [f"and {len(issues) - MAX_LINES} more"] if len(issues) > MAX_LINES else []
    return "ensemble-lsp settings:\n" + "\n".join(f"- {line}" for line in [*lines, *more])


async def _offer_to_open(ls: EnsembleServer, message: str, config_path: Path) -> None:
    """Show the message with a button that opens the config file at the problem."""
    button = f"Open {config_path.name}"
    if await ask_user(ls, types.MessageType.Warning, message, [button]) != button:
        return
    found = _POSITION.search(message)
    line, column = (int(number) - 1 for number in found.groups()) if found else (0, 0)
    place = types.Position(line, column)
    await ls.window_show_document_async(
        types.ShowDocumentParams(
            uri=uri_of(config_path),
            take_focus=True,
            selection=types.Range(place, place) if found else None,
        )
    )
