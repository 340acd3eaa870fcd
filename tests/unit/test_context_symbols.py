"""Symbols, requests for code, and the shape of a completion, at a cursor marked with ``|``."""

from __future__ import annotations

import textwrap

import pytest

from ensemble_lsp.context.completion_mode import completion_mode_at
from ensemble_lsp.context.generation_intent import generation_intent_at
from ensemble_lsp.context.symbols import (
    call_at,
    enclosing,
    in_string_or_comment,
    outline,
    strip_comment_signs,
    symbol_at,
)
from ensemble_lsp.postprocess import clean_code
from ensemble_lsp.syntax.indentation import indent_unit, newline_of
from ensemble_lsp.types import Document, Position, Span


def at(text: str, language: str = "python") -> tuple[Document, Position]:
    text = textwrap.dedent(text)
    before, after = text.split("|", 1)
    document = Document.from_text("file:///a.py", 1, language, before + after)
    return document, Position(before.count("\n"), len(before.rpartition("\n")[2]))


def fill(text: str, code: str, language: str = "python") -> str:
    """What the document is when the request at the cursor is answered with that code."""
    document, position = at(text, language)
    request = generation_intent_at(document, Span(position, position))
    assert request is not None
    code = clean_code(
        code,
        language=language,
        indent=request.indent,
        instruction=request.instruction,
        prefix=document.slice(Span(Position(0, 0), request.span.start)),
        suffix=document.slice(Span(request.span.end, document.end)),
    )
    return document.replace(request.span, code).text


@pytest.mark.parametrize(
    ("language", "text", "name", "signature"),
    [
        (
            "python",
            "@d\ndef f(a,\n      b=1) -> int:\n    return |a\n",
            "f",
            "def f(a, b=1) -> int",
        ),
        ("python", "class A(B):\n    x = 1\n    |\n", "A", "class A(B)"),
        (
            "python",
            "class A:\n    async def f(self):\n        a = 1\n        |\n",
            "f",
            "async def f(self)",
        ),
        ("python", "def f():\n    a = 1\n    |", "f", "def f()"),
        ("python", "def f():\n    |", "f", "def f()"),
        ("python", "def f(a):\n    b = (a |\n", "f", "def f(a)"),
        (
            "javascript",
            "export const f = async (a) => { return |a; };",
            "f",
            "export const f = async (a)",
        ),
        ("typescript", "class A<T> { m(x: T): void { | } }", "m", "m(x: T): void"),
        ("go", "func (r *T) F(a int) int {\n\treturn |a\n}\n", "F", "func (r *T) F(a int) int"),
        ("rust", "impl A {\n  pub fn f(&self) -> i32 { |1 }\n}", "f", "pub fn f(&self) -> i32"),
        ("java", "class A { int f(int a) { return |a; } }", "f", "int f(int a)"),
        ("c", "static int f(int a) {\n  return |a;\n}\n", "f", "static int f(int a)"),
        ("cpp", "int A::f() { return |1; }", "A::f", "int A::f()"),
        ("ruby", "class A\n  def f(a)\n    |a\n  end\nend\n", "f", "def f(a)"),
        ("lua", "function M.f(a)\n  return |a\nend\n", "M.f", "function M.f(a)"),
        ("kotlin", "class A { fun f(a: Int): Int { return |a } }", "f", "fun f(a: Int): Int"),
        ("csharp", "class A { int F(int a) { return |a; } }", "F", "int F(int a)"),
        ("php", "<?php function f($a) { return |$a; }", "f", "function f($a)"),
        ("shellscript", "f() {\n  echo |a\n}\n", "f", "f()"),
    ],
)
def test_the_enclosing_symbol_is_found(language: str, text: str, name: str, signature: str) -> None:
    symbol = enclosing(*at(text, language))
    assert symbol is not None
    assert (symbol.name, symbol.signature) == (name, signature)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("func go(a: Int) -> Int {\n  let b = a\n  |\n}\n", "go"),
        ("class A {\n  int x;\n  |\n}\n", "A"),
        ("func go() {\n}\nlet x = |1\n", None),
    ],
)
def test_without_a_grammar_keywords_and_indentation_tell(text: str, name: str | None) -> None:
    symbol = enclosing(*at(text, "swift"))
    assert (symbol.name if symbol else None) == name


def test_a_callback_without_a_name_is_part_of_its_function() -> None:
    symbol = enclosing(*at("function f() { list.map(x => { return |x; }); }", "javascript"))
    assert symbol is not None
    assert symbol.name == "f"


def test_outside_of_everything_there_is_no_symbol() -> None:
    assert enclosing(*at("import os\n|\n\ndef f():\n    pass\n")) is None
    assert enclosing(*at("|")) is None
    assert enclosing(*at("MOVE |A", "cobol")) is None


def test_the_kind_of_the_enclosing_symbol_can_be_chosen() -> None:
    document, position = at("class A:\n    def f(self):\n        |pass\n")
    symbol = enclosing(document, position, kind="class")
    assert symbol is not None
    assert symbol.name == "A"


def test_docstrings_and_doc_comments_are_read() -> None:
    python = enclosing(*at('def f():\n    """Add two.\n\n    More.\n    """\n    return |1\n'))
    script = enclosing(*at("/**\n * Add two.\n */\nfunction f() { return |1; }", "javascript"))
    rust = enclosing(*at("/// Add\n/// two.\nfn f() { |1 }", "rust"))
    assert python is not None
    assert script is not None
    assert rust is not None
    assert python.docstring.startswith("Add two.")
    assert script.docstring == "Add two."
    assert rust.docstring == "Add\ntwo."


@pytest.mark.parametrize(
    ("text", "language", "empty"),
    [
        ("def f():\n    |pass\n", "python", True),
        ("def f():\n    |...\n", "python", True),
        ('def f():\n    """|Doc."""\n', "python", True),
        ('def f():\n    """|Doc."""\n    raise NotImplementedError\n', "python", True),
        ('def f():\n    """|Doc."""\n    return 1\n', "python", False),
        ("function f() {|}", "javascript", True),
        ("function f() {\n  // |later\n}", "javascript", True),
        ("function f() {\n  throw new Error('not implemented');|\n}", "javascript", True),
        ("function f() { |g(); }", "javascript", False),
        ("fn f() { |todo!() }", "rust", True),
        ("function f() { throw new Error('bad |value'); }", "javascript", False),
    ],
)
def test_an_empty_body_is_told(text: str, language: str, empty: bool) -> None:
    symbol = enclosing(*at(text, language))
    assert symbol is not None
    assert symbol.empty is empty


def test_a_call_is_found_at_its_name_and_not_in_its_arguments() -> None:
    call = call_at(*at("a = g.ha|ve(b, 1)\n"))
    assert call is not None
    assert (call.kind, call.name, call.signature) == ("call", "g.have", "g.have(b, 1)")
    assert call_at(*at("a = g.have(|b, 1)\n")) is None
    inner = call_at(*at("a = g.have(so|me(b), 1)\n"))
    assert inner is not None
    assert inner.name == "some"


def test_a_hover_is_about_the_call_else_the_function_round_it() -> None:
    for text, name in (
        ("def f(a):\n    return g|o(a)\n", "go"),
        ("def f(a):\n    return go(a|)\n", "f"),
        ("def |f(a):\n    return a\n", "f"),
    ):
        symbol = symbol_at(*at(text))
        assert symbol is not None
        assert symbol.name == name


def test_the_outline_lists_symbols_in_order_with_their_depth() -> None:
    document, _ = at("class A:\n    def f(self): pass\ndef g(): pass\n|")
    assert [(s.name, s.depth) for s in outline(document)] == [("A", 0), ("f", 1), ("g", 0)]


def test_deep_nesting_does_not_overflow() -> None:
    document, position = at("f(" * 3000 + "|")
    outline(document)
    enclosing(document, position)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = 'x|y'\n", "string"),
        ("a = 'xy'|\n", None),
        ("a = 1  # x|y\n", "comment"),
        ("a = f'{b|}'\n", None),
        ("a = |1\n", None),
    ],
)
def test_strings_and_comments_are_told(text: str, found: str | None) -> None:
    assert in_string_or_comment(*at(text)) == found


def test_comment_signs_are_taken_off() -> None:
    assert strip_comment_signs("/**\n * One\n * two *bold*\n */") == "One\ntwo *bold*"
    assert strip_comment_signs("# One\n#   two") == "One\n  two"


@pytest.mark.parametrize(
    ("text", "language", "code", "expected"),
    [
        (
            'def f(a):\n    """Add one.|"""\n',
            "python",
            "return a + 1",
            'def f(a):\n    """Add one."""\n    return a + 1\n',
        ),
        ("def f(a):\n    p|ass\n", "python", "return a", "def f(a):\n    return a\n"),
        ("def f(a): p|ass\n", "python", "return a", "def f(a):\n    return a\n"),
        (
            '@d\ndef f(a):\n  """Doc."""\n  raise |NotImplementedError()\n',
            "python",
            "return a",
            '@d\ndef f(a):\n  """Doc."""\n  return a\n',
        ),
        ("function f(a) {|}\n", "javascript", "return a;", "function f(a) {\n  return a;\n}\n"),
        (
            "class A {\n    m() {\n        // keep|\n    }\n}\n",
            "javascript",
            "x();",
            "class A {\n    m() {\n        // keep\n        x();\n    }\n}\n",
        ),
        ("fn f() -> i32 { |todo!() }", "rust", "1", "fn f() -> i32 {\n    1\n}"),
        (
            "def g():\n    # |sort the items by name\n\nx = 1\n",
            "python",
            "items.sort()",
            "def g():\n    # sort the items by name\n    items.sort()\n\nx = 1\n",
        ),
        (
            "# Add |the numbers\ndef f(a, b):\n    pass\n",
            "python",
            "return a + b",
            "# Add the numbers\ndef f(a, b):\n    return a + b\n",
        ),
        (
            "// TODO: |add two\r\nconst b = 1;\r\n",
            "javascript",
            "const a = 2;",
            "// TODO: add two\r\nconst a = 2;\r\nconst b = 1;\r\n",
        ),
    ],
)
def test_code_that_was_asked_for_goes_where_it_belongs(
    text: str, language: str, code: str, expected: str
) -> None:
    assert fill(text, code, language) == expected


@pytest.mark.parametrize(
    ("text", "language", "instruction"),
    [
        ("# TODO(me): write |a parser\n", "python", "write a parser"),
        ("# read the file\n# and |count lines\n", "python", "read the file\nand count lines"),
        ("// returns the |sum of all\n", "go", "returns the sum of all"),
        ("-- |get all users older than 30\n", "sql", "get all users older than 30"),
    ],
)
def test_a_comment_tells_the_instruction(text: str, language: str, instruction: str) -> None:
    document, position = at(text, language)
    request = generation_intent_at(document, Span(position, position))
    assert request is not None
    assert (request.kind, request.instruction) == ("comment", instruction)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("# add |the numbers\ntotal = sum(a)\n", "python"),
        ("#!/usr/|bin/env python\n", "python"),
        ("# Copyright 2020 |Somebody and others\n", "python"),
        ("# x |= f(1);\n", "python"),
        ("total = |1\n", "python"),
        ("def f():\n    return |1\n", "python"),
        ("|", "python"),
    ],
)
def test_what_does_not_ask_is_left_alone(text: str, language: str) -> None:
    document, position = at(text, language)
    assert generation_intent_at(document, Span(position, position)) is None


def test_a_selection_asks_with_its_own_comments() -> None:
    document = Document.from_text(
        "file:///a.py", 1, "python", "def f(a):\n    # sort it\n    x = a\n    y = 1\n"
    )
    request = generation_intent_at(document, Span(Position(1, 0), Position(3, 0)))
    assert request is not None
    assert request.kind == "selection"
    assert request.instruction == "sort it"
    assert document.slice(request.span) == "# sort it\n    x = a"
    assert request.indent == "    "


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("def fo|o():\n", "python", "none"),
        ("x = |foo\n", "python", "none"),
        ("x = foo|\n", "python", "line"),
        ("x = foo(|)\n", "python", "line"),
        ("def f(a):|\n", "python", "block"),
        ("def f(a):\n    |\n", "python", "block"),
        ("def f(a):\n    pass\n    |\n", "python", "block"),
        ("def f(a):\n|\n", "python", "line"),
        ("def f(a):\n    x = 1\n    |\n", "python", "block"),
        ("def f(a):\n    x = 1\n|\n", "python", "block"),
        ("def f(a):\n    x = 1\n|\ny = f(2)\n", "python", "line"),
        ("def f(a):\n    x = 1\n\n|\n", "python", "line"),
        ("for a in b:\n    x = 1\n|\n", "python", "line"),
        ("class C:\n    x = 1\n|\n", "python", "line"),
        ("def f(a):\n    x = 1\n|\n    return x\n", "python", "block"),
        ("def f(a):\n    for b in a:\n        x = b\n    |\n    return x\n", "python", "block"),
        ("def f(a):\n    x = [\n        1,\n        |\n    ]\n", "python", "line"),
        ("def f(a):\n    x = 1 + \\\n        |\n", "python", "line"),
        ("def f(a):\n    x = 1\n    y = |\n    return x\n", "python", "line"),
        ('def f(a):\n    """Says.\n\n    |\n    """\n', "python", "line"),
        ("class C:\n    x = 1\n    |\n", "python", "line"),
        ("x = 1\n|\ny = 2\n", "python", "line"),
        ("function f() {\n  a();\n  |\n  b();\n}", "javascript", "block"),
        ("function f() {\n  a();\n|\n  b();\n}", "javascript", "block"),
        ("a();\n  |\n", "javascript", "line"),
        ("def f(a):\n    x = 1\n    # now sort\n    |\n", "python", "block"),
        ("# a function that sorts\n|\n", "python", "block"),
        ("x = 'note:|\n", "python", "line"),
        ("x = 1  # note:|\n", "python", "line"),
        ("function f() {|", "javascript", "block"),
        ("function f() {|}", "javascript", "block"),
        ("run(() => {|});", "javascript", "block"),
        ("const p = {|};", "javascript", "block"),
        ("import {|}", "javascript", "line"),
        ("const s = `${|}`", "javascript", "line"),
        ("const {|} = p;", "javascript", "line"),
        ("<p a={|}>", "javascriptreact", "line"),
        ("function f() {\n  |\n}", "javascript", "block"),
        ("const f = () =>|", "javascript", "block"),
        ("list.each do|", "ruby", "block"),
        ("if a then|", "lua", "block"),
        ("|", "python", "line"),
        ("a |b", "cobol", "none"),
        ("a|", "cobol", "line"),
    ],
)
def test_the_shape_follows_the_syntax_at_the_cursor(
    text: str, language: str, expected: str
) -> None:
    assert completion_mode_at(*at(text, language)) == expected


def test_indentation_and_line_ends_are_told_from_the_text() -> None:
    assert indent_unit(["a:\n", "  b\n", "    c\n"], "python") == "  "
    assert indent_unit(["a {\n", "\tb\n"], "c") == "\t"
    assert indent_unit(["/**\n", " * a\n"], "java") == "    "
    assert indent_unit([], "go") == "\t"
    assert newline_of("a\r\nb\n") == "\r\n"
    assert newline_of("a\rb") == "\r"
    assert newline_of("a") == "\n"
