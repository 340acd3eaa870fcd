"""Keys kept out of log records. Imports nothing heavy: logging is set up before everything else."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api_keys import Key


_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")


class RedactKeys(logging.Filter):
    """Replaces known keys in log records: message, arguments, traceback.

    Put it on handlers: a logger's own filters do not see the records of its children.
    """

    _SHORTEST = 8  # "none" or "EMPTY" as a local server's key is a word, not a secret

    def __init__(self) -> None:
        super().__init__()
        self._values: frozenset[str] = frozenset()

    def add(self, key: Key) -> None:
        """Add a key to those that are replaced."""
        if len(key.reveal()) >= self._SHORTEST:
            self._values |= {key.reveal()}

    def add_environment(self, variables: Mapping[str, str]) -> None:
        """Add the values of variables that are named like a key, before the settings are read."""
        for name, value in variables.items():
            if name.upper().endswith(_NAMES) and len(value) >= self._SHORTEST:
                self._values |= {value}

    def redact(self, text: str) -> str:
        """Return the text without any known key."""
        # The longest first: one key may begin with another.
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, "[key]")
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean a record in place; it is always logged."""
        if not self._values:
            return True
        try:
            message = record.getMessage()
        except Exception:  # wrong arguments: logging itself reports them, with the arguments
            message = str(record.msg)
        record.msg, record.args = self.redact(message), ()
        if record.exc_info:
            # A formatter uses this text, where it is set, instead of making its own.
            record.exc_text = record.exc_text or logging.Formatter().formatException(
                record.exc_info
            )
        if record.exc_text:
            record.exc_text = self.redact(record.exc_text)
        if record.stack_info:
            record.stack_info = self.redact(record.stack_info)
        return True
