"""The seam behind a sign: operators, commas, dots, quotes and the signs of comments."""

from __future__ import annotations

import pytest

from ensemble_lsp.postprocess import clean_completion
from ensemble_lsp.postprocess.seam import join_at_cursor

MISSING = [
    # an operator with a blank before it
    ("python", "total = a +¦", "b", "total = a + b"),
    ("python", "total +=¦", "n", "total += n"),
    ("python", "x =¦", "5", "x = 5"),
    ("python", "x = y -¦", "1", "x = y - 1"),
    ("python", "def f(x: int) ->¦", "int:", "def f(x: int) -> int:"),
    ("python", "if (n :=¦", "len(xs)) > 3:", "if (n := len(xs)) > 3:"),
    ("python", "y = 2 *¦", "x", "y = 2 * x"),
    ("javascript", "if (a ===¦", "b) {", "if (a === b) {"),
    ("javascript", "const f = (x) =>¦", "x + 1;", "const f = (x) => x + 1;"),
    ("javascript", "const a = b ? c :¦", "d;", "const a = b ? c : d;"),
    ("javascript", "const s = a +¦", "'x';", "const s = a + 'x';"),
    ("javascript", "for (let i = 0; i <¦", "n; i++) {", "for (let i = 0; i < n; i++) {"),
    ("go", "x :=¦", "g()", "x := g()"),
    ("go", "var ok = a &&¦", "!b", "var ok = a && !b"),
    ("c", "for (int i = 0; i <¦", "n; i++) {", "for (int i = 0; i < n; i++) {"),
    ("cpp", "std::cout <<¦", "x;", "std::cout << x;"),
    ("cpp", "class A :¦", "public B {", "class A : public B {"),
    ("kotlin", "val n = a ?:¦", "0", "val n = a ?: 0"),
    ("rust", "fn f() ->¦", "i32 {", "fn f() -> i32 {"),
    ("r", "x <-¦", "c(1, 2)", "x <- c(1, 2)"),
    ("toml", "name =¦", '"a"', 'name = "a"'),
    ("makefile", "CFLAGS = -g\nx +=¦", "y", "CFLAGS = -g\nx +=y"),
    # commas and keys, as the code above has them
    ("python", "xs = [1, 2,¦", "3", "xs = [1, 2, 3]"[:-1]),
    ("python", "xs = [1,2,¦", "3", "xs = [1,2,3"),
    ("json", '{\n  "b":¦', "2", '{\n  "b": 2'),
    ("json", '{"a":1,"b":¦', "2", '{"a":1,"b":2'),
    ("python", 'd = {"a": 1, "b":¦', "2", 'd = {"a": 1, "b": 2'),
    ("css", ".a {\n  color:¦", "red;", ".a {\n  color: red;"),
    # a comment
    ("python", "#¦", "Sort the names first", "# Sort the names first"),
    ("go", "//¦", "Sum adds two numbers.", "// Sum adds two numbers."),
    ("python", "x = 1  #¦", "the first one", "x = 1  # the first one"),
    ("python", "# TODO:¦", "fix this", "# TODO: fix this"),
    ("javascript", "// FIXME(ann):¦", "fix this", "// FIXME(ann): fix this"),
    ("python", "#¦", "# Compare two files.", "# Compare two files."),
    ("javascript", "/**¦", "/** Add two numbers. */", "/** Add two numbers. */"),
    ("lua", "---¦", "--- Add two numbers", "--- Add two numbers"),
    # the same sign twice
    ("python", "return self.¦", ".name", "return self.name"),
    ("javascript", "this.¦", ".name = name;", "this.name = name;"),
    ("python", "df.groupby('a').¦", ".sum()", "df.groupby('a').sum()"),
    ("cpp", "std::¦", "::vector<int> v;", "std::vector<int> v;"),
    ("cpp", "p->¦", "->run();", "p->run();"),
    ("typescript", "user?.¦", "?.name", "user?.name"),
    ("rust", "self.¦", ".name", "self.name"),
    ("python", "@¦", "@property", "@property"),
    ("php", "echo $¦", "$name;", "echo $name;"),
    ("python", 'name = "¦', '"ann"', 'name = "ann"'),
    ("python", '""¦', '"""Return one."""', '"""Return one."""'),
    ("javascript", "  &&¦", "&& ready", "  && ready"),
    ("javascriptreact", "  <¦", "<div>", "  <div>"),
    ("javascript", "  if¦", "if (ready) {", "  if (ready) {"),
    ("python", "FILES ¦", "FILES = []", "FILES = []"),
    ("python", 'def f():\n    """¦', '"""Return one."""', 'def f():\n    """Return one."""'),
]
AS_IT_IS = [
    ("python", "x = -¦", "1"),
    ("python", "return -¦", "x"),
    ("python", "x=y+¦", "z"),
    ("python", "f(a=¦", "1"),
    ("python", "def f(a, *¦", "args):"),
    ("python", "ys = xs[1:¦", "n]"),
    ("python", "def f(x:¦", "int):"),
    ("c", "int *¦", "p = 0;"),
    ("c", "#include <¦", "stdio.h>"),
    ("cpp", "template <¦", "typename T>"),
    ("rust", "fn f(x: &¦", "str) {"),
    ("ruby", "xs.each &¦", "block"),
    ("ruby", "puts :¦", "name"),
    ("ruby", "@¦", "@count = 0"),
    ("shellscript", "ls -¦", "la /tmp"),
    ("shellscript", "X=¦", "1"),
    ("javascriptreact", "return <¦", "div>"),
    ("javascriptreact", '<div id="a" >¦', "text</div>"),
    ("javascript", "i +¦", "+ 1"),
    ("javascript", "const a = [..¦", ".xs];"),
    ("javascript", "import a from '.¦", "./a';"),
    ("rust", "for i in a.¦", ".b {"),
    ("kotlin", "for (i in a.¦", ".b) {"),
    ("lua", "local s = a.¦", ".b"),
    ("python", "xs = [1, 2,¦", "000]"),
    ("markdown", "a -¦", "b"),
    ("markdown", "some *¦", "bold* text"),
    ("c", "#¦", "include <stdio.h>"),
    ("shellscript", "#¦", "!/bin/sh"),
    ("go", "//¦", "go:build linux"),
    ("python", "#¦", "noqa"),
    ("python", "# see https:¦", "//example.org"),
    ("python", 'f("¦', '", 1)'),
    ("python", 'x = "¦', '" + y'),
    ("makefile", "a:\n\techo $¦", "$HOME"),
    ("css", "a:¦", "hover { color: red; }"),
]


def _split(marked: str) -> tuple[str, str]:
    prefix, _, suffix = marked.partition("¦")
    return prefix, suffix


@pytest.mark.parametrize(("language", "marked", "text", "expected"), MISSING)
def test_the_sign_before_the_cursor_is_taken_into_account(
    language: str, marked: str, text: str, expected: str
) -> None:
    prefix, suffix = _split(marked)
    assert prefix + join_at_cursor(text, prefix, suffix, language) == expected


@pytest.mark.parametrize(("language", "marked", "text"), AS_IT_IS)
def test_a_sign_of_another_meaning_changes_nothing(language: str, marked: str, text: str) -> None:
    prefix, suffix = _split(marked)
    assert join_at_cursor(text, prefix, suffix, language) == text


@pytest.mark.parametrize(("language", "marked", "text", "expected"), MISSING)
def test_a_fill_in_the_middle_model_continues_the_very_character(
    language: str, marked: str, text: str, expected: str
) -> None:
    prefix, suffix = _split(marked)
    assert join_at_cursor(text, prefix, suffix, language, exact=True) == text


def test_line_ends_before_the_rest_of_a_line_are_dropped() -> None:
    for text in ("\n\n5", "\n  5"):
        cleaned = clean_completion(
            text, prefix="x = ", suffix="\n", language="python", multiline=False
        )
        assert cleaned == "5"


def test_a_text_below_a_complete_line_is_not_its_rest() -> None:
    cleaned = clean_completion(
        "\ny = 2", prefix="x = 1", suffix="\n", language="python", multiline=False
    )
    assert cleaned == ""
