"""``recall``'s index: edits leave no trace in it, and it knows the workspace's files."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_lsp.providers.recall.context_trie import Contexts
from ensemble_lsp.providers.recall.predict import Prediction
from ensemble_lsp.providers.recall.token_index import RecallIndex
from ensemble_lsp.types import Document, Edit, Position, Span
from tests.support.recall import BLOCK, SAMPLE, A, B, at_cursor, document, text_at


def predictions(index: RecallIndex, text: str, uri: str = A) -> list[list[Prediction]]:
    """What an index predicts at places all over a text."""
    found: list[list[Prediction]] = []
    for offset in range(0, len(text) + 1, 29):
        found.append(
            index.predict(
                uri=uri,
                language="python",
                prefix=text[:offset],
                suffix=text[offset:],
                multiline=True,
                max_lines=4,
                limit=3,
            )
        )
    return found


def contents(contexts: Contexts) -> object:
    """All a tree holds, however it came to hold it."""

    words = sorted(token.lstrip(" ") for token in contexts.vocabulary)
    return (
        contexts.size,
        dict(contexts.vocabulary),
        [contexts.levels((one, other)) for one in words[:8] for other in words],
    )


LINES = st.sampled_from(
    [
        "",
        "    ",
        "a = b",
        "a = c",
        "if a:",
        "    a = b",
        "    return a",
        "        f(a, b)",
        "\tx",
        "}",
        "def f(a, b):",
        "# é 😀 text",
    ]
)
TEXTS = st.lists(LINES, max_size=16).map("\n".join)


class TestIncremental:
    @settings(max_examples=40, deadline=None)
    @given(TEXTS, st.lists(st.tuples(st.integers(0), st.integers(0, 60), TEXTS), max_size=6))
    def test_edits_leave_the_index_as_if_built_anew(
        self, text: str, edits: list[tuple[int, int, str]]
    ) -> None:
        index = RecallIndex()
        index.add_file(B, "python", SAMPLE * 3)
        before = document(text)
        index.open(before)
        for place, length, new in edits:
            offset = place % (len(before.text) + 1)
            span = Span(_position(before, offset), _position(before, offset + length))
            after = before.replace(span, new, before.version + 1)
            index.change(before, after, [Edit(span, new)])
            before = after
        fresh = RecallIndex()
        fresh.add_file(B, "python", SAMPLE * 3)
        fresh.open(document(before.text))
        for each in (index, fresh):
            each.work(10_000)
        assert index.lines == fresh.lines
        assert contents(index._tree("python")) == contents(fresh._tree("python"))
        assert predictions(index, before.text) == predictions(fresh, before.text)

    def test_long_random_editing_of_real_size_leaves_no_trace(self) -> None:
        choice = random.Random(5)
        pool = (SAMPLE + BLOCK).split("\n")
        index = RecallIndex()
        now = document("\n".join(choice.choices(pool, k=600)))
        index.open(now)
        for _ in range(150):
            number = choice.randrange(len(now.lines))
            last = min(len(now.lines) - 1, number + choice.choice([0, 0, 0, 1, 5]))
            start = Position(number, choice.randint(0, len(now.line(number))))
            end = Position(last, max(start.column, len(now.line(last))) if last == number else 0)
            new = choice.choice(["", "x", "\n", "\n".join(choice.choices(pool, k=3))])
            span = Span(now.clamp(start), now.clamp(end))
            after = now.replace(span, new, now.version + 1)
            index.change(now, after, [Edit(span, new)])
            now = after
        index.close(A)
        assert index.lines == 0
        assert index._tree("python").size == 0

    def test_predicting_changes_nothing(self) -> None:
        index, _ = at_cursor(SAMPLE * 5 + "    check|")
        before = contents(index._tree("python"))
        predictions(index, SAMPLE * 5 + "    check")
        assert contents(index._tree("python")) == before

    def test_an_edit_reads_only_the_lines_around_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        index = RecallIndex()
        before = document("".join(f"value_{i} = compute({i}, other)\n" for i in range(2000)))
        index.open(before)
        while index.work():
            pass
        added: list[object] = []
        add = Contexts.add
        monkeypatch.setattr(
            Contexts, "add", lambda self, line, n=None: (added.append(line), add(self, line, n))
        )
        span = Span(Position(1000, 3), Position(1000, 4))
        index.change(before, before.replace(span, "X", 2), [Edit(span, "X")])
        assert 0 < len(added) < 20 + 2 * 200  # and some by the way, of the document's own counts

    def test_a_missed_change_does_no_harm(self) -> None:
        index = RecallIndex()
        index.open(document("a = 1\nb = 2\n"))
        unseen, now = document("x\n", version=2), document("c = 3\nd = 4\nc = 3\n", version=3)
        index.change(unseen, now, [Edit(Span(Position(0, 0), Position(0, 1)), "")])
        fresh = RecallIndex()
        fresh.open(now)
        assert contents(index._tree("python")) == contents(fresh._tree("python"))

    def test_a_long_file_is_read_bit_by_bit(self) -> None:
        index = RecallIndex()
        index.open(document("value = 1\n" * 5000))
        assert index.pending
        assert index.lines < 1000
        while index.work(500):
            pass
        assert index.lines == 5001
        assert not index.pending

    def test_an_edit_while_a_file_is_still_read_is_not_lost(self) -> None:
        index = RecallIndex()
        before = document("".join(f"v{i} = f({i})\n" for i in range(3000)))
        index.open(before)
        for number in (10, 190, 2500):
            span = Span(Position(number, 0), Position(number + 2, 0))
            after = before.replace(span, "changed = here\n", before.version + 1)
            index.change(before, after, [Edit(span, "changed = here\n")])
            before = after
        while index.work():
            pass
        fresh = RecallIndex()
        fresh.open(before)
        while fresh.work():
            pass
        assert contents(index._tree("python")) == contents(fresh._tree("python"))
        assert index.lines == fresh.lines


def _position(of: Document, offset: int) -> Position:
    """The position of an offset, never between ``\\r`` and ``\\n`` (the texts have none)."""
    before = of.text[:offset]
    return of.clamp(Position(before.count("\n"), len(before) - before.rfind("\n") - 1))


class TestFiles:
    def test_closing_forgets_what_is_not_on_disk(self) -> None:
        index, found = at_cursor("secret_name(argument)\nx\nsecret_name(|")
        assert found
        index.close(A)
        assert index.lines == 0
        assert text_at("secret_name(|", index=index, uri=B) == ""

    def test_closing_a_workspace_file_keeps_what_is_on_disk(self) -> None:
        index = RecallIndex()
        index.add_file(A, "python", "on_disk(first, second)\n" * 3)
        opened = document("on_disk(first, second)\n" * 3)
        index.open(opened)
        span = Span(Position(0, 0), Position(3, 0))
        index.change(
            opened,
            opened.replace(span, "unsaved(thing)\n" * 3, 2),
            [Edit(span, "unsaved(thing)\n" * 3)],
        )
        index.close(A)
        assert text_at("on_disk(|", index=index, uri=B) == "first, second)"
        assert "thing" not in text_at("unsaved(|", index=index, uri=B)

    def test_a_file_that_changes_on_disk_while_open_shows_after_closing(self) -> None:
        index = RecallIndex()
        index.open(document("old_name(x)\n" * 3))
        index.add_file(A, "python", "saved_name(y)\n" * 3)
        assert "y" not in text_at("saved_name(|", index=index, uri=B)
        index.close(A)
        assert text_at("saved_name(|", index=index, uri=B) == "y)"

    def test_a_file_added_twice_counts_once(self) -> None:
        index = RecallIndex()
        for _ in range(3):
            index.add_file(B, "python", SAMPLE)
        index.work()
        assert index.lines == len(SAMPLE.split("\n"))

    def test_forgetting_removes_all_trace(self) -> None:
        index = RecallIndex()
        index.add_file(B, "python", SAMPLE)
        index.open(document(SAMPLE))
        for uri in (A, B, "file:///never"):
            index.forget(uri)
        assert index.lines == 0
        assert index._tree("python").size == 0

    def test_a_deleted_file_is_dropped_and_an_open_document_stays_until_it_is_closed(self) -> None:
        index = RecallIndex()
        for uri in (A, B):
            index.add_file(uri, "python", SAMPLE)
        index.open(document(SAMPLE, A))
        index.remove_file(A)
        index.remove_file(B)
        assert (index.find("a.py"), index.find("b.py")) == (A, None)
        assert index.lines == len(SAMPLE.split("\n"))
        index.close(A)
        assert index.lines == 0

    def test_the_oldest_files_make_room_and_open_documents_stay(self) -> None:
        index = RecallIndex(max_lines=100)
        index.open(document("open_one(kept)\n" * 20))
        for i in range(20):
            index.add_file(f"file:///f{i}.py", "python", f"file_{i}(argument)\n" * 20)
        assert index.lines <= 100
        assert text_at("open_one(|", index=index, uri=B) == "kept)"
        assert index.find("f0.py") is None
        assert index.find("f19.py") is not None
        assert "file_0" not in index._tree("python").vocabulary

    def test_closing_what_was_never_opened_is_no_trouble(self) -> None:
        RecallIndex().close("file:///never")

    def test_many_open_documents_keep_their_evidence(self) -> None:
        index = RecallIndex()
        for i in range(30):
            index.open(document(f"call_{i}(value_{i})\nx\n" * 3, f"file:///d{i}.py"))
        again = document("call_0(value_0)\nx\n" * 3 + "call_0(", "file:///d0.py", 2)
        index.change(again, again, [])
        found = index.predict(
            uri="file:///d0.py",
            language="python",
            prefix=again.text,
            suffix="",
            multiline=False,
            max_lines=1,
        )
        assert found[0].text == "value_0)"

    def test_a_path_finds_its_document(self) -> None:
        index = RecallIndex()
        index.add_file("file:///w/other/a.py", "python", "x\n")
        index.open(document("x\n"))
        index.open(document("x\n", "file:///w/sp%20ace/c.py"))
        assert index.find("src/a.py") == A
        assert index.find("sp ace/c.py") == "file:///w/sp%20ace/c.py"
        assert index.find("rc/a.py") is None
