"""One file for each method of the protocol, or for each of our own commands."""
