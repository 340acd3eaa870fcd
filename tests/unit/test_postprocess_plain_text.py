"""Explanations for editors that show Markdown's signs as they are."""

from __future__ import annotations

import time

import pytest

from ensemble_lsp.postprocess.plain_text import plain_text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("Calls `area` **twice**, *not* once.", "Calls area twice, not once."),
        ("## Title ##\ntext", "Title\ntext"),
        ("```python\nx = '**' # `a`\n# no title\n```", "x = '**' # `a`\n# no title"),
        ("````\n```\ncode\n````\nend", "```\ncode\nend"),
        ("See [the docs](https://x.y).", "See the docs (https://x.y)."),
        ("[https://x.y](https://x.y)", "https://x.y"),
        (r"\*args and \`x\` in a\_b", "*args and `x` in a_b"),
        ("&lt;b> & `&lt;`", "<b> & &lt;"),
        ("text\n\n---\n*gpt · ensemble-lsp*", "text\n\ngpt · ensemble-lsp"),
        ("a * b * c, 2**3**4, __init__, snake_case_name", None),
        ("- one\n* two\n  1. three\n> quoted", None),
        ("an `open span and **open bold", None),
        ("", None),
    ],
)
def test_the_text_of_markdown(markdown: str, text: str | None) -> None:
    assert plain_text(markdown) == (markdown if text is None else text)


@pytest.mark.parametrize("unit", ["**a ", "*a", "``a ", "`a``", "[a](", "\\", "**a**"])
def test_a_hostile_text_takes_no_time(unit: str) -> None:
    start = time.perf_counter()
    plain_text(unit * 15_000)
    assert time.perf_counter() - start < 3
