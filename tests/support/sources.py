"""Source code that many tests complete."""

CODE = "def area(width, height):\n    return "
"""A function that is complete after ``width * height``."""
