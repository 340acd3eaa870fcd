"""What became of each suggestion, told or seen, and what that is worth."""
