"""The repository's own tests: selection, isolation and counts."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from ensemble_lsp.sandbox import process
from ensemble_lsp.sandbox.check_results import CheckResults, with_test_counts
from ensemble_lsp.sandbox.process import ResourceLimits
from ensemble_lsp.sandbox.repo_tests import RepoTarget, RepoTests
from ensemble_lsp.sandbox.scratch_repo import ScratchRepo
from ensemble_lsp.sandbox.test_selection import command_with, find_tests

# -- which tests -----------------------------------------------------------------------------------


def tree_with(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def reaching(tree: Path, file: str, *names: str) -> list[str]:
    return [path.as_posix() for path in find_tests(tree, Path(file), names)]


def test_tests_that_write_the_name_and_the_module_go_before_all_others(tmp_path: Path) -> None:
    tree = tree_with(
        tmp_path,
        {
            "shop.py": "def total(): ...",
            "other.py": "def total(): ...",
            "tests/test_shop.py": "from shop import total",
            "tests/test_other.py": "from other import total",
            "tests/test_price.py": "import shop\nshop.price()",
            "notes.md": "shop total",
        },
    )
    assert reaching(tree, "shop.py", "total") == ["tests/test_shop.py"]
    assert reaching(tree, "shop.py", "price") == ["tests/test_price.py"]
    # No test mentions the name, so the tests that import the file are next.
    assert reaching(tree, "shop.py", "unheard_of") == ["tests/test_price.py", "tests/test_shop.py"]
    assert reaching(tree, "app.py", "main") == []


def test_a_special_method_is_found_by_its_class(tmp_path: Path) -> None:
    tree = tree_with(
        tmp_path,
        {
            "shop.py": "class Cart: ...",
            "test_a.py": "from shop import Cart",
            "test_b.py": "__init__",
        },
    )
    assert reaching(tree, "shop.py", "__init__", "Cart") == ["test_a.py"]


@pytest.mark.parametrize(
    "path",
    ["src/cart.test.ts", "src/cart.spec.tsx", "__tests__/cart.js", "pkg/cart_test.go",
     "src/test/java/CartTest.java", "spec/cart_spec.rb"],
)  # fmt: skip
def test_tests_of_other_languages_are_known_by_their_names(tmp_path: Path, path: str) -> None:
    tree = tree_with(tmp_path, {"cart.ts": "", path: "total(cart)", "lib/helper.ts": "total(cart)"})
    assert reaching(tree, "cart.ts", "total") == [path]


def test_links_and_installed_packages_are_no_tests(tmp_path: Path) -> None:
    tree = tree_with(
        tmp_path, {"a.py": "", "node_modules/x/test_a.py": "a.f", ".venv/test_a.py": "a.f"}
    )
    (tree / "test_link.py").symlink_to("/etc/passwd")
    assert reaching(tree, "a.py", "f") == []


def test_a_runner_that_takes_files_gets_them_and_another_runs_as_it_is() -> None:
    files = [Path("tests/test_a.py")]
    assert command_with(["pytest", "-q"], files) == ["pytest", "-q", "tests/test_a.py"]
    assert command_with(["python", "-m", "pytest"], files)[-1] == "tests/test_a.py"
    assert command_with(["go", "test", "./..."], files) == ["go", "test", "./..."]
    assert command_with(["run", "{files}", "-v"], files) == ["run", "tests/test_a.py", "-v"]


def test_examples_and_tests_are_counted_together_and_shown_apart() -> None:
    both = with_test_counts(CheckResults(2, 3, ("1", "2", "3")), (4, 5))
    assert both is not None
    assert (both.passed, both.total) == (6, 8)
    assert both.sentence() == "2 of 3 examples pass, 4 of 5 tests pass"
    assert with_test_counts(None, None) is None
    assert with_test_counts(both, None) is both


# -- what they are kept from -------------------------------------------------------------------------


@pytest.fixture
async def sandboxed() -> None:
    if reason := await process.unavailable_reason():
        pytest.skip(reason)


DEEDS = {
    "a socket of another program": "import socket; socket.socket(socket.AF_UNIX)",
    "a file outside": "open({outside!r}, 'w')",
    "a mode outside": "import os; os.chmod({secret!r}, 0o777)",
    "a home folder": "open({secret!r}).read()",
    "a key in the environment": "import os; os.environ['SECRET_API_KEY']",
    "another process' environment": "open('/proc/{pid}/environ').read()",
    "a signal to another process": "import os; os.kill({pid}, 0)",
    "a namespace": "import os, ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0",
}


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux only")
@pytest.mark.parametrize("deed", DEEDS)
async def test_a_sandboxed_program_does_not_get(
    tmp_path: Path, sandboxed: None, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_API_KEY", "s")
    secret, folder = tmp_path / "secret", tmp_path / "folder"
    secret.write_text("s")
    secret.chmod(0o600)
    folder.mkdir()
    names = {"outside": str(tmp_path / "out"), "secret": str(secret), "pid": os.getpid()}
    code = f"print('began')\n{DEEDS[deed].format(**names)}\nprint('did it')"
    ended = await process.run(
        [sys.executable, "-c", code], work=folder, folder=folder, limits=ResourceLimits(20)
    )
    assert "began" in ended.output
    assert secret.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "out").exists()
    if deed != "a mode outside":  # without namespaces that is done as if it had worked
        assert "did it" not in ended.output, ended.output
        assert not ended.passed


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux only")
async def test_what_a_program_started_ends_with_it(tmp_path: Path, sandboxed: None) -> None:
    code = "import subprocess, sys; subprocess.Popen(['sleep', '977'], start_new_session=True)"
    command = [sys.executable, "-c", code + "; import time; time.sleep(60)"]
    ended = await process.run(command, work=tmp_path, folder=tmp_path, limits=ResourceLimits(3))
    assert ended.timed_out and not ended.passed

    def left() -> list[Path]:
        found = Path("/proc").glob("[0-9]*/cmdline")
        return [path for path in found if _read(path) == b"sleep\x00977\x00"]

    assert not await asyncio.to_thread(left)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux only")
async def test_links_that_a_run_leaves_behind_lead_no_write_out_of_the_copy(
    tmp_path: Path, sandboxed: None
) -> None:
    root, victim = tmp_path / "repo", tmp_path / "victim"
    tree_with(root, {"pkg/shop.py": "x = 1\n", "run.py": ""})
    victim.mkdir()
    (victim / "shop.py").write_text("precious")
    link = f"import os; os.rename('pkg', 'was'); os.symlink({str(victim)!r}, 'pkg')"
    (root / "run.py").write_text(link)
    repo = await ScratchRepo.open(root, f"{sys.executable} run.py", limits=ResourceLimits(20))
    try:
        assert (await repo.run()).passed
        file = root / "pkg" / "shop.py"
        await repo.write({file: "overwritten"})
        assert repo.path_in_copy(file).read_text() == "overwritten"
        assert not repo.path_in_copy(file).parent.is_symlink()
    finally:
        await repo.close()
    assert (victim / "shop.py").read_text() == "precious"


# -- running them ------------------------------------------------------------------------------------


def place_in(root: Path, stubbed: str = "def f():\n    raise NotImplementedError\n") -> RepoTarget:
    return RepoTarget(
        root, root / "a.py", ("f",), stubbed, lambda body: f"def f():\n    {body}\n", {}
    )


async def counts(place: RepoTarget, *bodies: str, command: str = "") -> tuple[list[object], str]:
    tests = RepoTests(
        place, command or f"{sys.executable} -m pytest -q", seconds=30, on_message=lambda _: None
    )
    try:
        return [await tests(body) for body in bodies], tests.skip_reason
    finally:
        await tests.close()


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux only")
async def test_each_answer_gets_the_number_of_tests_it_passes(
    tmp_path: Path, sandboxed: None
) -> None:
    tests = (
        "import a\n\ndef test_one():\n    assert a.f()\n\ndef test_two():\n    assert a.f() == 2\n"
    )
    root = tree_with(tmp_path / "repo", {"a.py": "", "test_a.py": tests})
    results, trouble = await counts(place_in(root), "return 2", "return 1", "return (")
    assert results == [(2, 2), (1, 2), (0, 1)]
    assert trouble == ""
    assert (root / "a.py").read_text() == ""
    # Any other runner gives only its exit code.
    (root / "check_test.py").write_text("import a\nassert a.f() == 2\n")
    command = f"{sys.executable} check_test.py"
    results, _ = await counts(place_in(root), "return 2", "return 1", command=command)
    assert results == [(1, 1), (0, 1)]


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux only")
@pytest.mark.parametrize(
    ("tests", "command", "trouble"),
    [
        ("def test_x():\n    assert 'f' and 'a'\n", "", "they pass with it removed"),
        ("def test_x():\n    b()\n", "", "none of them mentions f"),
        ("import a\na.f\n", "no-such-runner-anywhere", "cannot be run"),
    ],
)
async def test_tests_that_cannot_judge_give_the_reason(
    tmp_path: Path, sandboxed: None, tests: str, command: str, trouble: str
) -> None:
    root = tree_with(tmp_path / "repo", {"a.py": "", "test_it.py": tests})
    results, reason = await counts(place_in(root), "return 2", command=command)
    assert results == [None]
    assert trouble in reason
