"""Type-through: when a former answer serves the cursor as it is now."""

from __future__ import annotations

import pytest

from ensemble_lsp.completion.cache import CachedAnswer, TypeThroughCache
from ensemble_lsp.types import Document, Position, Span

URI = "file:///a.py"


def doc(text: str, version: int = 1) -> tuple[Document, Position]:
    """A document with its cursor at the bar."""
    before, bar, after = text.partition("|")
    assert bar
    document = Document.from_text(URI, version, "python", before + after)
    lines = before.split("\n")
    return document, Position(len(lines) - 1, len(lines[-1]))


def texts(cache: TypeThroughCache, text: str) -> list[str]:
    return [answer.text for answer in cache.get(*doc(text))]


def cache_with(text: str, *answers: str) -> TypeThroughCache:
    cache = TypeThroughCache()
    document, position = doc(text)
    for number, answer in enumerate(answers):
        cache.put(document, position, CachedAnswer(answer, f"m{number}", (f"m{number}",)))
    return cache


@pytest.mark.parametrize(
    ("now", "rest"),
    [
        ("x = 1\nfo|\ny = 2\n", ["o(bar)"]),  # where it was asked for
        ("x = 1\nfoo(|\ny = 2\n", ["bar)"]),  # typed along
        ("x = 1\nfoo|\ny = 2\n", ["(bar)"]),  # and back within it
        ("x = 1\nfoo(bar)|\ny = 2\n", []),  # nothing is left
        ("x = 1\nfox|\ny = 2\n", []),  # typed something else
        ("x = 1\nf|\ny = 2\n", []),  # back before it
        ("x = 2\nfoo|\ny = 2\n", []),  # the text before changed
        ("x = 1\nfoo|\ny = 3\n", []),  # the text after changed
        ("x = 1\nfoo(|)\ny = 2\n", ["bar)"]),  # the editor closed the bracket by itself
        ("x = 1\nfoo| or z\ny = 2\n", []),  # something else stands after the cursor
    ],
)
def test_an_answer_serves_while_it_is_typed(now: str, rest: list[str]) -> None:
    assert texts(cache_with("x = 1\nfo|\ny = 2\n", "o(bar)"), now) == rest


@pytest.mark.parametrize(
    ("now", "rest"),
    [
        ("if (!|)\n", ["sf) return x;"]),
        ("if (!sf|)\n", [") return x;"]),
        ("if (!sf)|\n", [" return x;"]),  # typed over the bracket
        ("if (!sf) ret|\n", ["urn x;"]),
        ("if (!sf|\n", []),  # the bracket was deleted
        ("if ()|\n", []),  # the cursor moved behind it
    ],
)
def test_an_answer_serves_while_brackets_are_typed_over(now: str, rest: list[str]) -> None:
    assert texts(cache_with("if (|)\n", "!sf) return x;"), now) == rest


def test_a_block_serves_over_its_line_ends() -> None:
    cache = cache_with("def f():\n    |\n", "a = 1\n    b = 2\n    return a")
    assert texts(cache, "def f():\n    a = 1\n    |\n") == ["b = 2\n    return a"]


def test_a_block_serves_in_a_file_with_carriage_returns() -> None:
    cache = cache_with("def f():\r\n    |\r\n", "a = 1\n    b = 2")
    assert texts(cache, "def f():\r\n    a = 1\r\n    |\r\n") == ["b = 2"]


def test_every_model_keeps_its_own_answer_and_a_newer_one_replaces_it() -> None:
    cache = cache_with("fo|", "o", "obar")
    assert texts(cache, "fo|") == ["o", "obar"]
    cache.put(*doc("fo|"), CachedAnswer("od", "m0", ("m0",)))
    assert sorted(texts(cache, "fo|")) == ["obar", "od"]


def test_another_document_is_another_place() -> None:
    cache = cache_with("fo|", "o")
    other = Document.from_text("file:///b.py", 1, "python", "fo")
    assert cache.get(other, Position(0, 2)) == []


def test_it_is_bounded() -> None:
    cache = TypeThroughCache(documents=2, entries=3)
    for number in range(5):
        document = Document.from_text(f"file:///{number}", 1, "python", "ab\n" * 9)
        for line in range(9):
            cache.put(document, Position(line, 2), CachedAnswer("c", "m", ("m",)))
    assert len(cache) == 6
    assert list(cache) == ["file:///3", "file:///4"]


def test_edits_far_away_do_not_matter() -> None:
    lines = [f"line {n}\n" for n in range(200)]
    document = Document.from_text(URI, 1, "python", "".join(lines))
    cache = TypeThroughCache()
    cache.put(document, Position(100, 8), CachedAnswer("!", "m", ("m",)))
    changed = document.replace(Span(Position(3, 0), Position(3, 0)), "x", 2)
    assert [a.text for a in cache.get(changed, Position(100, 8))] == ["!"]


def test_it_is_the_text_that_tells_a_place_not_its_line() -> None:
    lines = [f"line {n}\n" for n in range(200)]
    document = Document.from_text(URI, 1, "python", "".join(lines))
    cache = TypeThroughCache()
    cache.put(document, Position(100, 8), CachedAnswer("!", "m", ("m",)))
    moved = document.replace(Span(Position(3, 0), Position(3, 0)), "import x\n", 2)
    assert [a.text for a in cache.get(moved, Position(101, 8))] == ["!"]
    assert cache.get(moved, Position(100, 8)) == []


def test_a_change_of_any_line_near_the_place_makes_it_another_one() -> None:
    lines = [f"line {n}\n" for n in range(200)]
    document = Document.from_text(URI, 1, "python", "".join(lines))
    cache = TypeThroughCache()
    cache.put(document, Position(100, 8), CachedAnswer("!", "m", ("m",)))
    for near in (*range(60, 100), *range(101, 121)):
        changed = document.replace(Span(Position(near, 0), Position(near, 1)), "x", 2)
        assert cache.get(changed, Position(100, 8)) == [], near
