"""The task ``generate``: code written from an instruction."""
