"""The local history: what was offered, what became of it, what it cost.

No code and no prompt is stored unless ``history.keepText`` is set.
"""

from .exchange import ImportReport
from .learned import Change, Changes, Learned
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
from .team import password_of

__all__ = [
    "CallRecord",
    "Change",
    "Changes",
    "Feature",
    "History",
    "ImportReport",
    "Latencies",
    "Learned",
    "PreferenceRecord",
    "RewardRow",
    "StatsRow",
    "StoredSuggestion",
    "SuggestionRecord",
    "password_of",
    "wilson",
]
