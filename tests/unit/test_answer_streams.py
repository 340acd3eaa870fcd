"""Answers while they arrive, characters in pieces, and lines far too long."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from ensemble_lsp.app.activity import Activity
from ensemble_lsp.completion.request import CompletionRequest, start_run
from ensemble_lsp.context.completion_mode import completion_mode_at
from ensemble_lsp.context.context_window import context_window
from ensemble_lsp.postprocess.completion_text import is_long_enough
from ensemble_lsp.settings import Settings
from ensemble_lsp.syntax.trees import Trees
from ensemble_lsp.types import Document, Position, advance

if TYPE_CHECKING:
    from ensemble_lsp.app import AppContext
from tests.support.answers import completed

F = "```"


STREAMS = [
    ("python", "a = |\n", "b", False),
    ("python", "a = |\n", "b\n", True),
    ("python", "a = |\n", "\n\nb", False),
    ("python", "a = |\n", "<think>\nb\nc\n", False),
    ("python", "a = |\n", "<think>\nb\n</think>\n\n", False),
    ("python", "a = |\n", "<think>\nb\n</think>\n\nc\n", True),
    ("python", "a = |\n", "Sure! Here's the code:\n\n", False),
    ("python", "a = |\n", f"Sure! Here's the code:\n\n{F}python\n", False),
    ("python", "a = |\n", f"Sure! Here's the code:\n\n{F}python\nb", False),
    ("python", "a = |\n", f"Sure! Here's the code:\n\n{F}python\nb\n", True),
    ("python", "a = |\n", "<answer>\n", False),
    ("python", "a = |\n", "<answer>\nb\n", True),
    ("python", "a = |\n", f"<answer>\n{F}\nb\n", True),
    ("python", "# |\n", "Here is the code:\n", True),
    ("markdown", "|\n", "Here is the code:\n", True),
    ("go", "a := |\n", "<|channel|>analysis<|message|>a\nb\n", False),
    ("python", "a = |\n", "x" * 3000, True),
    ("python", "a = |\n", "[THINK]a\nb\n[/THINK]\nc\n", True),
]


@pytest.mark.parametrize(("language", "place", "text", "enough"), STREAMS)
def test_a_stream_ends_by_the_lines_that_are_kept(
    language: str, place: str, text: str, enough: bool
) -> None:
    prefix, suffix = place.split("|", 1)
    found = is_long_enough(text, multiline=False, prefix=prefix, suffix=suffix, language=language)
    assert found is enough


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('"\ud83d\ude80"', '"🚀"'),
        ("'\ud83d\udd25\ud83d\udca7'", "'🔥💧'"),
        ('"a\ud83d"', '"a"'),
        ('"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"',
         '"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"'),
        ('"👩\u200d💻 é ü 漢字"', '"👩\u200d💻 é ü 漢字"'),
        ('"\u2764\ufe0f"', '"\u2764\ufe0f"'),
    ],
)  # fmt: skip
def test_characters_arrive_whole(answer: str, expected: str) -> None:
    assert completed("python", "a = |\n", answer) == expected


def test_a_line_far_too_long_is_not_offered() -> None:
    assert completed("python", "a = |\n", "[" + "1, " * 4000) == ""
    assert completed("python", "|\n", "a = 1\nb = [" + "1, " * 4000) == "a = 1"
    assert completed("python", "a = |\n", "b'" + "\\x00" * 250_000) == ""


@pytest.mark.parametrize(
    ("language", "unit"),
    [
        ("javascript", "function f(a){return a+1}"),
        ("css", ".a{color:red}"),
        ("json", '{"a":"iVBORw0KGgo"},'),
        ("plaintext", "QUJD"),
        ("html", "<p class='a'>it's é</p>"),
    ],
)
@pytest.mark.parametrize("place", ["end", "middle", "above", "below", "opened"])
def test_a_line_of_a_megabyte_costs_little(language: str, unit: str, place: str) -> None:
    long = unit * (1_000_000 // len(unit))
    before, after = {
        "end": (long, ""),
        "middle": (long[:500_000] + " ", " " + long[500_000:]),
        "above": (f"a\n{long}\n    x = ", "\n"),
        "below": ("a\n    x = ", f"\n{long}\n"),
        "opened": (long + " {", "\n"),
    }[place]
    document = Document.from_text("file:///a", 1, language, before + after)
    position = advance(Position(0, 0), before)
    app = SimpleNamespace(
        settings=Settings(),
        workspace=SimpleNamespace(context=SimpleNamespace(trees=Trees())),
        activity=Activity(),
        completes=lambda _document: True,
    )
    completion_mode_at(document, position)  # loads the grammar
    start = time.thread_time()
    run = start_run(cast("AppContext", app), CompletionRequest(document, position, "automatic"))
    assert run is not None
    context_window(document, position, 1_100, 360)
    run.enough("Here is the code:\n\nf(1)\n")
    run.clean("Here is the code:\n\nf(1)\n\nThis calls f.")
    assert time.thread_time() - start < 0.15
