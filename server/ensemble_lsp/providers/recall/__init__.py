"""``recall``: predicts the rest of a line or block from the user's own documents; no weights, no network.

``tokens`` reads lines; ``contexts`` counts what followed what; ``cursor`` reads the place; ``search``
finds the likeliest continuation; ``predict`` makes text of it; ``index`` keeps it all up to date.
"""

from .predict import Prediction
from .recall_model import THRESHOLD, RecallModel, recall_profile
from .token_index import RecallIndex

__all__ = ["THRESHOLD", "Prediction", "RecallIndex", "RecallModel", "recall_profile"]
