"""The protocol: only this package and ``bootstrap.py`` import pygls and lsprotocol."""
