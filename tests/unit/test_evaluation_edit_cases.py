"""Cases of the task edit: which commits make one, and what the gate and the scores see of it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from ensemble_lsp.errors import SettingsError
from ensemble_lsp.evaluation.edit_cases import CommitCase, edit_cases
from ensemble_lsp.evaluation.edit_scenario import EditWorkspace
from ensemble_lsp.evaluation.edit_scoring import score_edit
from ensemble_lsp.evaluation.edit_selection import EditSample, select_edits
from ensemble_lsp.evaluation.git_history import Commit, file_change
from ensemble_lsp.evaluation.source_files import survey
from ensemble_lsp.next_edit.metrics import delta_chrf
from ensemble_lsp.settings import PrivacySettings
from ensemble_lsp.types import Position
from tests.support.git_repository import BODY, commit, renames

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

FILLER = "".join(f"value_{number} = {number}\n" for number in range(30))
OLD = f"def area(width, height):\n    return width * height\n\n\n{FILLER}\nprint(area(2, 3))\n"
NEW = OLD.replace("area", "surface")


def cases(old: str, new: str, head: str | None = None) -> dict[str, CommitCase]:
    """Return the cases of a commit that changes one file, by kind."""
    change = file_change("app.py", old, new)
    assert change is not None
    found = edit_cases(Commit("1", [change]), Path("/repo"), {"app.py": head or new})
    return {edit.case.kind: edit for edit in found}


def test_the_last_change_is_wanted_after_the_others() -> None:
    found = cases(OLD, NEW)
    assert set(found) == {"moved", "quiet"}
    moved = found["moved"]
    assert moved.document.text == NEW.replace("print(surface", "print(area")
    assert moved.wanted == NEW and moved.case.reference == "print(surface(2, 3))\n"
    assert moved.cursor == Position(moved.document.lines.index("print(area(2, 3))\n"), 0)
    assert found["quiet"].document.text == NEW and found["quiet"].wanted is None


def test_a_change_just_below_is_asked_for_from_the_last_one() -> None:
    text = "def area(a, b):\n    return a * b\n\n\nx = 1\nprint(area(1, 2))\n"
    near = cases(text, text.replace("area", "surface"))["nearby"]
    assert near.cursor == Position(0, len("def surface(a, b):"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a = 1\nb = 2\nc = 3\n", "a = 10\nb = 2\nc = 30\n"),  # unrelated
        ("a = one\nb = 2\n", "a = two\nb = 2\n"),  # one change alone
        ("one = 1\nb = 2\nf(one)\n", "two = 1\nb = 2\n  f(one)\n"),  # white space
        ("one = 1\nb = 2\n" + "f(one)\n" * 20, "two = 1\nb = 2\n" + "f(two)\n" * 20),  # too long
    ],
)
def test_no_edit_is_wanted_where_none_could_be_known(old: str, new: str) -> None:
    assert not {"nearby", "moved"} & set(cases(old, new))


@pytest.mark.parametrize(
    ("head", "quiet"),
    [
        (NEW, True),
        (NEW.replace("value_15 = 15", "value_15 = 16"), True),
        (NEW.replace("value_28 = 28", "value_28 = 29"), False),  # near the last change
        (NEW.replace("value_9 = 9", "value_9 = surface(3, 3)"), False),  # related to it
        (NEW.replace("surface", "extent"), False),
    ],
)
def test_nothing_is_wanted_only_where_nothing_followed(head: str, quiet: bool) -> None:
    assert ("quiet" in cases(OLD, NEW, head)) is quiet


async def test_a_scenario_has_the_edits_of_the_whole_commit(tmp_path: Path) -> None:
    other = "from shop import price_of\n\nprint(price_of(1))\n"
    changed = {
        "shop.py": BODY.format(name="shop").replace("price", "cost"),
        "use.py": other.replace("price_of", "cost_of"),
    }

    def prepared() -> EditSample:
        commit(tmp_path, {"shop.py": BODY.format(name="shop"), "use.py": other})
        commit(tmp_path, changed)
        return select_edits(survey([tmp_path]), 10)

    sample = await asyncio.to_thread(prepared)
    workspace = EditWorkspace(sample, PrivacySettings())
    try:
        case = next(c for c in sample.cases if c.kind == "nearby" and c.path == "shop.py")
        scenario = await workspace.open_case(case)
        assert scenario is not None and scenario.edit is not None
        assert [hunk.uri.rpartition("/")[2] for hunk in scenario.edit.hunks] == [
            "use.py", "use.py", "shop.py",
        ]  # fmt: skip
        assert scenario.document.text.count("cost") == 1
    finally:
        await workspace.close()


def test_the_same_seed_gives_the_same_cases(tmp_path: Path) -> None:
    renames(tmp_path, ("a", "b", "c", "d"))
    first, again = (select_edits(survey([tmp_path]), 5, seed=3).cases for _ in range(2))
    assert [case.id for case in first] == [case.id for case in again] and len(first) == 5


def test_a_file_that_may_not_be_read_now_stays_out_with_its_history(tmp_path: Path) -> None:
    renames(tmp_path, ("a", "b"))
    (tmp_path / ".gitignore").write_text("a.py\n")
    assert {case.path for case in select_edits(survey([tmp_path]), 10).cases} == {"b.py"}
    with pytest.raises(SettingsError, match="No commits"):
        select_edits(survey([tmp_path], ["*.py"]), 10)


def test_scores() -> None:
    assert score_edit("a\n", None, None) == {"right": 1, "quiet": 1}
    assert score_edit("a\n", None, "b\n") == {"right": 0, "quiet": 0}
    exact = score_edit("a = one\n", "a = two\n", "a = two\n")
    assert exact == {"right": 1, "exact": 1, "deltaChrf": 1, "shown": 1}
    assert score_edit("a = one\n", "a = two\n", None)["deltaChrf"] == 0


def test_what_is_the_same_around_a_change_does_not_change_its_measure() -> None:
    around = "def f(x):\n    return [x, x, x]\n" * 40
    near = delta_chrf("a = one\n", "a = two\n", "a = twoo\n")
    assert 0 < near < 1
    assert delta_chrf(
        f"{around}\na = one\n{around}",
        f"{around}\na = two\n{around}",
        f"{around}\na = twoo\n{around}",
    ) == pytest.approx(near, abs=0.12)
