"""The ``anthropic`` provider."""
