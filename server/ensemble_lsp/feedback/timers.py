"""The times after which a suggestion is settled without a further edit."""

from __future__ import annotations

from .pending import PendingSuggestion

STALE_S = 600.0
"""A suggestion left untouched for this long was ignored."""
OTHER_S = 2.0
"""Time to correct a slip, or for an editor to make a change in several parts."""
AWAY_S = 2.0
"""After an edit elsewhere for this long, the user has left the suggestion."""
TYPED_S = 2.0
"""After this long a text typed as offered counts as typed."""
NAP_S = 2.0
"""The longest sleep that ``Tracker.tick`` asks for, so that no sleeper has to be woken earlier."""


def due_at(pending: PendingSuggestion) -> float:
    """Return the time at which a suggestion is settled if no edit touches it."""
    dates = [pending.since + STALE_S]
    if pending.other_since is not None:
        dates.append(pending.other_since + OTHER_S)
    if pending.away_since is not None:
        dates.append(pending.away_since + AWAY_S)
    if pending.whole_since is not None:
        dates.append(pending.whole_since + TYPED_S)
    return min(dates)
