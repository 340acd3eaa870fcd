"""Homes that an ordinary user may have: read-only, missing, another user's. One sentence each, and nothing is lost.

Root may do everything: its tests run without root's capabilities, as ``setpriv`` removes them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import PROGRAM, Result, User
from tests.support.lsp_client import running_server

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
ORDINARY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs") if ROOT else ()
ANOTHER = 65534
_IN_MEMORY = "kept in memory only"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions"),
    pytest.mark.skipif(ROOT and not shutil.which("setpriv"), reason="root needs setpriv"),
]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    one = User(tmp_path)
    one.file("app.py", "def add(a, b):\n    return a + b\n\n\n" * 4 + "def more(a, b):\n    ret")
    yield one
    for folder in [tmp_path, *(p for p in tmp_path.rglob("*") if p.is_dir())]:
        folder.chmod(0o755)


def run(user: User, *arguments: str, **env: str | None) -> Result:
    environment = {**user.environment, **{k: v for k, v in env.items() if v is not None}}
    for name in [k for k, v in env.items() if v is None]:
        environment.pop(name, None)
    done = subprocess.run(
        [*ORDINARY, *PROGRAM, *arguments],
        capture_output=True, text=True, env=environment, cwd=user.work, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr, done.stderr
    return Result(done.returncode, done.stdout, done.stderr)


HOMELESS = {"ENSEMBLE_LSP_CONFIG": None, "ENSEMBLE_LSP_DATA_DIR": None}


def read_only_home(user: User) -> dict[str, str | None]:
    home = user.home / "home"
    home.mkdir()
    home.chmod(0o555)
    return {**HOMELESS, "HOME": str(home), "XDG_CONFIG_HOME": None, "XDG_DATA_HOME": None}


def test_a_read_only_home(user: User) -> None:
    env = read_only_home(user)
    listed = run(user, "models", **env)
    assert listed.code == 0 and "recall" in listed.out
    assert listed.err.count("ensemble-lsp:") == 1 and "kept in memory only" in listed.err
    assert "Errno" not in listed.err
    run(user, "history", **env).fails(1, "history.sqlite3", "Permission denied")
    run(user, "report", **env).fails(1, "Permission denied")
    add = ("models", "add", "x", "--provider", "recall")
    run(user, *add, **env).fails(2, "config.toml cannot be written (Permission denied)")
    fetched = run(user, "models", "add", "smollm2", **env)
    fetched.fails_after_progress(1, "could not be written", "Permission denied")
    doctor = run(user, "doctor", **env)
    assert (doctor.code, doctor.err) == (1, "")
    assert "✗ data folder: " in doctor.out and "--data-dir" in doctor.out
    assert not any((user.home / "home").iterdir())


@pytest.mark.skipif(not ROOT, reason="only root can make another user's folder")
@pytest.mark.parametrize("command", ["history", "report", "finetune list", "models", "doctor"])
def test_the_data_folder_of_another_user(user: User, command: str) -> None:
    user.data.mkdir(mode=0o700)
    os.chown(user.data, ANOTHER, ANOTHER)
    result = run(user, *command.split())
    assert result.code == (0 if command in ("finetune list", "models") else 1), result
    text = result.out + result.err
    assert "belongs to another user" in text or "cannot be written" in text
    for line in result.err.splitlines():
        assert line.count(f"{user.data} ") <= 1, line
    assert not list(user.data.iterdir())


def test_a_config_and_code_that_may_not_be_read(user: User) -> None:
    user.config.chmod(0)
    run(user, "models").fails(2, "config.toml", "cannot be read (Permission denied)")
    run(user, "models", "add", "x", "--provider", "recall").fails(2, "cannot be read")
    assert user.config.stat().st_size > 0
    user.config.chmod(0o600)
    (user.work / "app.py").chmod(0)
    run(user, "complete", "app.py:1:1").fails(2, "app.py cannot be read (Permission denied)")


def test_folders_that_may_not_be_written(user: User) -> None:
    user.lines = ["[[models]]", 'name = "recall"', 'provider = "recall"']
    user.table("explain", hover=False)
    user.work.chmod(0o555)
    for command in (
        "history export --out out.jsonl",
        "report --out out",
        "compare app.py --models recall --samples 1 --out out",
        "models --log-file a.log",
    ):
        result = run(user, *command.split())
        assert result.code in (1, 2) and "Permission denied" in result.err, result
        assert result.err.count("\n") == 1 or command.startswith("compare"), result.err
    assert {p.name for p in user.work.iterdir()} == {"app.py"}


NO_HOME = """
import os, pwd, sys
def missing(uid): raise KeyError(uid)
pwd.getpwuid = missing
sys.argv = ["ensemble-lsp", *sys.argv[1:]]
from ensemble_lsp.__main__ import main
main()
"""


def test_a_user_without_a_home(user: User) -> None:
    environment = {k: v for k, v in user.environment.items() if k not in ("HOME", *HOMELESS)}
    environment = {k: v for k, v in environment.items() if not k.startswith("XDG_")}
    for command in (["models"], ["history"], ["doctor"], ["complete", "app.py:1:1"]):
        done = subprocess.run(
            [sys.executable, "-c", NO_HOME, *command],
            capture_output=True, text=True, env=environment, cwd=user.work, timeout=60, check=False,
        )  # fmt: skip
        Result(done.returncode, done.stdout, done.stderr).fails(
            2, "There is no home folder", "HOME"
        )
    # It does not write into a folder called ~ in the project.
    assert {p.name for p in user.work.iterdir()} == {"app.py"}


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit and /dev/full are of Linux")
def test_a_full_disk(user: User) -> None:
    """A limit of 1000 bytes for each file, and a device that is always full."""
    user.config.write_text('[[models]]\nname = "recall"\nprovider = "recall"\n')

    def limited(*arguments: str) -> Result:
        command = ["prlimit", "--fsize=1000", *PROGRAM, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=user.environment, cwd=user.work, timeout=90, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr and "internal error" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    compared = limited("compare", "app.py", "--samples", "9", "--out", "out", "--yes")
    assert compared.code == 1
    assert "results.jsonl cannot be written (File too large)" in compared.err
    assert not list((user.work / "out").glob("*.html"))
    limited("history").fails(1, "history.sqlite3 cannot be used")
    asked = limited("complete", "app.py:18:8")
    assert asked.err.count("kept in memory only") == 1
    for command in ("models", "doctor", "completion bash", "models --json"):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [*PROGRAM, *command.split()], stdout=full, stderr=subprocess.PIPE, text=True,
                env=user.environment, cwd=user.work, timeout=90, check=False,
            )  # fmt: skip
        last = done.stderr.splitlines()[-1]
        assert (done.returncode, last) == (
            1, "ensemble-lsp: a file cannot be used (No space left on device); check the disk.",
        ), (command, done.stderr)  # fmt: skip


@pytest.mark.parametrize("kind", ["read-only", "another"])
async def test_the_server_completes_without_a_data_folder(user: User, kind: str) -> None:
    user.data.mkdir(mode=0o700)
    user.config.write_text('[[models]]\nname = "recall"\nprovider = "recall"\n')
    if kind == "another":
        if not ROOT:
            pytest.skip("only root can make another user's folder")
        os.chown(user.data, ANOTHER, ANOTHER)
    else:
        user.data.chmod(0o555)
    async with running_server(user.home, wrapper=ORDINARY) as client:
        await client.initialize(user.work)
        text = (user.work / "app.py").read_text()
        uri = client.open((user.work / "app.py").as_uri(), text)
        [item] = await client.inline(uri)
        assert item["insertText"] == "urn a + b"
        await client.until(lambda: [m for m in client.messages() if _IN_MEMORY in m], 40)
        assert sum(_IN_MEMORY in m for m in client.messages()) == 1
        assert await client.shutdown() == 0


async def test_the_server_completes_for_a_user_without_a_home(user: User) -> None:
    folder = user.home / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import pwd\ndef missing(uid): raise KeyError(uid)\npwd.getpwuid = missing\n"
    )
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    unset = ("env", "-u", "HOME", "-u", "XDG_CONFIG_HOME", "-u", "XDG_DATA_HOME", "-u", "ENSEMBLE_LSP_CONFIG",
             "-u", "ENSEMBLE_LSP_DATA_DIR")  # fmt: skip
    env = {"PYTHONPATH": path, "TMPDIR": str(user.home)}
    async with running_server(user.home, env=env, wrapper=unset) as client:
        await client.initialize(user.work)
        text = (user.work / "app.py").read_text()
        uri = client.open((user.work / "app.py").as_uri(), text)
        await client.until(lambda: [m for m in client.messages() if "no home folder" in m], 40)
        models = await client.command("ensemble.models")
        assert [m["name"] for m in models if m["available"]][-1:] == ["recall"]
        await client.inline(uri)
        assert await client.shutdown() == 0
    assert {p.name for p in user.work.iterdir()} == {"app.py"}
