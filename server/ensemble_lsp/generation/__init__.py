"""The task ``generate``: code from an instruction."""
