"""Post-processing of generated code, rule by rule."""

from __future__ import annotations

import pytest

from ensemble_lsp.postprocess import clean_code

F = "```"


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        (f"{F}python\nx = 1\ny = 2\n{F}\nDone.", {}, "x = 1\ny = 2"),
        (
            "x = 1\nif x:\n    y()",
            {"indent": "    ", "prefix": "def f():\n    "},
            "x = 1\n    if x:\n        y()",
        ),
        ("    x = 1\n    y = 2", {"indent": "  ", "prefix": "if a:\n"}, "  x = 1\n  y = 2"),
        # The first line lacks the place's indentation, the others have it.
        (
            "def half(self):\n        return 1\n\n    def third(self):\n        return 2",
            {"indent": "    ", "prefix": "class A:\n    ", "unit": "    "},
            "def half(self):\n        return 1\n\n    def third(self):\n        return 2",
        ),
        (
            "/**\n   * Halves.\n   */\n  half() {\n    return 1;\n  }",
            {"indent": "  ", "prefix": "class A {\n  // function\n  ", "unit": "  "},
            "/**\n   * Halves.\n   */\n  half() {\n    return 1;\n  }",
        ),
        (
            "def f(a):\n    return a + 1",
            {"indent": "    ", "prefix": "class A:\n    ", "unit": "    "},
            "def f(a):\n        return a + 1",
        ),
        (
            "x = f(\n    a,\n    b,\n    )",
            {"indent": "    ", "prefix": "if a:\n    ", "unit": "    "},
            "x = f(\n        a,\n        b,\n        )",
        ),
        (
            "def f(a):\n    return a + 1",
            {"indent": "    ", "prefix": "def f(a):\n    "},
            "return a + 1",
        ),
        (
            'def f(a):\n    """Add."""\n    b = a\n\n    return b\n\n\nprint(f(1))',
            {"indent": "    ", "prefix": 'def f(a):\n    """Add."""'},
            "\n    b = a\n\n    return b",
        ),
        (
            "from math import pi\n\n@cached\ndef f(\n    a,\n) -> float:\n    return a * pi",
            {"indent": "    ", "prefix": "@cached\ndef f(a) -> float:\n    "},
            "from math import pi\n    return a * pi",
        ),
        (
            "# sort the names\nnames.sort()",
            {"prefix": "# sort the names", "instruction": "sort the names"},
            "\nnames.sort()",
        ),
        (
            "return a;",
            {"prefix": "function f(a) {", "indent": "  ", "suffix": "}\n"},
            "\n  return a;\n",
        ),
        (
            "function f(a) {\n  return a;\n}",
            {"prefix": "function f(a) {", "indent": "  ", "suffix": "\n}\n"},
            "\n  return a;",
        ),
        ("a + b", {"prefix": "x = "}, "a + b"),
        ("x = 1\ny = 2", {"prefix": "# go\r\n"}, "x = 1\r\ny = 2"),
        ("I'm sorry, but I can't.", {}, ""),
        ("", {}, ""),
        ("x = 1  \n", {}, "x = 1"),
        ("def other(a):\n    return a", {"prefix": "import os\n"}, "def other(a):\n    return a"),
    ],
)
def test_generated_code_fits_its_place(text: str, more: dict[str, str], expected: str) -> None:
    language = "javascript" if "function" in more.get("prefix", "") else "python"
    assert clean_code(text, language=language, **more) == expected
