"""The locator: the edits just made, at the other places where they fit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_lsp.context.documents import Documents
from ensemble_lsp.next_edit.edit_history import EditHistory
from ensemble_lsp.next_edit.locator.import_index import ImportIndex
from ensemble_lsp.next_edit.locator.locate import Locator
from ensemble_lsp.syntax.trees import has_error
from ensemble_lsp.types import Edit, Position, Span
from tests.support.next_edit_cases import CASES, QUIET, Case

URI = "file:///w/pkg/a"


class Session:
    """Replaces texts in one document and asks for the next edit after the latest one."""

    def __init__(
        self, text: str, language: str = "python", imports: ImportIndex | None = None
    ) -> None:
        self.now = 0.0
        self.documents, self.history = Documents(), EditHistory(lambda: self.now)
        self.documents.subscribe(self.history)
        self.documents.open(URI, 1, language, text)
        self.locator = Locator(imports, seconds=5.0)
        self.cursor = Position(0, 0)

    @property
    def document(self):
        document = self.documents.get(URI)
        assert document is not None
        return document

    def edit(self, old: str, new: str) -> None:
        """Replace the first occurrence of a text."""
        at = self.document.text.index(old)
        before = self.document.text[:at]
        start = Position(before.count("\n"), at - before.rfind("\n") - 1)
        end = Edit(Span(start, start), old).shift(start)
        self.now += 5
        self.documents.change(URI, self.document.version + 1, [Edit(Span(start, end), new)])
        self.cursor = Edit(Span(start, start), new).shift(start)

    def offers(self, limit: int = 5):
        return self.locator.propose(self.history, self.document, self.cursor, limit)

    def accept_all(self) -> str:
        """Accept the first offer until there is none; return the text."""
        for _ in range(20):
            found = self.offers(1)
            if not found:
                return self.document.text
            assert found[0].applies_to(self.document)
            self.cursor = found[0].span.end
            self.documents.change(URI, self.document.version + 1, [found[0].edit])
            self.now += 5
        raise AssertionError("the chain does not end")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language}: {case.name}")
def test_the_edit_is_offered_where_it_fits(case: Case) -> None:
    session = Session(case.before, case.language)
    for old, new in case.edits:
        session.edit(old, new)
    found = session.offers(1)
    assert [edit.kind for edit in found] == ([case.kind] if case.kind else [])
    assert session.accept_all() == case.after or not case.kind


@pytest.mark.parametrize(("name", "language", "text", "edits"), QUIET, ids=[q[0] for q in QUIET])
def test_without_enough_evidence_nothing_is_offered(
    name: str, language: str, text: str, edits: tuple[tuple[str, str], ...]
) -> None:
    session = Session(text, language)
    for old, new in edits:
        session.edit(old, new)
    assert session.offers() == ()


def test_the_nearest_place_comes_first() -> None:
    uses = "".join(f"    use_{n}(total)\n" for n in range(9))
    session = Session(f"def f(total):\n{uses}")
    session.edit("f(total)", "f(amount)")
    assert [edit.span.start.line for edit in session.offers(3)] == [1, 2, 3]
    session.cursor = Position(6, 0)
    assert [edit.span.start.line for edit in session.offers(3)] == [6, 7, 5]


def test_an_undone_edit_is_not_offered_again() -> None:
    session = Session("def f(total):\n    a(total)\n    b(total)\n")
    session.edit("f(total)", "f(amount)")
    session.edit("a(total)", "a(amount)")
    session.edit("a(amount)", "a(total)")
    assert [edit.span.start.line for edit in session.offers()] == [2]


def test_a_rename_that_was_turned_back_is_over() -> None:
    session = Session("def f(total):\n    a(total)\n    b(total)\n")
    session.edit("f(total)", "f(amount)")
    session.edit("f(amount)", "f(total)")
    assert session.offers() == ()


def test_the_import_of_a_renamed_definition_follows_in_another_file() -> None:
    session = Session("from b import load\n\nx = load()\n")
    session.documents.open("file:///w/pkg/b.py", 1, "python", "def load():\n    pass\n")
    name = Span(Position(0, 4), Position(0, 8))
    session.documents.change("file:///w/pkg/b.py", 2, [Edit(name, "read")])
    assert session.accept_all() == "from b import read\n\nx = read()\n"


@pytest.mark.parametrize(
    ("language", "other", "text", "edit", "after"),
    [
        (
            "python",
            "import os\nfrom dataclasses import dataclass, replace\n",
            "import re\nfrom dataclasses import dataclass\n\nx = 1\n",
            ("x = 1", "x = replace(y, a=1)"),
            "import re\nfrom dataclasses import dataclass, replace\n\nx = replace(y, a=1)\n",
        ),
        (
            "python",
            "from ..wording import plural\n",
            "import re\n\nfrom . import b\nfrom .zeta import z\n\nx = 1\n",
            ("x = 1", "x = plural(1)"),
            "",
        ),
        (
            "typescript",
            'import { join } from "./paths";\n',
            'import { a } from "./a";\n\nlet x = a;\n',
            ("= a", "= join(a)"),
            'import { a } from "./a";\nimport { join } from "./paths";\n\nlet x = join(a);\n',
        ),
        (
            "rust",
            "use std::collections::HashMap;\n",
            "use std::collections::{BTreeMap, HashSet};\n\nfn f(a: BTreeMap, b: HashSet) {\n}\n",
            ("b: HashSet) {\n", "b: HashSet) {\n    let m = HashMap::new();\n"),
            "use std::collections::{BTreeMap, HashMap, HashSet};\n\n"
            "fn f(a: BTreeMap, b: HashSet) {\n    let m = HashMap::new();\n}\n",
        ),
    ],
    ids=["python", "python: above its package", "typescript", "rust"],
)
def test_a_new_name_gets_the_import_that_the_workspace_has(
    language: str, other: str, text: str, edit: tuple[str, str], after: str
) -> None:
    index = ImportIndex()
    index.add_file("file:///w/pkg/other.ext", language, other)
    session = Session(text, language, index)
    session.edit(*edit)
    if after:
        assert session.accept_all() == after
    else:
        assert session.offers() == ()


def test_two_ways_to_import_a_name_are_no_answer() -> None:
    index = ImportIndex()
    index.add_file("file:///w/b.py", "python", "from a import thing\n")
    assert index.import_of("thing", "file:///w/d.py", "python") == "from a import thing"
    index.add_file("file:///w/c.py", "python", "from b import thing\n")
    assert index.import_of("thing", "file:///w/d.py", "python") is None
    index.remove_file("file:///w/b.py")
    assert index.import_of("thing", "file:///w/d.py", "python") == "from b import thing"


SOURCES = {
    "python": "def f(alpha, beta):\n    gamma = alpha + beta\n    return g(gamma, alpha)\n\n\nx = f(1, 2)\n",
    "typescript": "function f(alpha, beta) {\n  const gamma = alpha + beta;\n  return g(gamma, alpha);\n}\nf(1, 2);\n",
    "go": "package p\n\nfunc f(alpha int, beta int) int {\n\tgamma := alpha + beta\n\treturn g(gamma, alpha)\n}\n",
    "rust": "fn f(alpha: u8, beta: u8) -> u8 {\n    let gamma = alpha + beta;\n    g(gamma, alpha)\n}\n",
}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(SOURCES)),
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(["delta", "alpha", "", "(", "x, y", "beta"])),
        max_size=3,
    ),
)
def test_no_offer_breaks_the_code_reverts_an_edit_or_goes_on_for_ever(
    language: str, edits: list[tuple[int, str]]
) -> None:
    session = Session(SOURCES[language], language)
    for which, new in edits:
        words = list(re.finditer(r"\w+", session.document.text))
        found = words[which % len(words)]
        start = session.document.text[: found.start()]
        at = Position(start.count("\n"), len(start) - start.rfind("\n") - 1)
        span = Span(at, Position(at.line, at.column + len(found.group())))
        session.documents.change(URI, session.document.version + 1, [Edit(span, new)])
        session.now += 5
        session.cursor = at
    before = session.document.text
    broken = has_error(before, language)
    for offer in session.offers():
        after = offer.apply(session.document).text
        assert after != before
        assert broken or not has_error(after, language)
        assert not any(after == text for text in (SOURCES[language],) if len(edits) == 1)
    session.accept_all()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", '"""A file.\n\nIt says total,\n\nand total.\n"""\n\ndef f(total):\n    pass\n'),
        ("go", "package p\n\n/*\nIt says\n\ntotal.\n*/\n\nfunc f(total int) {\n}\n"),
    ],
)
def test_a_name_in_a_text_of_several_paragraphs_is_left_alone(language: str, text: str) -> None:
    session = Session(text.replace("f(total", "total(x"), language)
    session.edit("total(x", "amount(x")
    assert session.offers() == ()


def test_lines_that_were_just_cut_keep_their_import() -> None:
    session = Session("import re\n\nx = 1\ny = re.compile(x)\nz = 2\n")
    session.edit("y = re.compile(x)\nz = 2\n", "")
    assert session.offers() == ()
    session.edit("x = 1\n", "x = 3\n")
    session.now += 200
    session.edit("x = 3\n", "x = 4\n")
    assert session.accept_all() == "\nx = 4\n"


def test_an_import_that_was_just_written_is_kept() -> None:
    session = Session("x = re.compile(y)\nz = 1\n\n\nw = 1\n")
    session.edit("x = re.compile(y)", "x = y")
    session.edit("w = 1", "w = 2")
    session.now += 200
    session.edit("x = y", "import re\nx = y")
    assert session.offers() == ()


def test_an_empty_history_offers_nothing() -> None:
    assert Session("x = 1\n").offers() == ()
