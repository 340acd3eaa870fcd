"""The config file is edited, broken and mended while Neovim runs: as a user does in the same editor, and outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import nvim
from tests.e2e.nvim import WITH_PLUGIN, Neovim, readme_lines
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running
from tests.support.sources import CODE
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def config(home: Home, provider: LoopbackProvider) -> Path:
    """A config with one model, which suggests ``width * height``."""
    provider.reply = "width * height"
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"debounceMs": 10, "budgetMs": 20000}
    return home.path / "config.toml"


@pytest.fixture(params=["0.12 plugin", "0.12 readme", "0.11 plugin"])
def editor(
    request: pytest.FixtureRequest, config: Path, home: Home, neovims: Path
) -> Iterator[Neovim]:
    """Neovim with the plugin, and with the README's lines alone."""
    version, how = str(request.param).split()
    init = WITH_PLUGIN if how == "plugin" else readme_lines(home)
    # Neovim shows a server's messages by its own handler; the test collects them.
    collect = (
        "vim.lsp.handlers['window/showMessage'] = "
        "function(_, params) table.insert(_G.messages, params.message) end\n"
    )
    with nvim.running(neovims / version / "nvim", home, init + collect) as one:
        one.open("app.py", CODE, attached=version != "0.11")
        wait_until(lambda: one.lua(INITIALIZED), "the server")
        yield one


INITIALIZED = """
local client = vim.lsp.get_clients({ bufnr = 0 })[1]
return client ~= nil and client.initialized == true"""


def models_are(editor: Neovim, *names: str) -> None:
    """Wait until these models are in use."""

    def listed() -> list[str]:
        return [str(model["name"]) for model in editor.request("ensemble.models")]

    wait_until(lambda: listed() == list(names), lambda: f"{names}, not {listed()}")


def saved_in_the_editor(editor: Neovim, config: Path, text: str) -> None:
    """Write the file in a window of the same Neovim, and return to the code."""
    editor.api.command(f"split {config}")
    editor.api.current.buffer[:] = text.splitlines()
    editor.api.command("silent write | quit")


@pytest.mark.parametrize("inside", [True, False], ids=["in the editor", "outside"])
def test_edited_broken_and_mended(editor: Neovim, config: Path, inside: bool) -> None:
    good = config.read_text()

    def save(text: str) -> None:
        if inside:
            saved_in_the_editor(editor, config, text)
        else:
            config.write_text(text)

    models_are(editor, "gpt")
    save(good.replace('name = "gpt"', 'name = "renamed"', 1))
    models_are(editor, "renamed")

    save(good.replace("[[models]]", "[[models", 1))
    message = editor.notified("is not valid TOML")
    assert str(config) in message and "last valid settings" in message
    models_are(editor, "renamed")

    save(good.replace('name = "gpt"', 'name = "mended"', 1))
    models_are(editor, "mended")
    editor.notified("config.toml is valid again")
    # A wrong value is named, and the rest applies.
    save(good.replace("budgetMs = 20000", 'budgetMs = "soon"', 1))
    editor.notified("complete.budgetMs")
    models_are(editor, "gpt")
    assert len(editor.lua("_G.messages")) == 3


def test_the_next_suggestion_is_of_the_new_model(config: Path, home: Home, neovims: Path) -> None:
    with (
        running(LoopbackProvider(reply="height * width")) as other,
        nvim.running(neovims / "0.12" / "nvim", home, WITH_PLUGIN) as editor,
    ):
        editor.open("app.py", CODE)
        editor.type("A")
        editor.shows("width * height")
        editor.type("<Esc>")
        old = home.models[0]["baseUrl"]
        config.write_text(config.read_text().replace(old, other.base_url).replace('"gpt"', '"new"'))
        models_are(editor, "new")
        editor.type("A")
        editor.shows("height * width")
        # Broken while ghost text is shown: it stays, and can be accepted.
        config.write_text("[[models")
        editor.notified("is not valid TOML")
        editor.shows("height * width")
        editor.type("<Tab>")
        editor.reads(CODE + "height * width")


def test_broken_before_neovim_starts(config: Path, home: Home, neovims: Path) -> None:
    init = (
        WITH_PLUGIN
        + "vim.lsp.handlers['window/showMessage'] = \
function(_, params) table.insert(_G.messages, params.message) end\n"
    )

    class Broken(Home):
        def write(self) -> None:
            super().write()
            self.good = (self.path / "config.toml").read_text()
            (self.path / "config.toml").write_text("[[models\n")

    home.__class__ = Broken
    with nvim.running(neovims / "0.12" / "nvim", home, init) as editor:
        editor.open("app.py", CODE)
        message = editor.notified("is not valid TOML")
        assert "only recall is used" in message
        models_are(editor, "recall")
        config.write_text(home.good)
        models_are(editor, "gpt")
        editor.type("A")
        editor.shows("width * height")
