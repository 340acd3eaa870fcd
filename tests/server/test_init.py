"""``init`` on a terminal, as a person uses it: a model that answers in the end, or no trace of a try."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli

from ensemble_lsp.cli.editor_snippets import EDITORS
from tests.support.cli import PROGRAM, User
from tests.support.providers import LoopbackProvider, running
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

KEY = "sk-typed-by-hand-0123456789"
KEYRING = """
import json, pathlib
from keyring.backend import KeyringBackend
FILE = pathlib.Path(__file__).with_name("keys.json")
class Kept(KeyringBackend):
    priority = 1
    def _all(self): return json.loads(FILE.read_text()) if FILE.exists() else {}
    def get_password(self, service, username): return self._all().get(username)
    def set_password(self, service, username, password):
        FILE.write_text(json.dumps({**self._all(), username: password}))
    def delete_password(self, service, username): pass
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    one = User(tmp_path)
    one.config.unlink()
    one.file("app.py", "def add(a, b):\n    \n")
    backend = one.home / "backend"
    backend.mkdir()
    (backend / "kept_keyring.py").write_text(KEYRING)
    one.env["PYTHONPATH"] = os.pathsep.join([str(backend), os.environ.get("PYTHONPATH", "")])
    one.env["PYTHON_KEYRING_BACKEND"] = "kept_keyring.Kept"
    return one


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with running(LoopbackProvider("return a + b", keys=[KEY])) as one:
        yield one


def started(user: User, size: tuple[int, int] = (80, 24)) -> Terminal:
    command = [*PROGRAM, "init"]
    return Terminal(command, env=user.environment, cwd=user.work, size=size)


def choose(terminal: Terminal, words: str) -> None:
    """Type the number of the line with these words."""
    menu = terminal.wait_for(rf"(?s)Which .*?(\d)  [^\n]*{words}.*\n\d to \d")
    terminal.output = ""
    terminal.type(f"{menu[1]}\r")


def answer(terminal: Terminal, prompt: str, text: str) -> None:
    terminal.wait_for(prompt)
    terminal.output = ""
    terminal.type(f"{text}\r")


def models(user: User) -> list[dict[str, object]]:
    return tomli.loads(user.config.read_text())["models"] if user.config.exists() else []


@pytest.mark.parametrize("size", [(80, 24), (40, 20)])
def test_a_server_with_a_key(user: User, provider: LoopbackProvider, size: tuple[int, int]) -> None:
    with started(user, size) as terminal:
        choose(terminal, "a server with")
        answer(terminal, r"Address \[", provider.base_url)
        # It was asked for its models.
        answer(terminal, r"Model \[loopback\]: |Model: ", "loopback")
        answer(terminal, "API key", "wrong")
        terminal.wait_for("✗ ")
        assert not models(user)
        choose(terminal, "a server with")
        answer(terminal, r"Address \[", provider.base_url)
        answer(terminal, r"Model \[loopback\]: |Model: ", "loopback")
        answer(terminal, "API key", KEY)
        terminal.wait_for("It answers")
        choose(terminal, "Helix")
        assert terminal.ended() == 0
        assert "languages.toml" in terminal.text and KEY not in terminal.text
    assert [m["name"] for m in models(user)] == ["recall", "loopback"]
    assert KEY not in user.config.read_text()
    done = user.spawn("complete", "app.py:2:5", "--model", "loopback")
    assert (done.code, done.out) == (0, "return a + b\n"), done


def test_without_a_keyring_the_variable_is_named(user: User, provider: LoopbackProvider) -> None:
    user.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    with started(user) as terminal:
        choose(terminal, "a server with")
        answer(terminal, r"Address \[", provider.base_url)
        answer(terminal, r"Model \[loopback\]: |Model: ", "loopback")
        answer(terminal, "API key", KEY)
        answer(terminal, r"Variable that holds the key \[MODEL_SERVER_KEY\]", "MINE")
        terminal.wait_for("Set MINE in the environment")
        answer(terminal, "Enter for none", "")
        assert terminal.ended() == 0
    assert models(user)[1]["apiKeyEnv"] == "MINE"
    user.env["MINE"] = KEY
    assert user.spawn("complete", "app.py:2:5", "--model", "loopback").code == 0


def test_the_models_that_were_found_are_the_first_choice(
    user: User, provider: LoopbackProvider
) -> None:
    user.config.write_text(
        f'[[models]]\nname = "mine"\nprovider = "openai"\nmodel = "m"\nbaseUrl = "{provider.base_url}"\n'
        'apiKeyEnv = "MINE"\n'
    )
    user.env["MINE"] = KEY
    before = user.config.read_text()
    with started(user) as terminal:
        answer(terminal, r"1  use mine\n(?s:.*)1 to \d \[1\]: ", "")
        terminal.wait_for("✓ mine: answers")
        answer(terminal, "Enter for none", "")
        assert terminal.ended() == 0
    assert user.config.read_text() == before


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("stage", range(4))
def test_leaving_at_any_question_leaves_nothing(
    user: User, provider: LoopbackProvider, stage: int, key: str
) -> None:
    questions = [
        (r"1 to \d", "3"),
        (r"Address \[", provider.base_url),
        (r"Model \[loopback\]: |Model: ", "loopback"),
        (r"API key", ""),
    ]
    with started(user) as terminal:
        for prompt, text in questions[:stage]:
            answer(terminal, prompt, text)
        terminal.wait_for(questions[stage][0])
        terminal.type(key)
        assert terminal.ended(20) == 130
        assert "Nothing more was changed." in terminal.text and "Traceback" not in terminal.text
    assert not models(user) and not (user.home / "backend" / "keys.json").exists()


def test_without_a_terminal_it_prints_the_steps(user: User) -> None:
    for arguments in (["init"], ["init", "--yes"]):
        result = user.spawn(*arguments)
        assert (result.code, result.err) == (0, "")
        assert "ensemble-lsp models add smollm2" in result.out
        assert all(editor.title in result.out for editor in EDITORS.values())
    only = user.spawn("init", "--editor", "emacs")
    assert only.code == 0 and "eglot-server-programs" in only.out and "Helix" not in only.out
    assert not models(user)


def test_the_program_is_named_as_an_editor_finds_it(user: User) -> None:
    folder = user.home / "venv" / "bin"
    folder.mkdir(parents=True)
    text = user.spawn("init", "--editor", "neovim").out
    command = text.partition('cmd = { "')[2].partition('"')[0]
    assert command == "ensemble-lsp" or Path(command).exists(), text
    assert json.loads(f'"{command}"') == command
