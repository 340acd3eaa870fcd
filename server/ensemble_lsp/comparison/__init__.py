"""Models measured on the user's own code."""
