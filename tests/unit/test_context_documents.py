"""Documents: snapshots, edits in order, wrong ranges, listeners, files that are no text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from ensemble_lsp.context.documents import Documents, read
from ensemble_lsp.errors import DocumentError
from ensemble_lsp.types import Document, Edit, Position, Span

URI = "file:///work/a.py"


def edit(a: int, b: int, c: int, d: int, text: str) -> Edit:
    return Edit(Span(Position(a, b), Position(c, d)), text)


class Log:
    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def opened(self, document: Document) -> None:
        self.events.append(("opened", document.version))

    def changed(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        self.events.append(("changed", before.version, after.version, len(edits)))

    def closed(self, document: Document) -> None:
        self.events.append(("closed", document.version))


def test_edits_apply_in_order_each_to_the_text_after_the_ones_before() -> None:
    documents = Documents()
    documents.open(URI, 1, "python", "one\ntwo\n")
    before, after = documents.change(
        URI, 2, [edit(0, 0, 0, 0, "zero\n"), edit(1, 0, 1, 3, "1"), edit(2, 3, 2, 3, "!")]
    )
    assert before.text == "one\ntwo\n"
    assert after.text == "zero\n1\ntwo!\n"
    assert documents.get(URI) is after


def test_a_snapshot_is_not_changed_by_later_edits() -> None:
    documents = Documents()
    first = documents.open(URI, 1, "python", "one")
    documents.change(URI, 2, [edit(0, 0, 0, 3, "two")])
    assert first.text == "one"


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (edit(9, 9, 9, 9, "x"), "one\ntwox"),
        (edit(0, 99, 0, 99, "x"), "onex\ntwo"),
        (edit(-1, 0, 0, 1, "x"), "xne\ntwo"),
        (edit(1, 2, 0, 1, "x"), "oxo"),
    ],
)
def test_a_wrong_range_is_moved_to_the_nearest_place(wrong: Edit, text: str) -> None:
    documents = Documents()
    documents.open(URI, 1, "python", "one\ntwo")
    assert documents.change(URI, 2, [wrong])[1].text == text


def test_an_edit_may_be_made_for_the_text_after_the_edits_before_it() -> None:
    documents, log = Documents(), Log()
    documents.subscribe(log)
    documents.open(URI, 1, "python", "one")

    def append(document: Document) -> Edit:
        return Edit(Span(document.end, document.end), f"<{document.text}>")

    assert documents.change(URI, 2, [append, append])[1].text == "one<one><one<one>>"
    assert log.events[-1] == ("changed", 1, 2, 2)


def test_versions_may_skip_and_no_edit_is_a_new_version() -> None:
    documents = Documents()
    documents.open(URI, 1, "python", "one")
    assert documents.change(URI, 40, [])[1].version == 40


def test_a_document_that_is_not_open_is_named() -> None:
    with pytest.raises(DocumentError, match=r"a\.py is not open"):
        Documents().change(URI, 1, [])
    assert Documents().close(URI) is None


def test_listeners_hear_everything_until_they_leave() -> None:
    documents, log = Documents(), Log()
    leave = documents.subscribe(log)
    documents.open(URI, 1, "python", "one")
    documents.change(URI, 2, [edit(0, 0, 0, 0, "x")])
    documents.change(URI, 3, [edit(0, 0, 0, 4, "new")])
    documents.close(URI)
    leave()
    leave()
    documents.open(URI, 4, "python", "one")
    assert log.events == [
        ("opened", 1),
        ("changed", 1, 2, 1),
        ("changed", 2, 3, 1),
        ("closed", 3),
    ]


def test_the_most_recently_edited_come_first() -> None:
    documents = Documents()
    for name in "abc":
        documents.open(name, 1, "python", "")
    documents.change("a", 2, [edit(0, 0, 0, 0, "x")])
    assert [d.uri for d in documents.recent()] == ["a", "c", "b"]


async def test_a_file_is_read_with_its_language(tmp_path: Path) -> None:
    path = tmp_path / "ä b.py"
    path.write_bytes("\ufeffa = 'é'\r\n".encode())
    document = await read(path)
    assert document.text == "a = 'é'\r\n"
    assert document.language == "python"
    assert Path(document.path) == path


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a\0b", "is a binary file"),
        ("é".encode("latin-1"), "is not UTF-8"),
        (b"a" * 5_000_001, "larger than 5 MB"),
    ],
)
async def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(data)
    with pytest.raises(DocumentError, match=message):
        await read(path)


async def test_missing_folder_pipe_and_bad_names_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, message in (
        (tmp_path / "none.py", "does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "is not a plain file"),
        (tmp_path / "loop", "cannot be read"),
        (tmp_path / ("x" * 300), "cannot be read"),
        ("a\0b", "cannot be read"),
    ):
        with pytest.raises(DocumentError, match=message):
            await read(path)


@pytest.mark.parametrize(
    ("uri", "given", "language"),
    [
        (URI, "", "python"),
        (URI, "Python", "python"),
        (URI, "plaintext", "plaintext"),  # the user chose it
        (URI, "never-heard-of", "never-heard-of"),
        ("untitled:Untitled-1", "", "plaintext"),
        ("file:///w/Program.cs", "cs", "csharp"),
    ],
)
def test_a_document_has_the_id_of_its_language(uri: str, given: str, language: str) -> None:
    assert Documents().open(uri, 1, given, "").language == language
