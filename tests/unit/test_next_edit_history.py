"""The history of edits: hunks from document changes, merged, bounded, private."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ensemble_lsp.context.documents import Documents
from ensemble_lsp.next_edit.changed_lines import changed_lines
from ensemble_lsp.next_edit.edit_history import EditHistory, Hunk
from ensemble_lsp.types import Document, Edit, Position, Span

A, B = "file:///a.py", "file:///b.py"
TEXT = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"


class Editor:
    """Types into documents, with a clock."""

    def __init__(self, text: str = TEXT) -> None:
        self.now = 0.0
        self.documents = Documents()
        self.history = EditHistory(lambda: self.now)
        self.documents.subscribe(self.history)
        for uri in (A, B):
            self.documents.open(uri, 1, "python", text)

    def replace(
        self, start: tuple[int, int], end: tuple[int, int], text: str, uri: str = A
    ) -> None:
        self.change([Edit(Span(Position(*start), Position(*end)), text)], uri)

    def change(self, edits: list[Edit], uri: str = A) -> None:
        document = self.documents.get(uri)
        assert document is not None
        self.documents.change(uri, document.version + 1, edits)

    def type(self, line: int, column: int, text: str, uri: str = A) -> None:
        for at, char in enumerate(text):
            self.replace((line, column + at), (line, column + at), char, uri)
            self.now += 0.1

    def text(self, uri: str = A) -> str:
        document = self.documents.get(uri)
        assert document is not None
        return document.text

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The removed and added text of each hunk, the oldest first."""
        hunks = self.history.recent()[::-1]
        return [("".join(h.removed), "".join(h.added)) for h in hunks]


def test_typed_characters_are_one_hunk_with_three_lines_around() -> None:
    editor = Editor()
    editor.type(4, 4, "_and_more")
    (hunk,) = editor.history.recent()
    assert hunk.line == 4
    assert hunk.original == "two\nthree\nfour\nfive\nsix\nseven\neight\n"
    assert hunk.updated == "two\nthree\nfour\nfive_and_more\nsix\nseven\neight\n"
    assert hunk.unified == (
        "@@ -2,7 +2,7 @@\n two\n three\n four\n-five\n+five_and_more\n six\n seven\n eight\n"
    )


def test_a_new_line_and_its_text_are_one_hunk() -> None:
    editor = Editor()
    editor.replace((0, 3), (0, 3), "\n")
    editor.type(1, 0, "new")
    assert editor.changes == [("", "new\n")]


def test_other_places_and_files_are_other_hunks() -> None:
    editor = Editor()
    editor.type(0, 0, "x")
    editor.type(6, 0, "y")
    editor.type(6, 0, "z", B)
    assert editor.changes == [
        ("one\n", "xone\n"),
        ("seven\n", "yseven\n"),
        ("seven\n", "zseven\n"),
    ]
    assert [h.uri for h in editor.history.recent()] == [B, A, A]


def test_hunks_follow_lines_that_are_added_above() -> None:
    editor = Editor()
    editor.type(6, 0, "y")
    editor.replace((0, 0), (0, 0), "a\nb\n")
    editor.now += 1
    editor.type(8, 1, "z")
    assert editor.changes == [("", "a\nb\n"), ("seven\n", "yzseven\n")]


def test_after_a_long_pause_the_same_place_is_a_new_hunk() -> None:
    editor = Editor()
    editor.type(0, 0, "x")
    editor.now += 120
    editor.type(0, 0, "y")
    assert editor.changes == [("one\n", "xone\n"), ("xone\n", "yxone\n")]


def test_several_cursors_make_one_hunk_each() -> None:
    editor = Editor()
    for column, char in enumerate("ab"):
        spans = [Span(Position(line, column), Position(line, column)) for line in (6, 3, 0)]
        editor.change([Edit(span, char) for span in spans])
        editor.now += 0.1
    assert editor.changes == [
        ("seven\n", "abseven\n"),
        ("four\n", "abfour\n"),
        ("one\n", "abone\n"),
    ]


@pytest.mark.parametrize("pause", [0, 300])
def test_an_undone_edit_leaves_no_hunk(pause: float) -> None:
    editor = Editor()
    editor.type(2, 0, "kept")
    editor.type(5, 0, "x")
    editor.now += pause
    editor.replace((5, 0), (5, 1), "")
    assert editor.changes == [("three\n", "keptthree\n")]


def test_a_reload_and_a_format_run_add_nothing() -> None:
    long = "".join(f"line {n}\n" for n in range(200))
    editor = Editor(long)
    editor.type(3, 0, "x")
    end = (200, 0)
    editor.replace((0, 0), end, "".join(f"  line  {n}\n" for n in range(200)))
    assert editor.changes == [("line 3\n", "xline 3\n")]
    assert not editor.history.recent()[0].tracked
    indent = [Edit(Span(Position(n, 0), Position(n, 0)), " ") for n in range(0, 200, 10)]
    editor.change(indent)
    assert len(editor.changes) == 1


def test_a_client_that_sends_whole_texts_makes_the_same_hunks() -> None:
    editor, whole = Editor(), Editor()
    editor.type(4, 0, "ab")
    for n in (1, 2):
        text = TEXT.replace("five", "ab"[:n] + "five")
        lines = len(whole.text().split("\n")) - 1
        whole.replace((0, 0), (lines, 0), text)
    assert whole.changes == editor.changes


def test_the_history_is_bounded_by_count_size_and_age() -> None:
    editor = Editor("".join(f"line {n}\n\n" for n in range(400)))
    for n in range(0, 600, 4):
        editor.type(n, 0, "x")
    assert len(editor.history.recent()) == 60
    editor.replace((0, 0), (0, 0), "y" * 39_990)
    assert len(editor.history.recent()) == 1
    editor.now += 3600
    assert not editor.history.recent()


def test_a_closed_document_keeps_its_hunks_without_their_place() -> None:
    editor = Editor()
    editor.type(0, 0, "x")
    editor.documents.close(A)
    assert [h.tracked for h in editor.history.recent()] == [False]


def redact(text: str) -> tuple[str, int]:
    return text.replace("hunter2", "<redacted>"), text.count("hunter2")


def test_for_remote_models_excluded_files_and_secrets_are_left_out() -> None:
    editor = Editor(TEXT.replace("two", "key = hunter2").replace("five", "five = hunter2"))
    editor.type(0, 0, "secret", B)
    editor.replace((4, 7), (4, 14), "environ")
    (hunk,) = editor.history.for_remote(lambda uri: uri == A, redact)
    assert hunk.removed == ("five = <redacted>\n",)
    assert hunk.added == ("five = environ\n",)
    assert "hunter2" not in hunk.unified + hunk.original + hunk.updated
    assert "<redacted>" in hunk.before[0]
    assert len(editor.history.recent()) == 2


def test_a_secret_of_several_lines_is_seen_above_the_context() -> None:
    text = "begin\n" + "x\n" * 10 + "end\n"
    editor = Editor(text)
    editor.type(9, 0, "y")

    def block(whole: str) -> tuple[str, int]:
        lines = whole.split("\n")
        inside = "begin" in lines
        return "\n".join("-" if line in ("x", "yx") else line for line in lines), int(inside)

    assert not editor.history.for_remote(lambda _: True, block)
    assert not editor.history.for_remote(lambda _: True, lambda _: ("fewer lines", 1))


edits = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.integers(0, 4),
        st.integers(0, 3),
        st.integers(0, 4),
        st.text("ab\n\r", max_size=4),
    ),
    max_size=4,
)


@given(st.text("xy\n\r", max_size=20), edits)
def test_changed_lines_turn_the_old_text_into_the_new(
    text: str, edits: list[tuple[int, int, int, int, str]]
) -> None:
    documents = Documents()
    seen: list[tuple[Document, Document, list[Edit]]] = []

    class Recorder:
        def opened(self, document: Document) -> None: ...
        def closed(self, document: Document) -> None: ...
        def changed(self, before: Document, after: Document, edits: list[Edit]) -> None:
            seen.append((before, after, edits))

    documents.subscribe(Recorder())
    documents.open(A, 1, "python", text)
    changes = [
        Edit(Span(Position(line, column), Position(line + more, end)), new)
        for line, column, more, end, new in edits
    ]
    documents.change(A, 2, changes)
    before, after, applied = seen[0]
    regions = changed_lines(before.lines, after.lines, applied)
    rebuilt: list[str] = []
    at = 0
    for region in regions:
        assert region.old_start >= at
        rebuilt += before.lines[at : region.old_start]
        rebuilt += after.lines[region.new_start : region.new_end]
        at = region.old_end
    rebuilt += before.lines[at:]
    assert tuple(rebuilt) == after.lines


@example([(4, 0, 0, 1, ""), (0, 2, 2, 4, ""), (0, 0, 0, 0, ""), (2, 0, 0, 0, "a")])
@given(edits)
def test_undoing_everything_leaves_an_empty_history(
    edits: list[tuple[int, int, int, int, str]],
) -> None:
    editor = Editor()
    undo: list[tuple[Span, str]] = []
    for line, column, more, end, new in edits:
        document = editor.documents.get(A)
        assert document is not None
        start = document.clamp(Position(line, column))
        last = max(start, document.clamp(Position(line + more, end)))
        span = Span(start, last)
        inverse = Edit(span, new.replace("\r", ""))
        undo.append((Span(start, inverse.shift(last)), document.slice(span)))
        editor.change([inverse])
        editor.now += 1
    for span, text in reversed(undo):
        editor.change([Edit(span, text)])
        editor.now += 1
    assert editor.text() == TEXT
    assert editor.changes == []


def test_hunks_of_line_ends_of_windows_are_shown_with_plain_ones() -> None:
    hunk = Hunk(A, "python", 1, ("b\r\n",), ("c",), ("a\r\n",), ())
    assert (hunk.original, hunk.updated) == ("a\nb\n", "a\nc\n")


def test_a_hunk_of_a_patch_joins_the_history_without_a_place() -> None:
    editor = Editor()
    editor.history.add("file:///c.py", "python", "a\nb\nc\n", "a\nx\nc\n", line=7)
    (hunk,) = editor.history.recent()
    assert (hunk.removed, hunk.added, hunk.line, hunk.tracked) == (("b\n",), ("x\n",), 8, False)
    assert (hunk.before, hunk.after) == (("a\n",), ("c\n", ""))


def test_an_undone_line_is_remembered_where_its_hunk_keeps_others() -> None:
    editor = Editor()
    editor.replace((2, 0), (2, 5), "drei")
    editor.replace((3, 0), (3, 4), "vier")
    editor.replace((3, 0), (3, 4), "four")
    assert editor.changes == [("three\n", "drei\n")]
    assert [(h.removed, h.added) for h in editor.history.undone()] == [(("four\n",), ("vier\n",))]
