"""What became of each suggestion, told or seen, and what that is worth."""

from .reward import reward_of
from .tracker import Tracker

__all__ = ["Tracker", "reward_of"]
