"""Where a fill-in-the-middle model's block ends."""

from __future__ import annotations

from functools import partial

import pytest

from ensemble_lsp.postprocess import clean_completion
from ensemble_lsp.postprocess.block_end import block_end
from ensemble_lsp.postprocess.completion_text import is_long_enough

PREFIX = "def total(items):\n    result = 0\n"
SUFFIX = "\n    return result * 2\n"


def end(text: str, prefix: str = PREFIX, suffix: str = SUFFIX, language: str = "python") -> str:
    """The text up to its block's end; ``…`` where it does not end."""
    at = block_end(text, prefix, suffix, language)
    return "…" if at is None else text[:at]


@pytest.mark.parametrize(
    ("written", "rest"),
    [
        ("    for item in items:\n        result += item", "\n    return result * 2\n\n"),
        ("    for item in items:\n        result += item", "\n\n    return result * 2\n"),
        ("    result += 1", "\n\n# Test cases\nprint(total([1]))\n"),
        ("    result += 1", "\ndef other():\n    pass\n"),
        ("    result += 1", "\nassert total([1]) == 2\nassert"),
    ],
)
def test_a_block_ends_where_the_text_below_begins_or_its_function_ends(
    written: str, rest: str
) -> None:
    assert end(written + rest).rstrip() == written
    cleaned = clean_completion(
        written + rest, prefix=PREFIX, suffix=SUFFIX, language="python", exact=True
    )
    assert cleaned.strip() == written.strip()


@pytest.mark.parametrize(
    "text",
    [
        "    for item in items:\n",
        "    for item in items:\n        result += item\n",
        "    for item in items:\n        result += item\n    return result * 2",  # may be `* 20`
        "    if not items:\n        return result * 2\n",  # deeper than the line below
        "    return 0\n",
        "\n\n",
    ],
)
def test_a_block_that_may_continue_has_no_end_yet(text: str) -> None:
    assert end(text) == "…"


def test_a_short_line_below_needs_a_second_one() -> None:
    prefix, suffix = "def f(x):\n    if x:\n", "\n    else:\n        y = 2\n    return y\n"
    once = "        y = 1\n    else:\n        y = 3\n"
    twice = "        y = 1\n    else:\n        y = 2\n"
    assert "else" in clean_completion(
        once, prefix=prefix, suffix="\n    x = 1\n    return y\n", language="python", exact=True
    )
    assert end(twice, prefix, suffix) == "        y = 1"


def test_the_same_line_in_a_branch_of_its_own_is_no_end() -> None:
    prefix = "def check(name):\n    parts = name.split('.')\n"
    suffix = "\n        return 'missing'\n    return 'present'\n"
    own = "    if len(parts) != 2:\n        return 'missing'\n    if not parts[0]:"
    assert end(own + "\n", prefix, suffix) == "…"
    cleaned = clean_completion(own, prefix=prefix, suffix=suffix, language="python", exact=True)
    assert cleaned == own
    assert end(f"{own}{suffix}# Test", prefix, suffix) == own


def test_code_in_braces_ends_at_its_brace() -> None:
    prefix, suffix = "function f() {\n  let a = 1;\n", "\n  return compute(a);\n}\n"
    text = "  a += 1;\n  if (a) {\n    a = 2;\n  }\n  return compute(a);\n}\n"
    found = end(text, prefix, suffix, "javascript")
    assert found == "  a += 1;\n  if (a) {\n    a = 2;\n  }"


def test_between_code_on_the_cursors_line_nothing_is_cut() -> None:
    assert end("1,\n    2,\n", "x = [", "]\n2,\n") == "…"


def test_only_a_model_that_continues_exactly_is_stopped_there() -> None:
    text = "    result += 1\n    return result * 2\n"
    is_enough = partial(
        is_long_enough, multiline=True, prefix=PREFIX, suffix=SUFFIX, language="python"
    )
    assert is_enough(text, exact=True)
    assert not is_enough(text)
    assert not is_enough("result += 1\nresult += 2\n")
