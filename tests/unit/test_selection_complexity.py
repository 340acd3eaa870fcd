from __future__ import annotations

import asyncio
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.selection import complexity, complexity_cache
from ensemble_lsp.selection.complexity import MAX_LINES, Complexity, measure
from ensemble_lsp.selection.complexity_cache import READY_LINES, ComplexityCache
from ensemble_lsp.types import Document

BRANCHY = """import os


def simple():
    return 1


class Box:
    def branchy(self, a):
        for x in a:
            if x:
                while x > 3:
                    x -= 1
        return a
"""


def python(text: str, version: int = 1) -> Document:
    return Document.from_text("file:///w/a.py", version, "python", text)


def test_python_that_parses_is_measured_by_enclosing_function() -> None:
    known = measure(python(BRANCHY))
    inside = known.at(11)
    assert (inside.cyclomatic, inside.nesting, inside.lines) == (4, 3, 6)
    assert inside.source == "radon"
    assert known.at(4).cyclomatic == 1
    assert known.at(0).cyclomatic == known.whole().cyclomatic == 4
    assert known.at(0).file_lines == 15


def test_a_closure_is_measured_on_its_own() -> None:
    text = (
        "def outer():\n    def inner(a):\n        if a:\n            return 1\n    return inner\n"
    )
    known = measure(python(text))
    assert known.at(2).cyclomatic == 2
    assert known.at(2).lines == 3
    assert known.at(4).lines == 5


def test_a_decorator_belongs_to_its_function() -> None:
    text = "def a():\n    pass\n@cache\n@other(\n    1,\n)\ndef b(x):\n    return x if x else 0\n"
    known = measure(python(text))
    assert known.at(7).cyclomatic == 2
    assert known.source == "radon"


def test_a_function_in_mid_edit_keeps_its_last_good_value_and_the_others_stay_measured() -> None:
    before = measure(python(BRANCHY))
    edited = BRANCHY.replace("            if x:\n", "            if x and (:\n\n").replace(
        "return 1", "return 1 if os else 2"
    )
    after = measure(python(edited, 2), before)
    here = after.at(11)
    assert (here.cyclomatic, here.nesting, here.source) == (4, 3, "last good")
    assert here.lines == 7, "the function has grown by a line"
    assert after.at(4).cyclomatic == 2
    assert after.at(4).source == "radon"


def test_python_that_never_parsed_is_measured_by_lizard() -> None:
    known = measure(python("def f(a):\n    if a:\n        return 1\n    x = = 2\n"))
    assert known.at(1).cyclomatic == 2
    assert known.at(1).source == "lizard"


def test_other_languages_are_measured_by_lizard() -> None:
    text = (
        "function f(a) {\n  if (a) {\n    for (const b of a) {\n      go(b);\n    }\n  }\n}\n\n"
        "function g() {\n  return 1;\n}\n"
    )
    known = measure(Document.from_text("file:///w/a.js", 1, "javascript", text))
    assert known.at(3).cyclomatic == 3
    assert known.at(3).nesting == 2
    assert known.at(9).cyclomatic == 1
    assert known.at(3).source == "lizard"


def test_a_language_nobody_measures_has_no_source() -> None:
    known = measure(Document.from_text("file:///w/a.txt", 1, "plaintext", "so\nit is\n"))
    assert known.at(0) == Complexity(file_lines=3)


def test_a_file_that_is_too_long_is_not_measured() -> None:
    text = "def f():\n    return 1\n" * (MAX_LINES // 2 + 1)
    assert measure(python(text)).source == "none"


def test_minified_code_is_not_measured() -> None:
    text = "function f(){" + "a=1;" * 2000 + "}"
    assert measure(Document.from_text("file:///a.js", 1, "javascript", text)).functions == ()


def test_a_null_byte_or_deep_nesting_does_no_harm() -> None:
    assert measure(python("def f():\n    \0\n")).source != "radon"
    measure(python("def f():\n    return " + "(" * 900 + ")" * 900 + "\n"))


def test_an_edit_measures_only_its_own_block_again() -> None:
    text = Path(asyncio.__file__).read_text("utf-8") + BRANCHY
    before = measure(python(text))
    after = measure(python(text.replace("return 1\n", "return 2\n"), 2), before)
    kept = {id(b) for b in before.blocks} & {id(b) for b in after.blocks}
    assert len(kept) == len(before.blocks) - 1


async def test_the_cache_answers_at_once_and_learns_in_the_background() -> None:
    cache = ComplexityCache(debounce_ms=1)
    assert cache.peek("file:///w/a.py", 11) == Complexity()
    cache.schedule(python(BRANCHY))
    cache.schedule(python(BRANCHY, 2))
    await cache.idle()
    assert cache.peek("file:///w/a.py", 11).cyclomatic == 4
    assert cache.peek("file:///w/a.py", 0).cyclomatic == 4


async def test_a_version_that_comes_while_another_is_measured_is_measured_too() -> None:
    cache = ComplexityCache(debounce_ms=0)
    cache.schedule(python("def f():\n    return 1\n"))
    await asyncio.sleep(0)
    cache.schedule(python("def f(a):\n    return 1 if a else 2\n", 2))
    await cache.idle()
    assert cache.peek("file:///w/a.py", 1).cyclomatic == 2


async def test_documents_are_measured_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most = 0, 0

    def counted(*arguments: Any) -> complexity.FileComplexity:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        time.sleep(0.02)
        under_way -= 1
        return complexity.FileComplexity(arguments[0].version, 1)

    monkeypatch.setattr(complexity_cache, "measure", counted)
    cache = ComplexityCache(debounce_ms=0)
    for number in range(6):
        cache.schedule(Document.from_text(f"file:///{number}.py", 1, "python", "a = 1\n"))
    await cache.idle()
    assert most == 1
    assert all(cache.peek(f"file:///{number}.py", 0).file_lines for number in range(6))
    await cache.close()


async def test_what_is_being_measured_does_not_keep_the_server_from_leaving() -> None:
    others = set(threading.enumerate())  # of other tests
    cache = ComplexityCache(debounce_ms=0)
    blocks = "".join(f"def f_{n}(a):\n    return a\n\n\n" for n in range(4000))
    cache.schedule(python(blocks))
    while not cache._one_at_a_time.locked():
        await asyncio.sleep(0.001)
    now = set(threading.enumerate()) - others
    begun = [each for each in now if each.name.startswith("asyncio")]
    await cache.close()
    # 4,000 blocks and breaths would be twelve seconds.
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 5)
    assert begun and not any(each.is_alive() for each in begun)


async def test_a_closed_document_is_forgotten() -> None:
    cache = ComplexityCache(debounce_ms=1)
    await cache.update(python(BRANCHY))
    cache.schedule(python(BRANCHY, 2))
    cache.forget("file:///w/a.py")
    await cache.idle()
    assert cache.peek("file:///w/a.py", 11) == Complexity()


async def test_only_so_many_documents_are_kept() -> None:
    cache = ComplexityCache(documents=2)
    for n in range(3):
        await cache.update(Document.from_text(f"file:///w/{n}.py", 1, "python", BRANCHY))
    assert cache.peek("file:///w/0.py", 11) == Complexity()
    assert cache.peek("file:///w/2.py", 11).cyclomatic == 4


async def test_closing_stops_what_is_scheduled() -> None:
    cache = ComplexityCache(debounce_ms=60_000)
    cache.schedule(python(BRANCHY))
    await asyncio.sleep(0)
    await cache.close()
    await cache.idle()
    assert cache.peek("file:///w/a.py", 11) == Complexity()


def test_the_innermost_function_is_found_at_every_line() -> None:
    rng = random.Random(5)
    for _ in range(200):
        spans = sorted({(rng.randrange(30), rng.randrange(1, 12)) for _ in range(8)})
        functions = tuple(
            complexity.MeasuredFunction(start, start + length, number + 2, number)
            for number, (start, length) in enumerate(spans)
        )
        known = complexity.FileComplexity(1, 50, functions)
        for line in range(45):
            around = [f for f in functions if f.start <= line <= f.end]
            inner = max(around, key=lambda f: (f.start, -f.end), default=None)
            expected = known.whole().cyclomatic if inner is None else inner.cyclomatic
            assert known.at(line).cyclomatic == expected


async def test_a_small_file_is_measured_before_the_first_choice_though_others_wait() -> None:
    cache = ComplexityCache()
    busy = Document.from_text(
        "file:///w/busy.py", 1, "python", "def f(a):\n    return a\n\n\n" * 2000
    )
    cache.opened(busy)
    await asyncio.sleep(0)
    document = python(BRANCHY)
    cache.opened(document)
    for _ in range(20):  # a first import may take longer than one wait
        await cache.ready(document)
    assert cache.peek(document.uri, 11).cyclomatic == 4
    assert cache.peek(busy.uri, 0) == Complexity(), "not measured yet"
    await cache.close()


async def test_a_long_file_is_not_waited_for_and_is_measured_without_debounce() -> None:
    cache = ComplexityCache(debounce_ms=60_000)
    document = python(BRANCHY + "\n" * READY_LINES)
    await cache.ready(document)
    assert cache.peek(document.uri, 11) == Complexity()
    cache.opened(document)
    await asyncio.wait_for(cache.idle(), 20)
    assert cache.peek(document.uri, 11).cyclomatic == 4


async def test_a_slow_measurement_does_not_hold_up_the_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()

    def slow(*arguments: Any) -> complexity.FileComplexity:
        release.wait(10)
        return complexity.FileComplexity(arguments[0].version, 7)

    monkeypatch.setattr(complexity_cache, "measure", slow)
    monkeypatch.setattr(complexity_cache, "READY_SECONDS", 0.01)
    cache = ComplexityCache()
    document = python(BRANCHY)
    await asyncio.wait_for(cache.ready(document), 5)
    assert cache.peek(document.uri, 0).file_lines == 0
    release.set()
    while not cache.peek(document.uri, 0).file_lines:
        await asyncio.sleep(0.001)
    await cache.close()
