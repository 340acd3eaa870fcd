"""The local history of suggestions, their outcomes, calls to models and costs.

No code and no prompt is stored unless ``history.keepText`` is set.
"""

from .change_log import Change, Changes, LearnedState
from .jsonl import ImportReport
from .postgres import password_of

# The records that the other packages use: queries.py imports the same ones for itself.
from .records import (
    CallRecord,
    Feature,
    Latencies,
    PreferenceRecord,
    RewardRow,
    StatsRow,
    StoredSuggestion,
    SuggestionRecord,
    UsageRow,
    wilson,
)
from .store import History

__all__ = [
    "CallRecord",
    "Change",
    "Changes",
    "Feature",
    "History",
    "ImportReport",
    "Latencies",
    "LearnedState",
    "PreferenceRecord",
    "RewardRow",
    "StatsRow",
    "StoredSuggestion",
    "SuggestionRecord",
    "UsageRow",
    "password_of",
    "wilson",
]
