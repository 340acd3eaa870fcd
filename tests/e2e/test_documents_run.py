"""Every command in the documents is run, in a home of its own, or says below why it is not.

The models are the documents' own names on loopback; their code is a file of the documents' own name.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import User
from tests.support.documents import commands
from tests.support.git_repository import renames
from tests.support.providers import LoopbackProvider, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

NOT_RUN = {
    r"(pip|pipx|uv tool) install .*": "CI installs the clone, and `make package` the wheel it built",
    r"code --install-extension .*": "needs VS Code; tests/e2e/vscode installs the extension in code-server",
    r"make (demo|test|test-e2e|lint|docs)": "CI's own steps (.ci/run)",
    r"make (package|bench)": "minutes of building or measuring; run by whoever releases",
    r"ENSEMBLE_LSP_\S+=\d+ .*pytest .*": "hours of the end-to-end tests' own faults",
    r"git worktree add .*": "checks out an old commit to compare with it",
    r"for i in .* make test-e2e-vscode .*": "an hour of the end-to-end tests themselves",
    r"make bench-.*": "needs published data sets",
    r"(source .*)?ensemble-lsp'? completion .*": "tests/e2e/test_shell_completion.py runs them in the shells",
    r"ensemble-lsp init": "a dialogue: tests/server/test_init.py holds it",
    r"ensemble-lsp demo.*": "tests/e2e/test_demo.py runs it",
    r"ensemble-lsp models add (smollm2|qwen\S+)": "fetches weights: tests/e2e/test_local_model.py",
    r"ensemble-lsp .*--models? \S*smollm2.*": "needs those weights: tests/e2e/test_local_model.py",
    r"ensemble-lsp edit .* --history my.patch": "needs such a patch: tests/unit/test_cli_edit.py makes one",
    r"ensemble-lsp models add .* --key": "asks for a key: tests/unit/test_cli_models.py types one",
    r"RAY_ADDRESS=\S+ ensemble-lsp compare .*": "needs a cluster: tests/e2e/test_ray.py starts one here",
    r"ensemble-lsp finetune (start|retire) .*": "a job of minutes at a provider: tests/server/test_finetune.py",
}
"""What is not run here, and why. The benchmarks' options are compared with their source."""

BEFORE = "".join(f"def side_{n}(width):\n    return width + {n}\n\n\n" for n in range(3))[:-2]
CODE = f"{BEFORE}def area(width, height):\n    a =\n\n\n\n" + BEFORE * 2
"""Line 12 wants its end, line 14 is empty, and there are more than thirty."""
assert CODE.split("\n")[11:14] == ["    a =", "", ""]


def shown() -> list[tuple[str, str]]:
    """Each page with each of its commands, without its comment."""
    return [
        (str(page.relative_to(ROOT)), " ".join(shlex.quote(w) for w in shlex.split(line, comments=True)))
        for page in PAGES
        for line in commands(page.read_text(encoding="utf-8"))
    ]  # fmt: skip


def reason(command: str) -> str | None:
    return next((why for rule, why in NOT_RUN.items() if re.fullmatch(rule, command)), None)


RUN = sorted({c for _, c in shown() if c.startswith("ensemble-lsp") and reason(c) is None})


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    one = User(tmp_path_factory.mktemp("reader"))
    one.file("app.py", CODE)
    renames(one.work, ("apple", "bread", "cream"))  # a history for `compare --task edit`
    return one


@pytest.mark.parametrize("command", RUN)
def test_a_command_of_the_documents_works(user: User, command: str) -> None:
    with running(LoopbackProvider("width * height")) as provider:
        user.lines.clear()
        # Their ids are of services; as local models they need no prices and no confirmation.
        user.model("gpt", provider.base_url, model="gpt-4.1-mini", local=True)
        claude = {"provider": "anthropic", "model": "claude-haiku-4-5", "local": True}
        user.model("claude", provider.origin, **claude)
        user.model("zeta", provider.base_url, local=True)
        for word in ("GPT", "CLAUDE"):
            user.env[f"{word}_KEY"] = "sk-none"
        done = user.spawn(*shlex.split(command)[1:], timeout=120)
    assert done.code == 0, (done.out[-800:], done.err[-800:])
    assert "Traceback" not in done.err


def test_every_command_is_run_or_says_why_not() -> None:
    for page, command in shown():
        if command not in RUN and not command.startswith("python -m benchmarks"):
            assert reason(command) is not None, f"{page}: {command}"


def test_each_reason_is_of_a_command_that_is_there() -> None:
    there = [command for _, command in shown()]
    for rule in NOT_RUN:
        assert any(re.fullmatch(rule, command) for command in there), rule


@pytest.mark.parametrize("command", sorted({c for _, c in shown() if "-m benchmarks" in c}))
def test_benchmarks_are_there_with_the_options_shown(command: str) -> None:
    words = shlex.split(command)
    spec = importlib.util.find_spec(words[2])
    assert spec is not None and spec.origin is not None, command
    source = Path(spec.origin).read_text(encoding="utf-8")
    for option in (w.split("=")[0] for w in words[3:] if w.startswith("--")):
        assert f'"{option}"' in source, (command, option)


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    if importlib.util.find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not there: pip install -e '.[docs]'")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ensemble.choose" in (tmp_path / "protocol" / "index.html").read_text(encoding="utf-8")
