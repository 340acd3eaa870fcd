from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.selection.complexity_cache import ComplexityCache
from ensemble_lsp.selection.partitions import FEATURES, PARTITIONS, cells_of, feature_values
from ensemble_lsp.selection.request_context import (
    PLACES,
    RequestContext,
    classify_place,
    request_context,
)
from ensemble_lsp.types import Document, Position


def at_end(text: str, language: str = "python", path: str = "/w/a.py") -> str:
    document = Document.from_text(f"file://{path}", 1, language, text)
    return classify_place(document, document.end)


@pytest.mark.parametrize(
    ("text", "language", "place"),
    [
        ("x = foo(", "python", "call"),
        ("x = foo(\n    a,\n    ", "python", "call"),
        ("return foo(", "python", "call"),
        ("    return ", "python", "return"),
        ("x = 1  # adds ", "python", "comment"),
        ("let x = 1 // adds ", "javascript", "comment"),
        (" * adds ", "java", "comment"),
        ("url = 'http://", "python", "string"),
        ("import os, ", "python", "import"),
        ("from os import (", "python", "import"),
        ("#include <", "c", "import"),
        ("def parse(", "python", "definition"),
        ("export async function load(", "typescript", "definition"),
        ("-- adds ", "lua", "comment"),
        ("x = (1 + ", "python", "other"),
        ("x = ", "python", "other"),
        ("", "python", "other"),
    ],
)
def test_the_kind_of_place_is_told_from_the_text_before_it(
    text: str, language: str, place: str
) -> None:
    assert at_end(text, language) == place


def test_a_test_file_is_a_place_of_its_own() -> None:
    assert at_end("x = ", path="/w/tests/test_a.py") == "test"
    assert at_end("x = ", path="/w/latest.py") == "other"


async def test_a_situation_tells_of_the_request_and_the_code_round_it() -> None:
    text = "def f(a):\n    for b in a:\n        if b:\n            return go(b, "
    document = Document.from_text("file:///w/a.py", 1, "python", text + ")\n")
    cache = ComplexityCache()
    await cache.update(document)
    made = request_context(
        "generate",
        document,
        Position(3, 25),
        complexity=cache,
        multiline=True,
        trigger="invoked",
        instruction="read the file",
    )
    assert made == RequestContext(
        "generate",
        "python",
        complexity=3,
        nesting=2,
        function_lines=4,
        file_lines=5,
        prefix_chars=65,
        multiline=True,
        place="call",
        trigger="invoked",
        instruction_words=3,
    )


contexts = st.builds(
    RequestContext,
    st.sampled_from(("complete", "explain", "generate")),
    st.text(max_size=12),
    complexity=st.integers(0, 10**6),
    nesting=st.integers(0, 50),
    function_lines=st.integers(0, 10**6),
    file_lines=st.integers(0, 10**6),
    prefix_chars=st.integers(0, 10**7),
    multiline=st.booleans(),
    place=st.sampled_from(PLACES),
    trigger=st.sampled_from(("invoked", "automatic")),
    instruction_words=st.integers(0, 10**5),
)


@given(contexts)
def test_any_context_comes_back_from_json_and_has_a_cell_in_every_partition(
    made: RequestContext,
) -> None:
    assert RequestContext.from_json(json.loads(json.dumps(made.to_json()))) == made
    assert len(feature_values(made)) == len(FEATURES)
    assert len(cells_of(feature_values(made))) == len(PARTITIONS)


def test_damaged_json_falls_back_to_defaults_and_needs_a_task() -> None:
    raw = {"task": "explain", "complexity": "high", "multiline": 3, "new": 1, "nesting": 2}
    assert RequestContext.from_json(raw) == RequestContext("explain", nesting=2)
    with pytest.raises(ValueError, match="task"):
        RequestContext.from_json({"task": "sing"})
