"""Ask several models at once and combine their answers."""
