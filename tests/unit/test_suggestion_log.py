"""Suggestions that are offered while their document changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ensemble_lsp.app import AppContext, open_app
from ensemble_lsp.app.suggestion_log import SuggestionLog
from ensemble_lsp.types import Document, Edit, Outcome, Position, Span, Suggestion, Task

CONFIG = '[[models]]\nname = "one"\nprovider = "recall"\nmodel = "recall"\n'
URI = "file:///a.ts"
CODE = "function f() {\n  const user = \n}\n"
HERE = Position(1, 15)
TEXT = "await db.users.find(id);"


class Bench:
    """A log, one document, and the latest outcome of each suggestion."""

    def __init__(self, app: AppContext, outcomes: dict[str, Outcome]) -> None:
        self.log, self.outcomes = app.suggestions, outcomes
        self.documents = app.workspace.documents
        self.documents.open(URI, 1, "typescript", CODE)

    @property
    def document(self) -> Document:
        found = self.documents.get(URI)
        assert found is not None
        return found

    def insert(self, text: str, at: Position) -> None:
        self.documents.change(URI, self.document.version + 1, [lambda _: Edit(Span(at, at), text)])

    def offer(
        self, id_: str, text: str, document: Document, at: Position, task: Task = "complete"
    ) -> None:
        suggestion = Suggestion(id_, task, text, ("one",), URI, document.version, Span(at, at))
        self.log.offer([suggestion], document, [None], trigger="invoked")


async def _opened(path: Path) -> AppContext:
    (path / "config.toml").write_text(CONFIG)
    return await open_app(config_path=path / "config.toml", data_dir=path / "data", env={})


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    outcomes: dict[str, Outcome] = {}

    def hear(_: SuggestionLog, suggestion: Suggestion, outcome: Outcome) -> None:
        outcomes[suggestion.id] = outcome

    monkeypatch.setattr(SuggestionLog, "settle", hear)
    monkeypatch.setattr(SuggestionLog, "revise", hear)
    app = await _opened(tmp_path)
    yield Bench(app, outcomes)
    await app.close()


async def test_an_outdated_answer_does_not_replace_the_suggestion_on_the_screen(
    bench: Bench,
) -> None:
    bench.offer("shown", TEXT, bench.document, HERE)
    bench.insert("await", HERE)
    asked = bench.document
    bench.insert(" db", Position(1, 20))
    bench.offer("late", TEXT[5:], asked, Position(1, 20))
    assert (bench.outcomes["late"].kind, bench.outcomes["late"].reward) == ("superseded", None)
    bench.insert(TEXT[8:], Position(1, 23))
    assert bench.outcomes["shown"].kind == "accepted"


async def test_an_accepted_text_is_not_measured_in_the_document_of_an_outdated_answer(
    bench: Bench,
) -> None:
    bench.offer("shown", TEXT, bench.document, HERE)
    bench.insert(TEXT, HERE)
    asked = bench.document
    bench.insert("import x from 'x';\n", Position(0, 0))
    bench.offer("late", "other();", asked, Position(1, len("  const user = ") + len(TEXT)))
    bench.documents.close(URI)
    assert (bench.outcomes["shown"].kind, bench.outcomes["shown"].survival) == ("accepted", 1.0)


async def test_a_generation_is_followed_where_its_place_is_now(bench: Bench) -> None:
    asked = bench.document
    bench.insert("import x from 'x';\n\n", Position(0, 0))
    bench.offer("generated", TEXT, asked, HERE, "generate")
    bench.insert("unrelated();\n", Position(1, 0))
    assert bench.outcomes == {}
    bench.insert(TEXT, Position(4, 15))
    assert bench.outcomes["generated"].kind == "accepted"


async def test_a_new_version_without_a_change_is_followed(bench: Bench) -> None:
    bench.offer("shown", TEXT, bench.document, HERE)
    bench.documents.change(URI, 2, [])
    bench.insert(TEXT, HERE)
    bench.documents.change(URI, 4, [])
    bench.documents.close(URI)
    assert (bench.outcomes["shown"].kind, bench.outcomes["shown"].survival) == ("accepted", 1.0)


@pytest.mark.parametrize("settled", [False, True])
async def test_an_accept_is_kept_though_its_server_has_ended(tmp_path: Path, settled: bool) -> None:
    ended = await _opened(tmp_path)
    bench = Bench(ended, {})
    bench.offer("shown", TEXT, bench.document, HERE)
    if settled:
        bench.documents.close(URI)
    await ended.suggestions.flush()
    following = await _opened(tmp_path)
    await following.suggestions.accepted("shown", None)
    await following.suggestions.accepted("never offered", None)
    await ended.close()
    stored = await following.suggestions.history.get("shown")
    assert stored is not None and stored.outcome is not None
    assert (stored.outcome.kind, stored.outcome.source) == ("accepted", "command")
    assert await following.suggestions.history.get("never offered") is None
    await following.close()
