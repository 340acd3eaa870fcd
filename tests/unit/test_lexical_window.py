"""The text before a cursor that is read begins in no string and no comment."""

from __future__ import annotations

import pytest

from ensemble_lsp.completion.request import _window_start
from ensemble_lsp.postprocess import clean_completion
from ensemble_lsp.postprocess.brackets import lexical_boundary
from ensemble_lsp.postprocess.insertion_point import InsertionPoint
from ensemble_lsp.types import Document, Position

DOC = '"""' + "\n".join(f"Line {n} of the text." for n in range(30)) + '\n"""\n'
CODE = "".join(f"x{n} = {n}\n" for n in range(40))


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_a_boundary_is_outside_of_strings_and_comments(language: str) -> None:
    text = DOC + CODE if language == "python" else "/* it's\n * long\n */\nf();\n"
    inside = 6
    end = lexical_boundary(text, inside, language)
    assert text[:end].endswith('"""' if language == "python" else "*/")
    outside = len(text) - 3
    assert lexical_boundary(text, outside, language) == outside


def test_a_string_that_is_still_open_begins_the_window() -> None:
    text = "x = 1\n" + DOC[:-5]
    assert lexical_boundary(text, 40, "python") == len("x = 1\n")


def test_the_window_begins_below_a_docstring_that_it_would_cut() -> None:
    document = Document.from_text("file:///a.py", 1, "python", CODE[:50] + DOC + CODE)
    lines = [line.rstrip("\n") for line in document.lines]
    last = len(lines) - 1
    start = _window_start(document, Position(last, 0))
    assert lines[start.line - 1] == '"""'
    assert lines[start.line] == "x0 = 0"


def test_the_window_of_a_short_document_is_all_of_it() -> None:
    document = Document.from_text("file:///a.py", 1, "python", DOC + CODE[:20])
    assert _window_start(document, Position(33, 0)) == Position(0, 0)


def test_code_far_below_a_long_docstring_is_code() -> None:
    prefix = DOC.replace("text", "text which is long enough to be cut " * 3) + "y = "
    assert len(prefix) > 2_000
    assert InsertionPoint(prefix, "\n", "python").inside == ""


def test_an_answer_below_a_short_opener_may_repeat_it() -> None:
    for opener in ("try:", "if ok:", "else:"):
        answer = f"```python\n    {opener}\n        go()\n```"
        prefix = f"def f(ok):\n    {opener}\n        "
        cleaned = clean_completion(answer, prefix=prefix, suffix="\n", language="python")
        assert cleaned == "go()"


def test_a_closing_bracket_of_the_own_line_stays_where_the_code_above_is_cut() -> None:
    suffix = "\n      },\n    };\n  }\n}\n"
    for rest in ("", "}"):
        cleaned = clean_completion(
            " true };",
            prefix="      closed: () => {\n        return { ...result, handled:",
            suffix=rest + suffix,
            language="typescript",
            multiline=False,
        )
        assert cleaned == " true };"


def test_an_address_at_the_end_of_a_line_opens_no_block() -> None:
    lines = 'url: "http://localhost",\n  model: "m",'
    cleaned = clean_completion(
        lines, prefix="const x = {\n  ", suffix="\n};\n", language="typescript"
    )
    assert cleaned == lines


@pytest.mark.parametrize("base", ["", "\t\t"])
def test_tabs_become_levels_also_in_a_continued_expression(base: str) -> None:
    answer = f"{base}const text =\n{base}\t'a' +\n{base}\t'b';\n{base}return text;"
    cleaned = clean_completion(
        answer,
        prefix="function f() {\n  if (x) {\n    g();\n  }\n}\nfunction h() {\n  if (y) {\n    ",
        suffix="\n  }\n}\n",
        language="javascript",
        unit="  ",
    )
    assert cleaned == "const text =\n      'a' +\n      'b';\n    return text;"
