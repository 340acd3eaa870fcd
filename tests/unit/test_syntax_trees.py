"""Trees: every grammar loads, broken code parses, and kept trees equal fresh ones."""

from __future__ import annotations

import random

import pytest

from ensemble_lsp.languages import LANGUAGES
from ensemble_lsp.syntax.trees import (
    Trees,
    grammar_of,
    has_error,
    parser_for,
    region_lines,
    syntax_at,
)
from ensemble_lsp.types import Document, Position, Span


@pytest.mark.parametrize("language", [one.id for one in LANGUAGES.values() if one.grammar])
def test_every_listed_language_has_a_grammar(language: str) -> None:
    assert grammar_of(language) is not None
    assert parser_for(language) is not None


def test_an_unknown_language_is_none_everywhere() -> None:
    document = Document.from_text("file:///a.cob", 1, "cobol", "MOVE A TO B")
    assert parser_for("cobol") is None
    assert has_error("MOVE A TO B", "cobol") is None
    assert syntax_at(document) is None


@pytest.mark.parametrize(
    ("language", "good", "bad"),
    [
        ("python", "def f():\n    return 1\n", "def f(:\n    return )\n"),
        ("javascript", "const f = (a) => a + 1;\n", "const f = (a => {;\n"),
        ("typescriptreact", "const a = <b c={1}/>;\n", "const a = <b c={1/>;\n"),
        ("php", "function f() { return 1; }\n", "function f( { return 1; \n"),
        ("php", "<?php function f() { return 1; }\n", "<?php function f( { return 1; \n"),
        ("rust", "fn f() -> i32 { 1 }\n", "fn f( -> { 1 \n"),
        ("shellscript", "if true; then echo a; fi\n", "if true; then echo a; }\n"),
    ],
)
def test_has_error_tells_broken_code(language: str, good: str, bad: str) -> None:
    assert has_error(good, language) is False
    assert has_error(bad, language) is True


def test_has_error_takes_a_lone_surrogate() -> None:
    assert has_error("a = '\ud800'\n", "python") in (True, False)


def test_positions_survive_characters_of_several_bytes() -> None:
    document = Document.from_text("file:///a.py", 1, "python", "é = '😀'; naïve = call(1)\n")
    syntax = syntax_at(document)
    assert syntax is not None
    node = syntax.node_at(Position(0, 9))
    assert node is not None
    assert syntax.text(node) == "naïve"
    assert syntax.span(node) == Span(Position(0, 9), Position(0, 14))


def test_a_kept_tree_equals_a_fresh_one_after_random_edits() -> None:
    rng = random.Random(7)
    pieces = [
        "\n",
        "    ",
        "def g(x):\n    return x\n",
        "é",
        "(",
        ")",
        "x = 1\n",
        "'''",
        "😀",
        "\r\n",
    ]
    document = Document.from_text("file:///a.py", 1, "python", "def f():\n    return 1\n" * 5)
    trees = Trees()
    for _ in range(150):
        line = rng.randrange(len(document.lines))
        start = document.clamp(Position(line, rng.randrange(8)))
        end = document.clamp(Position(line + rng.randrange(2), rng.randrange(8)))
        end = max(start, end)
        document = document.replace(Span(start, end), rng.choice(pieces), document.version + 1)
        kept, fresh = trees.at(document, start), syntax_at(document, start)
        assert kept is not None
        assert fresh is not None
        assert str(kept.root) == str(fresh.root)


def test_of_a_large_document_only_a_stretch_is_parsed() -> None:
    text = "def f(a):\n    b = a\n    return b\n\n" * 5000
    document = Document.from_text("file:///a.py", 1, "python", text)
    first, lines = region_lines(document, Position(10_002, 4))
    assert len(lines) < 500
    assert first < 10_002 < first + len(lines)
    assert lines[0].startswith("def")
    syntax = syntax_at(document, Position(10_002, 4))
    assert syntax is not None
    assert not syntax.root.has_error
    node = syntax.node_at(Position(10_002, 5))
    assert node is not None
    assert syntax.span(node).start.line == 10_002


def test_the_stretch_stays_while_lines_are_typed() -> None:
    document = Document.from_text("file:///a.py", 1, "python", "a = 1\n" * 5000)
    starts = {region_lines(document, Position(line, 0))[0] for line in range(3000, 3049)}
    assert len(starts) == 1


def test_kept_trees_are_bounded_and_forgotten() -> None:
    trees = Trees(size=2)
    for name in "abc":
        trees.at(Document.from_text(f"file:///{name}.py", 1, "python", "a = 1\n"), Position(0, 0))
    assert len(trees._kept) == 2
    trees.forget("file:///c.py")
    assert len(trees._kept) == 1


def test_minified_text_is_left_alone() -> None:
    document = Document.from_text("file:///a.js", 1, "javascript", "a=1;" * 3000)
    assert syntax_at(document) is None
