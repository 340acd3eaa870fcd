"""The predictor of edits: what it asks, keeps, rebases and no longer offers."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from ensemble_lsp.app import AppContext, open_app
from ensemble_lsp.next_edit.edit_history import EditHistory
from ensemble_lsp.next_edit.model_prompt import EditQuery
from ensemble_lsp.next_edit.predictor import EditPredictor
from ensemble_lsp.types import Document, Edit, Position, Span, Suggestion
from tests.support.fake_models import FakeModel

CODE = (
    "def area(width, height):\n    result = width * height\n    print(result)\n    return result\n"
)
URI = "file:///a.py"


class Bench:
    """A predictor, and a document that is typed into."""

    def __init__(self, app: AppContext) -> None:
        self.app = app
        history = EditHistory()
        app.workspace.documents.subscribe(history)
        self.predictor = EditPredictor(history)
        app.workspace.add_listener(self.predictor)
        app.suggestions.on_outcome = self.predictor.settled
        self.version = 1
        app.workspace.documents.open(URI, 1, "python", CODE)
        self.set(debounce_ms=0)

    @property
    def document(self) -> Document:
        found = self.app.workspace.documents.get(URI)
        assert found is not None
        return found

    def set(self, **next_edit: Any) -> None:
        old = self.app.settings
        table = old.next_edit.model_copy(update=next_edit)
        settings = old.model_copy(update={"next_edit": table})
        self.app = dataclasses.replace(self.app, settings=settings)

    def replace(self, line: int, start: int, end: int, text: str) -> None:
        self.version += 1
        edit = Edit(Span(Position(line, start), Position(line, end)), text)
        self.app.workspace.documents.change(URI, self.version, [lambda _: edit])

    def rename(self) -> None:
        self.replace(1, 4, 10, "total")

    async def predict(self, line: int = 1, **query: Any) -> Suggestion | None:
        return await self.predictor.predict(
            self.app, EditQuery(self.document, Position(line, 9), **query)
        )


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    config = tmp_path / "config.toml"
    config.write_text('[[models]]\nname = "recall"\nprovider = "recall"\n')
    app = await open_app(config_path=config, data_dir=tmp_path, env={})
    one = Bench(app)
    yield one
    one.predictor.close()
    await app.close()


async def test_the_edit_just_made_is_repeated_until_no_place_is_left(bench: Bench) -> None:
    bench.rename()
    for line in (2, 3):
        found = await bench.predict()
        assert found is not None
        assert (found.models, found.text, found.span.start.line) == (("locator",), "total", line)
        bench.replace(line, found.span.start.column, found.span.end.column, found.text)
    assert await bench.predict() is None


async def test_an_edit_is_offered_once_while_it_is_on_the_screen(bench: Bench) -> None:
    bench.rename()
    first = await bench.predict()
    bench.replace(0, 0, 0, "# a comment above\n")
    second = await bench.predict(2)
    assert first is not None
    assert second is not None
    assert (second.id, second.span.start.line) == (first.id, first.span.start.line + 1)


async def test_a_refused_edit_is_not_offered_again_and_two_in_a_row_pause(bench: Bench) -> None:
    bench.rename()
    lines: list[int] = []
    while found := await bench.predict():
        lines.append(found.span.start.line)
        await bench.app.suggestions.rejected(found.id)
    assert lines == [2, 3]
    bench.replace(0, 9, 14, "wide")
    assert await bench.predict(0) is None, "it pauses"
    assert await bench.predict(0, trigger="invoked") is not None


async def test_the_locator_can_be_switched_off(bench: Bench) -> None:
    bench.rename()
    bench.set(locator=False)
    assert await bench.predict() is None


async def test_a_language_can_be_left_out(bench: Bench) -> None:
    bench.rename()
    bench.set(disabled_languages=("python",))
    assert await bench.predict() is None
    assert await bench.predict(trigger="invoked") is not None


async def test_a_request_for_an_older_text_has_no_edit(bench: Bench) -> None:
    bench.rename()
    query = EditQuery(bench.document, Position(1, 9))
    bench.replace(1, 9, 9, "s")
    assert await bench.predictor.predict(bench.app, query) is None


async def test_a_closed_document_ends_its_request(bench: Bench) -> None:
    bench.set(locator=False, debounce_ms=5000)
    bench.rename()
    models = cast("Any", [FakeModel("slow")])
    bench.app = dataclasses.replace(
        bench.app, registry=cast("Any", type("All", (), {"for_task": lambda *_: models})())
    )
    asked = asyncio.ensure_future(bench.predict())
    await asyncio.sleep(0.01)
    bench.app.workspace.documents.close(URI)
    assert await asyncio.wait_for(asked, 2) is None
