"""The outcome of each suggestion, as reported or as seen in the document, and its reward."""

from .reward import reward_of
from .tracker import Tracker

__all__ = ["Tracker", "reward_of"]
