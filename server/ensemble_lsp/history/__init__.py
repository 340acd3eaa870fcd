"""The local history: what was offered, what became of it, what it cost.

No code and no prompt is stored unless ``history.keepText`` is set.
"""

from .exchange import ImportReport
from .records import (
    CallRecord,
    Feature,
    Latencies,
    PreferenceRecord,
    RewardRow,
    StatsRow,
    StoredSuggestion,
    SuggestionRecord,
    wilson,
)
from .store import History

__all__ = [
    "CallRecord",
    "Feature",
    "History",
    "ImportReport",
    "Latencies",
    "PreferenceRecord",
    "RewardRow",
    "StatsRow",
    "StoredSuggestion",
    "SuggestionRecord",
    "wilson",
]
