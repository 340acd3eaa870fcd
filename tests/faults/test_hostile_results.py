"""A repository that has links or answers where ``compare`` keeps its results: neither is used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.server.conftest import Home, cli
from tests.server.remote_model import file

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

CODE = "def area(width, height):\n    total = width * height\n    return total\n\n\nprint(area(2, 3))\n"
SAVED = "alias ls='ls --color'\n"


@pytest.fixture
def precious(home: Home) -> Path:
    """A file of the user, outside of the repository, which has some code."""
    home.models.append({"name": "recall", "provider": "recall"})
    for number in range(3):
        file(home, f"workspace{number}.py", CODE)
    path = home.path / "precious"
    path.mkdir()
    (path / "bashrc").write_text(SAVED)
    return path


@pytest.mark.parametrize("name", ["report.md", "report.html", "report.json", "results.jsonl"])
def test_a_link_in_the_place_of_a_result_is_not_followed(
    home: Home, precious: Path, name: str
) -> None:
    folder = home.path / "ensemble-comparison"
    folder.mkdir()
    (folder / name).symlink_to(precious / "bashrc")
    done = cli(home, "compare", "workspace", "--samples", "4")
    assert (precious / "bashrc").read_text() == SAVED
    if name == "results.jsonl":
        assert done.returncode == 2 and "symbolic link" in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert not (folder / name).is_symlink() and (folder / name).stat().st_size > 100


def test_a_link_in_the_place_of_the_folder_is_refused(home: Home, precious: Path) -> None:
    (home.path / "ensemble-comparison").symlink_to(precious)
    done = cli(home, "compare", "workspace", "--samples", "4")
    assert done.returncode == 2 and "symbolic link" in done.stderr
    assert os.listdir(precious) == ["bashrc"]


@pytest.mark.parametrize("name", ["report.html", "results.jsonl"])
def test_a_pipe_in_the_place_of_a_result_holds_nothing_up(
    home: Home, precious: Path, name: str
) -> None:
    folder = home.path / "ensemble-comparison"
    folder.mkdir()
    os.mkfifo(folder / name)
    done = cli(home, "compare", "workspace", "--samples", "4")
    assert done.returncode == (2 if name == "results.jsonl" else 0), done.stderr


def test_results_that_a_repository_contains_are_not_used(home: Home, precious: Path) -> None:
    compare = ("compare", "workspace", "--samples", "4")
    planted = cli(home, *compare, data="attacker")
    assert planted.returncode == 0, planted.stderr
    own = cli(home, *compare)
    assert "already there" not in own.stderr
    assert "3 answers in" in own.stderr and "are ignored" in own.stderr
    again = cli(home, *compare)
    assert "3 answers already there" in again.stderr


def test_results_too_large_to_read_are_refused(home: Home, precious: Path) -> None:
    folder = home.path / "ensemble-comparison"
    folder.mkdir()
    with (folder / "results.jsonl").open("wb") as file:
        file.truncate(10 << 30)
    done = cli(home, "compare", "workspace", "--samples", "4")
    assert done.returncode == 2 and "choose another folder" in done.stderr
