"""Shapes of answers from public bug reports: where the cursor (``|``) is, what a model wrote, what comes."""

from __future__ import annotations

import pytest

from ensemble_lsp.postprocess import clean_code, clean_completion, clean_prose
from ensemble_lsp.postprocess.completion_text import is_long_enough


def offered(place: str, text: str, language: str, *, multiline: bool) -> str:
    prefix, suffix = place.split("|", 1)
    return clean_completion(
        text, prefix=prefix, suffix=suffix, language=language, multiline=multiline
    )


@pytest.mark.parametrize(
    ("place", "text", "language", "expected"),
    [
        ("## |\n", "## Installation", "markdown", "Installation"),
        ("- [ ] |\n", "- [ ] Test", "markdown", "Test"),
        ("* |\n", "* Install", "restructuredtext", "Install"),
        ("n = |\n", "<hole>min(xs)</hole>", "python", "min(xs)"),
        ("n = |\n", "<CODE5711>min(xs)</CODE5711>", "python", "min(xs)"),
        ("n = |\n", "min(xs)</fim>\n<...>", "python", "min(xs)"),
        ("n = |\n", "analysisWe need min.assistantfinalmin(xs)", "python", "min(xs)"),
        ("|\n", "analysisResult = f()", "python", "analysisResult = f()"),
        ("# sort the names of users|\n", "\nxs.sort()", "python", "\nxs.sort()"),
        ("    # sort the names of users|\n", "\nxs.sort()", "python", "\n    xs.sort()"),
        ("return|\n", "[1]", "python", " [1]"),
    ],
)
def test_one_line(place: str, text: str, language: str, expected: str) -> None:
    assert offered(place, text, language, multiline=False) == expected


@pytest.mark.parametrize(
    ("place", "text", "language", "expected"),
    [
        (
            "def f(x):\n    |\n    if valid:\n        g(x)\n",
            "if valid:\n        g(x)",
            "python",
            "",
        ),
        (
            "for x in xs:\n    for y in x:\n        |\n",
            "    if y:\n        g(y)",
            "python",
            "if y:\n            g(y)",
        ),
        (
            "    int F()\n    {\n        |\n    }\n",
            "return 1;\n    }\n\n    int G()\n    {\n        return 2;\n    }",
            "csharp",
            "return 1;",
        ),
        ("function f()\n  |\nend\n", "return 1\nend", "lua", "return 1"),
    ],
)
def test_a_block(place: str, text: str, language: str, expected: str) -> None:
    assert offered(place, text, language, multiline=True).rstrip() == expected


def test_a_block_that_a_string_opens_is_read_to_its_end() -> None:
    text = "ndAll', () => {\n  it('x');\n})"
    found = offered("describe('fi|')\n", text, "typescript", multiline=False)
    assert found == text.removesuffix(")")


@pytest.mark.parametrize(
    ("text", "enough"),
    [
        ("min(xs)\n", True),
        ("1.  The user asks for the value.\n", False),
        ("import os\n", False),
        ("**Completion:**\n", False),
    ],
)
def test_what_cleaning_drops_does_not_end_a_request(text: str, enough: bool) -> None:
    prefix = "import os\n\nn = "
    found = is_long_enough(text, multiline=False, prefix=prefix, suffix="\n", language="python")
    assert found is enough


def test_generated_code_does_not_repeat_the_lines_below() -> None:
    code = clean_code(
        "def f():\n    return 1\n\nprint(f())",
        language="python",
        prefix="import os\n\n",
        suffix="\n\nprint(f())\n",
    )
    assert code == "def f():\n    return 1"


def test_a_plain_fence_round_an_explanation_goes_and_one_round_code_stays() -> None:
    assert clean_prose("```\nAdds two numbers.\n```") == "Adds two numbers."
    assert "```" in clean_prose("```\nx = add(1, 2)\n```")
