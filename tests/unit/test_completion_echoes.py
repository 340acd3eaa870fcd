"""What a model writes again: a line that is there once, a word in another case, the turns of a chat, tokens."""

from __future__ import annotations

import pytest

from ensemble_lsp.models.control_tokens import control_tokens
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.postprocess import clean_completion
from ensemble_lsp.postprocess.completion_text import is_long_enough


def offered(place: str, text: str, language: str, model: str = "", *, multiline: bool) -> str:
    prefix, suffix = place.split("|", 1)
    tokens = control_tokens(Profile("m", "openai", model)) if model else ()
    return clean_completion(
        text, prefix=prefix, suffix=suffix, language=language, multiline=multiline, tokens=tokens
    )


@pytest.mark.parametrize(
    ("place", "text", "language", "expected"),
    [
        ("x = 1\n|", "x = 1\ny = 2", "python", "y = 2"),
        ("const a = 5;\n|", "const a = 5;\nconst b = 2;", "javascript", "const b = 2;"),
        ("import os\n|\n", "import os\nimport sys", "python", "import sys"),
        ("#include <a.h>\n|\n", "#include <a.h>\n#include <b.h>", "c", "#include <b.h>"),
        ("f() {\n  return true\n  |", "return true", "javascript", ""),
    ],
)
def test_a_line_that_is_written_once_is_not_repeated(
    place: str, text: str, language: str, expected: str
) -> None:
    assert offered(place, text, language, multiline=False) == expected


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("    if a:\n        return None\n    |\n", "return None"),
        ("    if a:\n        return None\n|\n", "    return None"),
        ("x = next(it)\n|\n", "x = next(it)"),
        ("i = i * 2\n|\n", "i = i * 2"),
    ],
)
def test_a_line_that_may_follow_itself_is_kept(place: str, text: str) -> None:
    assert offered(place, text, "python", multiline=False) == text


@pytest.mark.parametrize(("text", "enough"), [("x = 1\n", False), ("x = 1\ny = 2\n", True)])
def test_a_stream_goes_on_behind_a_repeated_line(text: str, enough: bool) -> None:
    found = is_long_enough(text, multiline=False, prefix="x = 1\n", language="python")
    assert found is enough


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        ("select * from users where |\n", "SELECT * FROM users WHERE id = 1;", "id = 1;"),
        ("SELECT * FROM users WHERE |\n", "select * from users where id = 1;", "id = 1;"),
        ("select * from users wh|\n", "WHERE id = 1;", "ere id = 1;"),
        ("SELECT * FROM users WH|\n", "where id = 1;", "ERE id = 1;"),
        ("select id\nfrom users\nwhere |\n", "SELECT id\nFROM users\nWHERE id = 1;", "id = 1;"),
    ],
)
def test_the_case_of_sql_hides_no_repetition(place: str, text: str, expected: str) -> None:
    assert offered(place, text, "sql", multiline=False) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = 2\n\nHuman: Here is some more context code to provide:", "y = 2"),
        ("\nHuman: Here is some more context", ""),
        ("y = 2\nAssistant: ok", "y = 2"),
        ("y = 2\n### Response:\nok", "y = 2"),
        ("y = 2\n## Input: a list", "y = 2\n"),
        ('y = """\nHuman: hi\n"""', 'y = """\nHuman: hi\n"""'),
        ("User: TypeAlias = int", "User: TypeAlias = int"),
    ],
)
def test_another_turn_of_a_chat_ends_an_answer(text: str, expected: str) -> None:
    found = offered("x = 1\n\n|\n", text, "python", multiline=True)
    assert found.rstrip() == expected.rstrip()


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("qwen2:1.5b", "f(1)</fim_middle>"),
        ("granite3.3:8b", "f(1)<fim_middle>"),
        ("refact-1.6b", "f(1)<fim_middle>"),
        ("mellum-4b-base", "f(1)<filename>src/a.py"),
        ("seed-coder-8b-base", "f(1)<[fim-middle]>"),
        ("glm-4.6", "f(1)<|code_suffix|>"),
        ("team-default", "f(1)<|file_sep|>b.py\ny = 2"),
        ("team-default", "f(1)</s>"),
        ("gemini-2.5-pro", "f(1)<|file_separator|>"),
        ("devstral", "f(1)[/INST]"),
    ],
)
def test_tokens_that_no_code_has_end_the_answer_of_any_model(model: str, text: str) -> None:
    assert offered("a = |\n", text, "python", model, multiline=True) == "f(1)"


@pytest.mark.parametrize(
    ("place", "text", "language", "expected"),
    [
        ("x.|\n", "x.foo()", "python", "foo()"),
        ("p.|\n", "print()", "python", "print()"),
        ("fn f<'a>(x: &'|) {}\n", "a str) {", "rust", "a str"),
        ("fn f(x: &'|\n", "a str) -> &'a str {", "rust", "a str) -> &'a str {"),
        ("let c = '|';\n", "a';", "rust", "a"),
    ],
)
def test_short_names_before_the_cursor(place: str, text: str, language: str, expected: str) -> None:
    assert offered(place, text, language, multiline=False) == expected
