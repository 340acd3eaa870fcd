"""How long an automatic request waits for the next keystroke."""

from __future__ import annotations

from dataclasses import dataclass

PAUSE_MS = 1000.0
"""A longer gap between two requests is no part of the typing rhythm."""


@dataclass(slots=True)
class TypingRhythm:
    """How fast the user types in one document, from the times of the automatic requests."""

    last: float = float("-inf")
    interval_ms: float | None = None

    def tick(self, now: float) -> None:
        """A request came at ``now``, in seconds of a monotonic clock."""
        gap = (now - self.last) * 1e3
        self.last = now
        if gap < PAUSE_MS:
            old = self.interval_ms if self.interval_ms is not None else gap
            self.interval_ms = 0.7 * old + 0.3 * gap

    def debounce(self, base_ms: float, latency_ms: float) -> float:
        """Seconds to wait: the setting ``base_ms``, more for who types fast, less for a quick model.

        Waiting a little longer than the user's own rhythm saves the calls that the next keystroke
        would throw away; four times the setting is the most. Never more than a quarter of what the
        model itself is expected to take (``latency_ms``): a quick answer is not made a slow one.
        """
        wait, rhythm = base_ms, self.interval_ms
        if rhythm is not None and rhythm <= 4 * base_ms:
            wait = min(max(base_ms, 1.2 * rhythm), 4 * base_ms)
        return min(wait, latency_ms / 4) / 1e3
