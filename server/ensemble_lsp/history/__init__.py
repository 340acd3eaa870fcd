"""The local database of suggestions, outcomes and calls."""
