"""Subcommands with actions, such as ``models add``: a parser for each action, and a default action."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, cast

Parsers = Mapping[str, argparse.ArgumentParser]

_COMMON = ("--yes", "--json")
"""Options that every action accepts, even those that they do not affect: scripts pass them everywhere."""


def add_actions(
    parser: argparse.ArgumentParser,
    shared: argparse.ArgumentParser,
    default: str,
    actions: Mapping[str, str],
) -> dict[str, argparse.ArgumentParser]:
    """Add a parser for each action, given with its help; return the parsers by action."""
    parser.epilog = (
        f"Without an action it is `{default}`, which takes --json. "
        f"`{parser.prog} ACTION --help` explains an action."
    )
    added = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    return {
        name: added.add_parser(name, help=text, description=text, parents=[shared])
        for name, text in actions.items()
    }


def accept_common(parsers: Parsers) -> None:
    """Let every action accept the common options; its help shows those that it uses."""
    for parser in parsers.values():
        for option in _COMMON:
            if option not in parser._option_string_actions:
                parser.add_argument(option, action="store_true", help=argparse.SUPPRESS)


def add_word(parser: argparse.ArgumentParser, name: str, metavar: str, **more: Any) -> None:
    """Add a positional argument that may be missing and may come after options.

    With ``nargs="?"``, argparse would consider it missing at the first option.
    """
    parser.add_argument(name, metavar=metavar, **more).required = False


def action_first(
    parser: argparse.ArgumentParser, command: str, given: Sequence[str], default: str
) -> list[str]:
    """Return the arguments of a command with its action in front, by default ``default``.

    Options may precede the action; those with a value are known from the parsers.
    """
    of_command = subparsers(parser)[command]
    takes_value = {
        option
        for one in (of_command, *subparsers(of_command).values())
        for option, action in one._option_string_actions.items()
        if action.nargs != 0
    }
    words = list(given)
    index = 0
    while index < len(words) and words[index].startswith("-"):
        if words[index] in ("-h", "--help"):
            return words  # the help that lists the actions
        index += 2 if words[index] in takes_value else 1
    if index < len(words):
        return [words[index], *words[:index], *words[index + 1 :]]
    return [default, *words]


def subparsers(parser: argparse.ArgumentParser) -> Parsers:
    """Return the subcommands of a parser, or its actions."""
    for action in parser._actions:
        if isinstance(action.choices, Mapping):
            return cast("Parsers", action.choices)
    return {}
