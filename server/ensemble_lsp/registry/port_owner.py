"""The owner of a port on this machine: any user can listen where a model server usually does (Linux)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"
_PEOPLE = range(1000, 60_000)
"""Users that are people; others are services, which root has started. As in ``login.defs``."""


def belongs_to_another_person(port: int, tables: tuple[Path, ...] = _TABLES) -> bool:
    """Return whether another person's program listens on a port. Reads the kernel's tables."""
    if sys.platform != "linux":
        return False
    owners = {owner for table in tables for owner in _owners(table, port)}
    return any(owner in _PEOPLE and owner != os.getuid() for owner in owners)


def _owners(table: Path, port: int) -> list[int]:
    """Return the users that listen on a port, whatever the address."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    end = f":{port:04X}"
    return [int(row[7]) for row in rows if row[3] == _LISTENS and row[1].endswith(end)]
