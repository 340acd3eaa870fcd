"""The locator: the edits just made, at the other places where they fit."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_lsp.context.documents import Documents
from ensemble_lsp.next_edit.edit_history import EditHistory
from ensemble_lsp.next_edit.locator.import_index import ImportIndex
from ensemble_lsp.next_edit.locator.locate import Locator
from ensemble_lsp.syntax.trees import has_error
from ensemble_lsp.types import Edit, Position, Span

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


@dataclass(frozen=True)
class Case:
    name: str
    language: str
    before: str
    edits: tuple[tuple[str, str], ...]
    after: str
    kind: str


CASES = (
    Case(
        "a local variable, not the other function's, the attribute or the string",
        "python",
        'def f():\n    total = 1\n    x.total = total\n    print("total", total)\n\n\ndef g():\n    total = 2\n    return total\n',
        (("total = 1", "amount = 1"),),
        'def f():\n    amount = 1\n    x.total = amount\n    print("total", amount)\n\n\ndef g():\n    total = 2\n    return total\n',
        "rename",
    ),
    Case(
        "a function",
        "python",
        "def load(a):\n    return a\n\n\ndef g():\n    return load(1) + self.load(2)  # load\n",
        (("def load(", "def read("),),
        "def read(a):\n    return a\n\n\ndef g():\n    return read(1) + self.load(2)  # load\n",
        "rename",
    ),
    Case(
        "an imported name",
        "python",
        "from m import Reader\n\n\ndef g(r: Reader) -> Reader:\n    return Reader(r)\n",
        (("import Reader", "import Source"),),
        "from m import Source\n\n\ndef g(r: Source) -> Source:\n    return Source(r)\n",
        "rename",
    ),
    Case(
        "a parameter",
        "typescript",
        "function f(count: number): number {\n  const g = { count: 1 };\n  return count + g.count;\n}\n",
        (("(count:", "(size:"),),
        "function f(size: number): number {\n  const g = { count: 1 };\n  return size + g.count;\n}\n",
        "rename",
    ),
    Case(
        "a method",
        "typescript",
        "class A {\n  load() {}\n  run() { this.load(); load(); }\n}\n",
        (("  load()", "  read()"),),
        "class A {\n  read() {}\n  run() { this.read(); load(); }\n}\n",
        "rename",
    ),
    Case(
        "a local variable",
        "go",
        'package p\n\nfunc f(x int) int {\n\tn := x\n\tfmt.Println("n", n)\n\treturn n\n}\n',
        (("n :=", "m :="),),
        'package p\n\nfunc f(x int) int {\n\tm := x\n\tfmt.Println("n", m)\n\treturn m\n}\n',
        "rename",
    ),
    Case(
        "a struct's field",
        "go",
        "package p\n\ntype S struct {\n\tName string\n}\n\nfunc f(s S) string {\n\treturn s.Name\n}\n",
        (("\tName string", "\tTitle string"),),
        "package p\n\ntype S struct {\n\tTitle string\n}\n\nfunc f(s S) string {\n\treturn s.Title\n}\n",
        "rename",
    ),
    Case(
        "a binding",
        "rust",
        "fn f(a: u8) -> u8 {\n    let total = a;\n    g(total);\n    total\n}\n",
        (("let total", "let sum"),),
        "fn f(a: u8) -> u8 {\n    let sum = a;\n    g(sum);\n    sum\n}\n",
        "rename",
    ),
    Case(
        "a misspelling in comments, where it was mended",
        "python",
        "# The recieved text.\nx = 1\n# What was recieved last.\nrecieved = 2\n",
        (("recieved text", "received text"),),
        "# The received text.\nx = 1\n# What was received last.\nrecieved = 2\n",
        "typo",
    ),
    Case(
        "an argument that a function no longer has",
        "python",
        "def f(a, b):\n    return a\n\n\ndef g():\n    f(1, 2)\n    f(a=1, b=2)\n",
        (("def f(a, b)", "def f(a)"),),
        "def f(a):\n    return a\n\n\ndef g():\n    f(1)\n    f(a=1)\n",
        "argument",
    ),
    Case(
        "an argument whose name the callers know",
        "python",
        "def f(a):\n    return a\n\n\ndef g(clock):\n    f(1)\n\n\ndef h():\n    f(1)\n",
        (("def f(a)", "def f(a, clock)"),),
        "def f(a, clock):\n    return a\n\n\ndef g(clock):\n    f(1, clock)\n\n\ndef h():\n    f(1)\n",
        "argument",
    ),
    Case(
        "a keyword that two calls got, on a line of its own",
        "python",
        "f(1)\nf(2)\nf(3)\nf(\n    4,\n    5,\n)\n",
        (("f(1)", "f(1, x=True)"), ("f(2)", "f(2, x=True)")),
        "f(1, x=True)\nf(2, x=True)\nf(3, x=True)\nf(\n    4,\n    5,\n    x=True,\n)\n",
        "argument",
    ),
    Case(
        "an argument",
        "go",
        "package p\n\nfunc f(a int, b int) {}\n\nfunc g() {\n\tf(1, 2)\n\tf(3, 4)\n}\n",
        (("a int, b int", "a int"),),
        "package p\n\nfunc f(a int) {}\n\nfunc g() {\n\tf(1)\n\tf(3)\n}\n",
        "argument",
    ),
    Case(
        "an argument",
        "rust",
        "fn f(a: u8, b: u8) {}\n\nfn g() {\n    f(1, 2);\n}\n",
        (("a: u8, b: u8", "a: u8"),),
        "fn f(a: u8) {}\n\nfn g() {\n    f(1);\n}\n",
        "argument",
    ),
    Case(
        "a field",
        "python",
        'A = [\n    {"a": 1, "b": 2},\n    {"a": 3, "b": 4},\n    {"a": 5, "b": 6},\n    {"a": 7},\n]\n',
        (('1, "b": 2', '1, "b": 2, "c": None'), ('3, "b": 4', '3, "b": 4, "c": None')),
        'A = [\n    {"a": 1, "b": 2, "c": None},\n    {"a": 3, "b": 4, "c": None},\n    {"a": 5, "b": 6, "c": None},\n    {"a": 7},\n]\n',
        "field",
    ),
    Case(
        "a field",
        "typescript",
        'const a = { id: 1, tag: "x" };\nconst b = { id: 2, tag: "y" };\nconst c = { id: 3, tag: "z" };\n',
        (('tag: "x"', 'tag: "x", on: true'), ('tag: "y"', 'tag: "y", on: true')),
        'const a = { id: 1, tag: "x", on: true };\nconst b = { id: 2, tag: "y", on: true };\nconst c = { id: 3, tag: "z", on: true };\n',
        "field",
    ),
    Case(
        "a line in a repeated pattern",
        "rust",
        "fn f() {\n    a.map(x).unwrap();\n    b.map(y).unwrap();\n    c.map(z).unwrap();\n    d.get(z);\n}\n",
        (("a.map(x)", "a.and_then(x)"), ("b.map(y)", "b.and_then(y)")),
        "fn f() {\n    a.and_then(x).unwrap();\n    b.and_then(y).unwrap();\n    c.map(z).unwrap();\n    d.get(z);\n}\n",
        "",
    ),
    Case(
        "a phrase with three names",
        "python",
        "def f():\n    self.assert_equals(result.value, 1)\n    self.assert_equals(result.value, 2)\n    self.assert_equals(result.value, 3)\n",
        (
            ("equals(result.value, 1", "equal(result.value, 1"),
            ("equals(result.value, 2", "equal(result.value, 2"),
        ),
        "def f():\n    self.assert_equal(result.value, 1)\n    self.assert_equal(result.value, 2)\n    self.assert_equal(result.value, 3)\n",
        "pattern",
    ),
    Case(
        "a decorator above classes",
        "typescript",
        "export class A {\n}\n\nexport class B {\n}\n\nexport class C {\n}\n\nexport interface D {\n}\n",
        (("export class A", "@es5\nexport class A"), ("export class B", "@es5\nexport class B")),
        "@es5\nexport class A {\n}\n\n@es5\nexport class B {\n}\n\n@es5\nexport class C {\n}\n\nexport interface D {\n}\n",
        "pattern",
    ),
    Case(
        "a line with the name of the line above",
        "python",
        "    def get_a(self):\n        return 1\n\n    def get_b(self):\n        return 2\n\n    def get_c(self):\n        return 3\n",
        (
            ("(self):\n        return 1", '(self):\n        log("get_a")\n        return 1'),
            ("(self):\n        return 2", '(self):\n        log("get_b")\n        return 2'),
        ),
        '    def get_a(self):\n        log("get_a")\n        return 1\n\n    def get_b(self):\n        log("get_b")\n        return 2\n\n    def get_c(self):\n        log("get_c")\n        return 3\n',
        "pattern",
    ),
    Case(
        "equal blocks",
        "go",
        "package p\n\nfunc f() {\n\tif err != nil {\n\t\treturn nil, wrap(err, name)\n\t}\n\tg()\n\tif err != nil {\n\t\treturn nil, wrap(err, name)\n\t}\n}\n",
        (("if err != nil {\n\t\treturn nil, wrap(err, name)\n\t}\n\tg()", "check(err)\n\tg()"),),
        "package p\n\nfunc f() {\n\tcheck(err)\n\tg()\n\tcheck(err)\n}\n",
        "pattern",
    ),
    Case(
        "an import that lost its last use",
        "python",
        "import re\nfrom os import path, sep\n\nx = path.join(sep)\n",
        (("path.join(sep)", "path.join()"),),
        "import re\nfrom os import path\n\nx = path.join()\n",
        "import",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language}: {case.name}")
def test_the_edit_is_offered_where_it_fits(case: Case) -> None:
    session = Session(case.before, case.language)
    for old, new in case.edits:
        session.edit(old, new)
    found = session.offers(1)
    assert [edit.kind for edit in found] == ([case.kind] if case.kind else [])
    assert session.accept_all() == case.after or not case.kind


QUIET = (
    ("a use alone", "python", "a = load(1)\nb = load(2)\n", (("load(1)", "read(1)"),)),
    (
        "a name that is still defined",
        "python",
        "def load(): ...\n\n\nx = load()\ny = load()\n",
        (("x = load", "x = read"),),
    ),
    (
        "a word in a comment",
        "go",
        "package p\n\n// Loads all.\nvar x = 1\n\n// Loads more.\n",
        (("Loads all", "Reads all"),),
    ),
    ("an ending", "python", "# returned it\n# returned them\n", (("returned it", "returnes it"),)),
    ("white space", "rust", "fn f() {\n    g(1);\n    g(2);\n}\n", (("    g(1)", "        g(1)"),)),
    (
        "a value for one call",
        "typescript",
        "f(1);\nf(2);\nf(3);\n",
        (("f(1)", "f(1, x)"),),
    ),
    (
        "a place that was passed over",
        "python",
        "q.one(a.b, 1)\nq.one(a.b, 2)\nq.one(a.b, 3)\nq.one(a.b, 4)\n",
        (("one(a.b, 1", "two(a.b, 1"), ("one(a.b, 3", "two(a.b, 3")),
    ),
)


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
            "use std::collections::{BTreeMap, HashMap, HashSet};\n\nfn f(a: BTreeMap, b: HashSet) {\n    let m = HashMap::new();\n}\n",
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


def test_an_empty_history_offers_nothing() -> None:
    assert Session("x = 1\n").offers() == ()
