"""The locator on whole scenarios: the edits just made as a patch brings them, and as they are typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.next_edit_locator import on_the_way
from benchmarks.next_edit_scenarios import Scenario, opened, read_scenarios

from ensemble_lsp.context.documents import Documents
from ensemble_lsp.next_edit.edit_history import EditHistory
from ensemble_lsp.next_edit.locator.locate import Locator
from ensemble_lsp.types import Edit, Position, Span, advance

FOLDER = Path(__file__).parent.parent / "data" / "next-edit"
SCENARIOS = read_scenarios(FOLDER)


def reach(scenario: Scenario) -> str:
    """Return how far the locator should come."""
    text = (FOLDER / "scenarios" / f"{scenario.name}.txtar").read_text(encoding="utf-8")
    return re.findall(r"^locator: (\w+)$", text, re.M)[0]


def typed(scenario: Scenario) -> tuple[Documents, EditHistory, Position]:
    """Undo the scenario's edits from the latest on, open the file, and type them again."""
    text = scenario.buffer
    steps: list[tuple[int, str, str]] = []
    for edit in reversed(scenario.history):
        if edit.file != scenario.file:
            continue
        found = [m.start() for m in re.finditer(f"(?m)^{re.escape(edit.new)}", text)]
        at = min(found, key=lambda place: abs(text.count("\n", 0, place) - scenario.cursor.line))
        steps.append((at, edit.old, edit.new))
        text = text[:at] + edit.old + text[at + len(edit.new) :]
    now = 0.0
    documents, history = Documents(), EditHistory(lambda: now)
    documents.subscribe(history)
    documents.open(scenario.uri, 1, scenario.language, text)
    for edit in scenario.history:
        if edit.file != scenario.file:
            history.add(f"file:///workspace/{edit.file}", scenario.language, edit.old, edit.new)
    for at, old, new in reversed(steps):
        now += 5
        document = documents.get(scenario.uri)
        assert document is not None
        start, end = (advance(Position(0, 0), document.text[:n]) for n in (at, at + len(old)))
        documents.change(scenario.uri, document.version + 1, [Edit(Span(start, end), new)])
    return documents, history, scenario.cursor


@pytest.mark.parametrize("as_typed", [False, True], ids=["patch", "typed"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_locator_comes_as_far_as_the_scenario_says(scenario: Scenario, as_typed: bool) -> None:
    documents, history, cursor = typed(scenario) if as_typed else opened(scenario)
    locator = Locator(seconds=20.0)
    offers = 0
    for _ in range(12):
        document = documents.get(scenario.uri)
        assert document is not None
        found = locator.propose(history, document, cursor, limit=1)
        if not found:
            break
        assert scenario.expected is not None, found[0]
        assert on_the_way(document, found[0], scenario.expected), found[0]
        offers += 1
        cursor = found[0].span.end
        documents.change(scenario.uri, document.version + 1, [found[0].edit])
    document = documents.get(scenario.uri)
    assert document is not None
    wanted = scenario.expected if reach(scenario) == "all" else None
    assert wanted is None or document.text.rstrip() == wanted.rstrip()
    assert (offers > 0) == (reach(scenario) != "none")


def test_most_scenarios_have_an_edit_and_enough_have_none() -> None:
    quiet = [one for one in SCENARIOS if one.expected is None]
    solved = [one for one in SCENARIOS if reach(one) == "all"]
    assert len(SCENARIOS) >= 100
    assert len(quiet) >= 20
    assert len(solved) >= 70
