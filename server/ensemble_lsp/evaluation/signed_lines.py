"""Signatures of a comparison's results: a file that a repository contains may look like one that the comparison wrote."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..settings.regular_files import read_regular, replace_file

_KEY_FILE = "comparison.key"
_FIELD = "signature"
_MIN_KEY_CHARS = 32


class LineSigner:
    """Signs the lines of a results file with a key that only this user's data folder holds."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, data_dir: Path) -> LineSigner:
        """Return the signer of a data folder. In one that cannot be written, a run cannot be resumed later."""
        path = data_dir / _KEY_FILE
        try:
            key = read_regular(path, 1000).strip()
        except OSError:
            key = b""
        if len(key) < _MIN_KEY_CHARS:
            text = secrets.token_hex(32)
            key = text.encode()
            try:
                data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
                replace_file(path, text + os.linesep)
            except OSError:
                pass
        return cls(key)

    def signed(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return a line's values with their signature."""
        return {**value, _FIELD: self._signature(value)}

    def signs(self, value: Mapping[str, Any]) -> bool:
        """Return whether a line has the right signature."""
        found = value.get(_FIELD)
        plain = {name: item for name, item in value.items() if name != _FIELD}
        return isinstance(found, str) and hmac.compare_digest(
            found.encode("utf-8", "replace"), self._signature(plain).encode()
        )

    def _signature(self, value: Mapping[str, Any]) -> str:
        text = json.dumps(value, sort_keys=True)
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
