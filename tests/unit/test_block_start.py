"""The line and the indentation that a completion begins at, where the model left them out."""

from __future__ import annotations

import pytest

from ensemble_lsp.postprocess import clean_completion


def offered(place: str, text: str, language: str, *, multiline: bool = True) -> str:
    prefix, suffix = place.split("|", 1)
    return clean_completion(
        text, prefix=prefix, suffix=suffix, language=language, multiline=multiline
    )


@pytest.mark.parametrize(
    ("place", "text", "language", "expected"),
    [
        ("def f(x):|\n", "    return x\n", "python", "\n    return x"),
        ("def f(x):|\n", "y = 1\n    return y", "python", "\n    y = 1\n    return y"),
        ("def f(x):|\n", " y = 1\n    return y", "python", "\n    y = 1\n    return y"),
        ("    if x:|\n", "    y = 1\n    g(y)", "python", "\n        y = 1\n        g(y)"),
        ("    if x:|\n", "y = 1\ng(y)", "python", "\n        y = 1\n        g(y)"),
        ("class A {\n  f(n) {|\n}\n", "    g(n);\n", "javascript", "\n    g(n);"),
        ("class A {\n  f(n) {|\n}\n", "\tg(n);\n\th(n);", "javascript", "\n    g(n);\n    h(n);"),
        (
            "function f() {|\n}\n",
            "const y = 1;\n  g(y);",
            "javascript",
            "\n  const y = 1;\n  g(y);",
        ),
        (
            "function f() {|}\n",
            "const y = 1;\n  g(y);",
            "javascript",
            "\n  const y = 1;\n  g(y);\n",
        ),
        ("x = {|\n", '    "a": 1,\n    "b": 2,\n}', "python", '\n    "a": 1,\n    "b": 2,\n}'),
        ("def f(x)|\nend\n", "  x + 1", "ruby", "\n  x + 1"),
        ("if true; then|\nfi\n", "  echo a\n", "shellscript", "\n  echo a"),
    ],
)
def test_a_body_begins_below_the_line_that_opens_it(
    place: str, text: str, language: str, expected: str
) -> None:
    assert offered(place, text, language) == expected


@pytest.mark.parametrize(
    ("place", "text", "language"),
    [
        ("def f(x):|\n", " return x", "python"),
        ("if x:|\n", "  # a comment\n    y()", "python"),
        ("function f() {|}\n", " return 1; ", "javascript"),
        ("const x = {|\n", "a: 1,\n  b: 2,\n}", "javascript"),
        ("m = [|\n", "   1,   2,\n    -3,   4]", "python"),
        ("if (a) {|\n", "  b(); }", "javascript"),
    ],
)
def test_a_text_that_continues_the_opening_line_stays_on_it(
    place: str, text: str, language: str
) -> None:
    assert offered(place, text, language) == text


@pytest.mark.parametrize(
    ("place", "text", "language"),
    [
        ("all: main.o|\n", "\tgcc -o all main.o", "makefile"),
        ("services:|\n", "  web:\n    image: x", "yaml"),
        ("steps:|\n", "  - run: make", "yaml"),
    ],
)
def test_a_line_is_not_completed_by_the_line_below_it(place: str, text: str, language: str) -> None:
    assert offered(place, text, language, multiline=False) == ""


@pytest.mark.parametrize(
    ("place", "text", "language", "expected"),
    [
        ("def f():\n    x = 1\n|\n    y = 2\n", "z = 3\nw = 4", "python", "    z = 3\n    w = 4"),
        (
            "def f():\n    x = 1\n|\n    y = 2\n",
            "if x:\n    g()",
            "python",
            "    if x:\n        g()",
        ),
        (
            "class A:\n    def f(self):\n        return 1\n|\n    def g(self):\n        pass\n",
            "def h(self):\n    pass",
            "python",
            "    def h(self):\n        pass",
        ),
        (
            "function f() {\n  const a = 1;\n|\n  return a;\n}\n",
            "if (a) {\n    g();\n  }",
            "javascript",
            "  if (a) {\n    g();\n  }",
        ),
        (
            "const B = () => {\n  return (\n|\n  );\n};\n",
            "<b>\n      {text}\n    </b>",
            "typescriptreact",
            "    <b>\n      {text}\n    </b>",
        ),
        ("f() {\n  g(a,\n    b);\n|\n}\n", "h();", "javascript", "  h();"),
        ("import (\n|\n)\n", '"fmt"', "go", '\t"fmt"'),
        ("x = [\n|\n]\n", "1,\n2,", "python", "    1,\n    2,"),
        ("def f(x)\n|\nend\n", "x + 1", "ruby", "  x + 1"),
        ("data:\n|\n  b: 2\n", "a: 1\nc: 3", "yaml", "  a: 1\n  c: 3"),
        ("x = {\n  a: 1,\n|\n  c: 3,\n}\n", "b: 2,", "javascript", "  b: 2,"),
        ("all: main.o\n|\n", "gcc -o all main.o", "makefile", "\tgcc -o all main.o"),
    ],
)
def test_a_text_at_the_margin_gets_the_indentation_of_its_block(
    place: str, text: str, language: str, expected: str
) -> None:
    assert offered(place, text, language) == expected


@pytest.mark.parametrize(
    ("place", "text", "language"),
    [
        (
            "class A:\n    x = 1\n\n|\n    def g(self):\n        pass\n",
            "class B:\n    y = 2",
            "python",
        ),
        ("class A:\n    x = 1\n\n|\n    return 1\n", "def f():", "python"),
        ("int f() {\n  g();\n|\n  h();\n}\n", "#ifdef X", "c"),
        ("int f() {\n  g();\n|\n  h();\n}\n", "out:", "c"),
        ("if a\n  b\n|\nend\n", "else\n  c", "ruby"),
        ("x = 1\n\n|\ny = 2\n", "z = 3", "python"),
        ('def f():\n    """One.\n|\n    """\n', "Two.", "python"),
        ("all: main.o\n|\n", "clean:", "makefile"),
        ("CC = gcc\n|\n", "CFLAGS = -O2", "makefile"),
    ],
)
def test_what_belongs_at_the_margin_stays_there(place: str, text: str, language: str) -> None:
    assert offered(place, text, language) == text


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("    } else {\n|\n    }\n", "\n        g();"),
        ("    void f() {\n|\n    }\n", "\n        g();\n        h();"),
    ],
)
def test_indentation_below_a_blank_line_is_not_added_twice(place: str, text: str) -> None:
    assert offered(f"class A {{\n{place}}}\n", text, "java") == text


def test_a_text_that_makes_the_line_below_is_not_offered() -> None:
    place = "    |;\n\n    return () => stop(i);\n"
    text = "return () => stop(i);"
    assert offered(place, text, "javascript", multiline=False) == ""


@pytest.mark.parametrize(
    "place",
    [
        "if x:\n    a()\n    |\n",
        "match x:\n    case 1:\n        a()\n    |\n",
        "def f():\n    with x:\n        a()\n    |\n",
    ],
)
def test_a_branch_of_no_statement_is_not_offered(place: str) -> None:
    assert offered(place, "else:\n        b()", "python", multiline=False) == ""


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("if x:\n    a()\n|\n", "else:"),
        ("def f():\n    if x:\n        a()\n    |\n", "else:"),
        ("try:\n    a()\n    # c\n|\n", "except ValueError:"),
        ("if (\n    x\n):\n    a()\n|\n", "elif y:"),
        ("for x in f(\n    y\n):\n    a()\n|\n", "else:"),
        ('if x:\n    a = """\nb\n"""\n|\n', "else:"),
        ("|\n", "else:"),
        ("x = f(\n    a if b\n    |\n)\n", "else c"),
    ],
)
def test_a_branch_of_a_statement_is_offered(place: str, text: str) -> None:
    assert offered(place, text, "python", multiline=False) == text
