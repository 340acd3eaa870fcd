"""The client's name and capabilities: which clients wait for all hovers."""

from __future__ import annotations

import pytest
from lsprotocol import types

from ensemble_lsp.lsp.server import ClientFeatures


@pytest.mark.parametrize(
    ("name", "waits"),
    [
        ("Neovim", True),
        ("helix", True),
        ("Zed", True),
        ("coc.nvim", True),
        ("Sublime Text LSP", True),
        ("emacs", True),  # lsp-mode
        ("Emacs", False),  # Eglot 1.9: one server for a buffer
        ("Eglot", False),
        ("vim-lsp", False),
        ("Visual Studio Code", False),
    ],
)
def test_a_client_that_joins_the_hovers_of_all_servers_is_known(name: str, waits: bool) -> None:
    info = types.ClientInfo(name)
    params = types.InitializeParams(types.ClientCapabilities(), client_info=info)
    client = ClientFeatures.of(params)
    assert client.hover_waits_for_all == waits
    assert client.shows_status == (name != "emacs")
