"""The debounce of automatic requests, adapted to the user's typing rhythm."""

from __future__ import annotations

from dataclasses import dataclass

PAUSE_MS = 1000.0
"""A longer gap between two requests is not part of the typing rhythm."""


@dataclass(slots=True)
class TypingRhythm:
    """The user's typing speed in one document, from the times of the automatic requests."""

    last: float = float("-inf")
    interval_ms: float | None = None

    def tick(self, now: float) -> None:
        """Record a request at ``now``, in seconds of a monotonic clock."""
        gap = (now - self.last) * 1e3
        self.last = now
        if gap < PAUSE_MS:
            old = self.interval_ms if self.interval_ms is not None else gap
            self.interval_ms = 0.7 * old + 0.3 * gap

    def debounce(self, base_ms: float, latency_ms: float) -> float:
        """Return the seconds to wait: ``base_ms``, longer for fast typing, shorter for fast models.

        Waiting slightly longer than the typing interval, up to four times the setting, saves the
        calls that the next keystroke would discard. The wait never exceeds a quarter of the model's
        expected latency (``latency_ms``), so it does not slow down a fast answer.
        """
        wait, rhythm = base_ms, self.interval_ms
        if rhythm is not None and rhythm <= 4 * base_ms:
            wait = min(max(base_ms, 1.2 * rhythm), 4 * base_ms)
        return min(wait, latency_ms / 4) / 1e3
