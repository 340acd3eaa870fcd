"""The requests that Copilot's clients send at their start; there is no account, so everyone is signed in."""

from __future__ import annotations

from typing import Any

from ... import __version__
from ..server import EnsembleServer

_USER = "ensemble-lsp"


def check_status(ls: EnsembleServer, params: Any) -> dict[str, str]:
    """Say that the server can be used."""
    return {"status": "OK", "user": _USER}


def sign_in(ls: EnsembleServer, params: Any) -> dict[str, str]:
    """Say that no sign-in is needed."""
    return {"status": "AlreadySignedIn", "user": _USER}


def set_editor_info(ls: EnsembleServer, params: Any) -> str:
    """Accept the editor's name: ``initialize`` has it too."""
    return "OK"


def get_version(ls: EnsembleServer, params: Any) -> dict[str, str]:
    """Return the version of this program."""
    return {"version": __version__}
