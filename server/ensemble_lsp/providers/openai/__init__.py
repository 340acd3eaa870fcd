"""The ``openai`` provider."""
