"""Snooze: automatic completions and next edits stay quiet for a time, or until the server ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Snooze:
    """Whether automatic requests are quiet. ``clock`` returns seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._until = 0.0

    @property
    def active(self) -> bool:
        """Whether automatic requests are quiet now."""
        return self._clock() < self._until

    @property
    def until_ms(self) -> int | None:
        """The end in milliseconds since 1970; ``None`` without an end, or if it is not active."""
        return round(self._until * 1e3) if self.active and math.isfinite(self._until) else None

    @property
    def seconds_left(self) -> float:
        """The seconds until the end; infinite without an end."""
        return max(0.0, self._until - self._clock())

    def start(self, minutes: float = math.inf) -> None:
        """Begin a snooze of some minutes, by default until the server ends; 0 ends the snooze."""
        self._until = self._clock() + minutes * 60.0
