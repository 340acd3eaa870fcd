"""The protocol room: the only code, with ``server.py``, that knows pygls and lsprotocol."""
