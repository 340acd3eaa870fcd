"""Several models asked at once, and what they agree on."""
