"""Propose the next edit without a model: the edit just made, at the other places where it fits."""
