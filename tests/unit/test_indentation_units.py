"""The unit of indentation: found in the document, and an answer's own unit translated to it."""

from __future__ import annotations

import asyncio
import gc
import warnings
from pathlib import Path

import pytest

from ensemble_lsp.context.generation_intent import generation_intent_at
from ensemble_lsp.context.indent_style import FormattingOptions, indent_unit_of
from ensemble_lsp.languages import LANGUAGES
from ensemble_lsp.postprocess import clean_code, clean_completion
from ensemble_lsp.syntax.indentation import own_indent_unit
from ensemble_lsp.types import Document, Position, Span


def completed(language: str, place: str, answer: str, unit: str = "") -> str:
    prefix, suffix = place.split("|", 1)
    return clean_completion(
        answer, prefix=prefix, suffix=suffix, language=language, unit=unit, max_lines=40
    )


TABS_GO = "func f() error {\n\tif a {\n\t\tb()\n\t}\n\t|\n}\n"
TABS_PY = "class A:\n\tdef f(self):\n\t\tx = 1\n\t\t|\n"
TWO_JS = "function f() {\n  if (a) {\n    b();\n  }\n  |\n}\n"
FOUR_JAVA = "class A {\n    int f() {\n        |\n    }\n}\n"

TRANSLATED = {
    "go-absolute": (
        "go",
        TABS_GO,
        "for _, x := range xs {\n        if x > 0 {\n            return x\n        }\n    }\n    return nil",
        "for _, x := range xs {\n\t\tif x > 0 {\n\t\t\treturn x\n\t\t}\n\t}\n\treturn nil",
    ),
    "csharp-brace-on-its-line": (
        "csharp",
        "class A\n{\n    int F()\n    {\n        |\n    }\n}\n",
        "if (n > 2)\n\t\t{\n\t\t\treturn n;\n\t\t}\n\t\treturn 2;",
        "if (n > 2)\n        {\n            return n;\n        }\n        return 2;",
    ),
    "json-entries": (
        "json",
        '{\n  "a": 1,\n  "b": {\n    |\n  }\n}\n',
        '"c": 1,\n        "d": 2',
        '"c": 1,\n    "d": 2',
    ),
    "go-relative": (
        "go",
        TABS_GO,
        "for _, x := range xs {\n    if x > 0 {\n        return x\n    }\n}\nreturn nil",
        "for _, x := range xs {\n\t\tif x > 0 {\n\t\t\treturn x\n\t\t}\n\t}\n\treturn nil",
    ),
    "go-two-blanks": (
        "go",
        TABS_GO,
        "if x {\n    return 1\n  }\n  return 2",
        "if x {\n\t\treturn 1\n\t}\n\treturn 2",
    ),
    "go-rest-of-a-line": (
        "go",
        "func f() error {\n\tif err != nil {|\n}\n",
        "\n        return err\n    }\n    return nil",
        "\n\t\treturn err\n\t}\n\treturn nil",
    ),
    "go-literal-base": (
        "go",
        TABS_GO,
        "if x {\n\t    return 1\n\t}\n\treturn 2",
        "if x {\n\t\treturn 1\n\t}\n\treturn 2",
    ),
    "python-tabs-two-levels": (
        "python",
        TABS_PY,
        "if x:\n            return 1\n        return 2",
        "if x:\n\t\t\treturn 1\n\t\treturn 2",
    ),
    "python-tabs-same-level": (
        "python",
        TABS_PY,
        "y = 2\n        return y",
        "y = 2\n\t\treturn y",
    ),
    "python-tabs-repeated-base": (
        "python",
        TABS_PY,
        "        y = 2\n        return y",
        "y = 2\n\t\treturn y",
    ),
    "python-tabs-aligned-arguments": (
        "python",
        TABS_PY,
        "y = f(a,\n              b)\n        return y",
        "y = f(a,\n\t\t      b)\n\t\treturn y",
    ),
    "js-four-to-two": (
        "javascript",
        TWO_JS,
        "if (x) {\n        return 1;\n    }\n    return 2;",
        "if (x) {\n    return 1;\n  }\n  return 2;",
    ),
    "js-tabs-to-two": (
        "javascript",
        TWO_JS,
        "if (x) {\n\t\treturn 1;\n\t}\n\treturn 2;",
        "if (x) {\n    return 1;\n  }\n  return 2;",
    ),
    "java-two-to-four": (
        "java",
        FOUR_JAVA,
        "if (x) {\n      return 1;\n    }\n    return 2;",
        "if (x) {\n            return 1;\n        }\n        return 2;",
    ),
    "java-braceless": (
        "java",
        FOUR_JAVA,
        "if (x)\n      return 1;\n    return 2;",
        "if (x)\n            return 1;\n        return 2;",
    ),
    "make-recipe": (
        "makefile",
        "a: b\n\techo a\n|\n",
        "    echo b\n    echo c",
        "\techo b\n\techo c",
    ),
    "make-new-rule": (
        "makefile",
        "a: b\n\techo a\n\nc: d\n|\n",
        "    echo c",
        "\techo c",
    ),
    "ruby-four-to-two": (
        "ruby",
        "class A\n  def f\n    |\n  end\nend\n",
        "xs.each do |x|\n            puts x\n        end",
        "xs.each do |x|\n      puts x\n    end",
    ),
    "c-eight": (
        "c",
        "int f(void)\n{\n        g();\n        |\n}\n",
        "while (x) {\n        h();\n    }\n    return 1;",
        "while (x) {\n                h();\n        }\n        return 1;",
    ),
    "html-four-to-two": (
        "html",
        "<ul>\n  <li>a</li>\n  |\n</ul>\n",
        "<li>\n        <b>c</b>\n    </li>",
        "<li>\n    <b>c</b>\n  </li>",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSLATED)
def test_an_answer_gets_the_documents_unit(name: str) -> None:
    language, place, answer, expected = TRANSLATED[name]
    assert completed(language, place, answer) == expected


SAME = {
    "tabs": ("go", TABS_GO, "if x {\n\t\treturn 1\n\t}\n\treturn 2"),
    "two": ("javascript", TWO_JS, "if (x) {\n    return 1;\n  }\n  return 2;"),
    "aligned": ("python", "def f():\n    |\n", "x = g(a,\n          b)\n    return x"),
    "hanging-eight": ("python", "def f():\n    |\n", "x = g(\n            a)\n    return x"),
    "chain": ("java", FOUR_JAVA, "return a\n                .b()\n                .c();"),
    "raw-string": ("go", TABS_GO, "s := `\n    a\n      b\n`\n\treturn s"),
    "template": ("javascript", TWO_JS, "const s = `\n        a\n    b\n`;\n  return s;"),
    "block-comment": ("c", "int f(void)\n{\n\t|\n}\n", "/*\n\t * Text.\n\t */\n\treturn 1;"),
    "heredoc": ("shellscript", "f() {\n\tg\n\t|\n}\n", "cat <<EOF\n    a\n  b\nEOF\n\th"),
    "switch-flat": ("c", "int f(void)\n{\n\t|\n}\n", "switch (x) {\n\tcase 1:\n\t\tg();\n\t}"),
    "yaml-list": ("yaml", "a:\n  b:\n    |\n", "- c: 1\n      d: 2\n    - c: 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_an_answer_in_the_documents_unit_stays(name: str) -> None:
    language, place, answer = SAME[name]
    assert completed(language, place, answer) == answer


GENERATED = {
    "go": (
        "go",
        "\t",
        "func f() int {\n  if a {\n    return 1\n  }\n  return 2\n}",
        "func f() int {\n\tif a {\n\t\treturn 1\n\t}\n\treturn 2\n}",
    ),
    "python-docstring-follows": (
        "python",
        "\t",
        'def f(a):\n    """Add.\n\n    Args:\n        a: One.\n    """\n    return a',
        'def f(a):\n\t"""Add.\n\n\tArgs:\n\t\ta: One.\n\t"""\n\treturn a',
    ),
    "mixed-eight": (
        "c",
        "\t",
        "int f(void)\n{\n    if (a) {\n\tg();\n    }\n    return 1;\n}",
        "int f(void)\n{\n\tif (a) {\n\t\tg();\n\t}\n\treturn 1;\n}",
    ),
    "tabs-to-blanks": (
        "python",
        "    ",
        "def f(a):\n\tif a:\n\t\treturn 1\n\treturn 2",
        "def f(a):\n    if a:\n        return 1\n    return 2",
    ),
    "three": (
        "typescript",
        "   ",
        "class A {\n  f() {\n    return 1;\n  }\n}",
        "class A {\n   f() {\n      return 1;\n   }\n}",
    ),
    "css": ("css", "\t", "a {\n  color: red;\n}", "a {\n\tcolor: red;\n}"),
    "comment-keeps-its-column": (
        "c",
        "\t",
        "/* One\n   two. */\nint f(void)\n{\n    return 1; /* a\n                 b */\n}",
        "/* One\n   two. */\nint f(void)\n{\n\treturn 1; /* a\n\t             b */\n}",
    ),
    "unknown-unit-stays": (
        "python",
        "",
        "def f(a):\n  if a:\n    return 1\n  return 2",
        "def f(a):\n  if a:\n    return 1\n  return 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GENERATED)
def test_generated_code_gets_the_unit(name: str) -> None:
    language, unit, answer, expected = GENERATED[name]
    assert clean_code(answer, language=language, unit=unit) == expected


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("a:\n    b\n    c:\n        d\n", "    "),
        ("a:\n  b:\n    c\n", "  "),
        ("a {\n\tb {\n\t\tc\n\t}\n}\n", "\t"),
        ("def f():\n    g(a,\n      b)\n    if c:\n        d\n", "    "),
        ("a {\n\tb(c,\n\t  d);\n\te;\n    f;\n}\n", "\t"),
        ("/*\n * a\n */\nint b;\n", ""),
        ("def f():\n\t\n", "\t"),
        ("a\nb\n", ""),
        ("", ""),
        ("   a\n      b\n", "   "),
    ],
)
def test_a_documents_own_unit(text: str, unit: str) -> None:
    assert own_indent_unit(text.split("\n")).unit == unit


def _unit(path: Path, text: str, options: FormattingOptions | None = None) -> str:
    document = Document.from_text(path.as_uri(), 1, "c", text)
    return asyncio.run(indent_unit_of(document, 0, options))


def test_the_order_is_own_lines_then_editorconfig_then_the_clients_options(tmp_path: Path) -> None:
    options = FormattingOptions(3, insert_spaces=True)
    flat, own = "int a;\n", "int f(void)\n{\n  g();\n}\n"
    assert _unit(tmp_path / "a.c", flat) == ""
    assert _unit(tmp_path / "a.c", flat, options) == "   "
    assert _unit(tmp_path / "a.c", flat, FormattingOptions(8, insert_spaces=False)) == "\t"
    (tmp_path / ".editorconfig").write_text("root = true\n[*.c]\nindent_style = tab\n[*.h]\n")
    assert _unit(tmp_path / "a.c", flat, options) == "\t"
    assert _unit(tmp_path / "a.h", flat, options) == "   "
    assert _unit(tmp_path / "a.c", own, options) == "  "
    (tmp_path / ".editorconfig").write_text("[*]\nindent_style = space\nindent_size = 6\n")
    assert _unit(tmp_path / "a.c", flat, options) == "      "


@pytest.mark.parametrize(
    "config", [b"[broken", b"\xff\xfe[*]", b"[*]\nindent_size = many\n", b"[*]\nindent_size = 0\n"]
)
def test_a_useless_editorconfig_is_ignored(tmp_path: Path, config: bytes) -> None:
    (tmp_path / ".editorconfig").write_bytes(config)
    with warnings.catch_warnings():
        # The package leaves a file that it cannot parse to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        assert _unit(tmp_path / "a.c", "int a;\n", FormattingOptions(3)) == "   "
        gc.collect()


def test_an_empty_body_is_indented_by_the_given_unit() -> None:
    document = Document.from_text(
        "file:///a.js", 1, "javascript", "// Add one.\nfunction f(a) {}\n"
    )
    for line, column in ((0, 5), (1, 16)):
        at = Position(line, column)
        intent = generation_intent_at(document, Span(at, at), unit="\t")
        assert intent is not None
        assert intent.indent == "\t"


def test_a_unit_is_known_for_every_language() -> None:
    assert all(language.indent.strip(" \t") == "" for language in LANGUAGES.values())
