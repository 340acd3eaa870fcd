"""Completions and the rest of the cursor's line: what a text contains of it is replaced, nothing is doubled."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_lsp.context.completion_mode import completion_mode_at
from ensemble_lsp.postprocess import clean_completion
from ensemble_lsp.postprocess.brackets import count_unopened, unmatched_brackets
from ensemble_lsp.postprocess.delimiters import CLOSED_BY, levels_at
from ensemble_lsp.postprocess.rest_of_line import FittedText, fit_rest_of_line
from ensemble_lsp.types import Document, Position

CASES = [
    ("python", "foo(¦)", "a, b);", "foo(a, b);"),
    ("java", "    if (¦)", "!sf) return result;", "    if (!sf) return result;"),
    ("cpp", "sum += values[¦]", "i];", "sum += values[i];"),
    (
        "php",
        "$config = ['host' => '¦'];",
        "localhost', 'port' => 5432];",
        "$config = ['host' => 'localhost', 'port' => 5432];",
    ),
    ("html", '<div class="¦">', 'card wide">', '<div class="card wide">'),
    (
        "java",
        "List<¦> xs",
        "Integer> xs = new ArrayList<>();",
        "List<Integer> xs = new ArrayList<>();",
    ),
    ("python", 'print(f"hi {¦}")', 'name}!")', 'print(f"hi {name}!")'),
    ("javascript", "const point = {¦}", " x: 1, y: 2 };", "const point = { x: 1, y: 2 };"),
    ("lua", "local t = {¦}", " name = name, size = 1 }", "local t = { name = name, size = 1 }"),
    (
        "swift",
        "let names = users.map { ¦ }",
        "$0.name }.sorted()",
        "let names = users.map { $0.name }.sorted()",
    ),
    (
        "swift",
        "let names = users.map { ¦ }",
        "$0.name}.sorted()",
        "let names = users.map { $0.name }.sorted()",
    ),
    ("python", "foo(bar(¦)", "x)", "foo(bar(x))"),
    ("python", "foo(bar(¦)", "x))", "foo(bar(x))"),
    ("python", "foo(bar(¦))", "x))", "foo(bar(x))"),
    ("python", 'x = "¦"', 'a" + "b', 'x = "a" + "b"'),
    ("python", "print('(', ¦)", "')')", "print('(', ')')"),
    ("python", "return ¦;", "a;", "return a;"),
    ("python", 'print("¦")', ":)", 'print(":)")'),
    ("python", "pair = [f(¦), g(1)]", "g(1)", "pair = [f(g(1)), g(1)]"),
    ("python", "x = foo(¦, last=1)", "a, last=1)", "x = foo(a, last=1)"),
    ("python", "x = foo(¦, last=1)", "a, b)", "x = foo(a, b, last=1)"),
    ("python", "def f(¦) -> float:", "x) -> int:", "def f(x) -> float:"),
    ("python", "def f(¦):", "a, b):\\\n    return a", "def f(a, b):\\\n    return a"),
    ("python", "def f(¦)", "a, b):\\\n    return a", "def f(a, b):\\\n    return a"),
    (
        "javascript",
        "function f(¦) {}",
        "a) {\\\n  return a;\\\n}",
        "function f(a) {\\\n  return a;\\\n}",
    ),
    ("javascript", "function f(¦) {}", "a) {", "function f(a) {}"),
    ("javascript", "if (¦) {", "x) return y;", "if (x) {"),
    ("shellscript", 'today="$(¦)"', 'date +%F)"', 'today="$(date +%F)"'),
    (
        "rust",
        "let v: Vec<_> = xs.iter().map(¦).collect();",
        "|x| x * 2).collect();",
        "let v: Vec<_> = xs.iter().map(|x| x * 2).collect();",
    ),
    (
        "typescript",
        "const cache = new Map<¦>();",
        "string, Set<number>",
        "const cache = new Map<string, Set<number>>();",
    ),
    ("javascript", "foo(¦, bar)", "baz(x, bar)", "foo(baz(x, bar), bar)"),
    ("html", "<li>¦</li>", "First</li>", "<li>First</li>"),
    ("html", "<li>¦</li>", "First</li>\\\n<li>Second</li>", "<li>First</li>\\\n<li>Second</li>"),
    ("python", 'print("hi ¦)', 'there")', 'print("hi there")'),
    ("javascript", "foo(¦);", "a).then(b);", "foo(a).then(b);"),
    ("javascript", "foo(¦);", "a).then(b)", "foo(a).then(b);"),
    ("python", "a[¦]", "i][j", "a[i][j]"),
    ("python", "x = ¦  # note", "3  # other", "x = 3  # note"),
    ("python", "f(¦)", "a;", "f(a)"),
    ("javascript", "for (¦) {", "let i = 0; i < n; i += 1) {", "for (let i = 0; i < n; i += 1) {"),
    ("javascript", "for (¦)", "let i = 0; i < n; i += 1) {", "for (let i = 0; i < n; i += 1) {"),
    ("csharp", 'var text = $"{¦}";', 'user.Name}";', 'var text = $"{user.Name}";'),
    ("go", "func f(¦) {", "a int) error {", "func f(a int) error {"),
    ("c", "char c = '¦';", "x';", "char c = 'x';"),
    ("rust", "fn f<'a>(¦)", "x: &'a str) -> &'a str {", "fn f<'a>(x: &'a str) -> &'a str {"),
    ("typescript", "const f = (¦) => {", "a: number) => {", "const f = (a: number) => {"),
    ("typescript", "const f = (¦)", "a: number) => a + 1;", "const f = (a: number) => a + 1;"),
    ("javascript", "foo(function() {¦})", " return 1; });", "foo(function() { return 1; });"),
    (
        "javascript",
        'it("x", () => {¦});',
        "\\\n  ok();\\\n});",
        'it("x", () => {\\\n  ok();\\\n});',
    ),
    ("json", '{"a": [¦]}', '1, 2], "b": 3}', '{"a": [1, 2], "b": 3}'),
    ("python", 'd = {"k": ¦}', '1, "m": 2}', 'd = {"k": 1, "m": 2}'),
    ("python", 'print("a" if x else ¦)', '"b")', 'print("a" if x else "b")'),
    ("javascriptreact", '<p className="¦">', 'a">Hi</p>', '<p className="a">Hi</p>'),
    ("typescriptreact", "return <div>¦</div>;", "<b>x</b></div>;", "return <div><b>x</b></div>;"),
    ("python", "x = [¦, 1, 2]", "0, 1, 2]", "x = [0, 1, 2]"),
    ("javascript", "const s = `a ${¦}`;", "b} c`;", "const s = `a ${b} c`;"),
    ("python", "assert f(¦) == 3", "1) == 3", "assert f(1) == 3"),
    ("python", "assert f(¦) == 3", "1, 2) == 4", "assert f(1, 2) == 3"),
    ("ruby", 'puts "#{¦}"', 'name}!"', 'puts "#{name}!"'),
    ("python", "foo(¦)", ")", "foo()"),
    ("c", "while (¦);", "*p++);", "while (*p++);"),
    (
        "typescript",
        'entry("output", "Show the¦, "showLog"),',
        ' log"',
        'entry("output", "Show the log", "showLog"),',
    ),
    ("python", "summary = await¦ args.task)", " find(app)", "summary = await find(app) args.task)"),
    ("go", "if err := f(¦); err != nil {", "x); err != nil {", "if err := f(x); err != nil {"),
    ("kotlin", 'println("${¦}")', 'user.name}!")', 'println("${user.name}!")'),
    ("php", "foo($a, ¦);", "$b)->bar();", "foo($a, $b)->bar();"),
    ("ruby", "items.each { ¦ }", "|x| puts x }", "items.each { |x| puts x }"),
    ("sql", "INSERT INTO t (¦)", "a, b) VALUES (1, 2);", "INSERT INTO t (a, b) VALUES (1, 2);"),
    ("css", ".a { ¦ }", "color: red; }", ".a { color: red; }"),
    ("python", "# see (¦)", "the notes) and more", "# see (the notes) and more)"),
    ("javascript", "foo(a, ¦ // note", "b);", "foo(a, b); // note"),
    ("rust", "#[derive(¦)]", "Debug, Clone)]", "#[derive(Debug, Clone)]"),
    ("c", "*out = f(¦);", "in) + 1;", "*out = f(in) + 1;"),
    ("html", '<a href="¦"></a>', '/x">Home</a>', '<a href="/x">Home</a>'),
    ("rust", "let x: Vec<¦>;", "u8> = Vec::new();", "let x: Vec<u8> = Vec::new();"),
    ("cpp", "std::vector<¦>", "int> v;", "std::vector<int> v;"),
    ("c", "#include <¦>", "stdio.h>", "#include <stdio.h>"),
    ("latex", "\\frac{¦}{}", "a}{b}", "\\frac{a}{b}"),
    ("ruby", "xs.each { |¦| }", "x| puts x }", "xs.each { |x| puts x }"),
    ("shellscript", "if [[ ¦ ]]", "-f x ]]; then", "if [[ -f x ]]; then"),
    ("vim", 'echo "¦"', 'x"', 'echo "x"'),
    ("markdown", "[text](¦)", "url) and more", "[text](url) and more"),
    ("c", 'printf("¦");', '%d\\n", x);', 'printf("%d\\n", x);'),
    ("javascript", "console.log(`¦`)", "${a} b`)", "console.log(`${a} b`)"),
    ("typescriptreact", "<Foo bar={¦} />", "baz} onClick={f} />", "<Foo bar={baz} onClick={f} />"),
]
"""Language, the line with the cursor (``¦``), the answer, the line that is right."""


def fitted(language: str, place: str, text: str, below: str = "") -> tuple[str, FittedText]:
    """Return the line with the fitted text, and the fitted text."""
    prefix, rest = place.split("¦")
    fit = fit_rest_of_line(text, prefix=prefix, suffix=f"{rest}\n{below}", language=language)
    assert rest.startswith(fit.covered)
    return prefix + fit.text + rest[len(fit.covered) :], fit


def is_subsequence(part: str, whole: str) -> bool:
    characters = iter(whole)
    return all(char in characters for char in part)


@pytest.mark.parametrize(("language", "place", "text", "expected"), CASES)
def test_a_text_replaces_what_it_contains_of_the_rest(
    language: str, place: str, text: str, expected: str
) -> None:
    line, fit = fitted(language, place, text)
    assert line == expected
    # An editor shows ghost text only if it contains what it replaces.
    assert is_subsequence(fit.covered, fit.text)
    again, _ = fitted(language, place, fit.text)
    assert again == line
    assert fit.covered == "" or fit.text[fit.own :].lstrip().startswith(fit.covered.lstrip()[0])


@pytest.mark.parametrize(("language", "place", "text", "expected"), CASES)
def test_the_whole_post_processing_leaves_the_same_line(
    language: str, place: str, text: str, expected: str
) -> None:
    prefix, rest = place.split("¦")
    clean = clean_completion(text, prefix=prefix, suffix=rest + "\n", language=language)
    line, _ = fitted(language, place, clean)
    assert line.rstrip() == expected.rstrip()


def test_brackets_that_later_lines_close_are_not_closed_twice() -> None:
    line, fit = fitted("javascript", "run(¦ // once", "a);", below="  b,\n);\n")
    assert (line, fit.covered) == ("run(a // once", "")
    # A less indented line closes something else.
    line, _ = fitted("python", "    call(¦, x", "a)", below=")\n")
    assert line == "    call(a), x"


def test_in_a_template_over_several_lines_brackets_are_text() -> None:
    fit = fit_rest_of_line(
        "a :) b", prefix="const s = `\n  (", suffix=") end\n`;\n", language="javascript"
    )
    assert fit == FittedText("a :) b", own=6)


BLOCKS = [
    ("javascript", "function f() {¦}", "\n  return 1;\n}", "function f() {\n  return 1;\n}"),
    ("javascript", "function f() {¦}", "\n  return 1;", "function f() {\n  return 1;\n}"),
    (
        "javascript",
        "if (a) {¦}",
        "\n  b();\n} else {\n  c();\n}",
        "if (a) {\n  b();\n} else {\n  c();\n}",
    ),
    ("javascript", "it('x', () => {¦});", "\n  ok();\n});", "it('x', () => {\n  ok();\n});"),
    ("javascript", "const p = {¦}", "\n  x: 1,\n};", "const p = {\n  x: 1,\n};"),
    ("javascript", "const p = {¦}", " x: 1 };", "const p = { x: 1 };"),
    ("go", "\tif x {¦}", "\n\t\treturn 1\n\t}", "\tif x {\n\t\treturn 1\n\t}"),
    ("python", "x = {¦}", "\n    'a': 1,\n}", "x = {\n    'a': 1,\n}"),
    (
        "java",
        "    void f() {¦}",
        "\n        run();\n    }\n\n    void g() {\n    }\n}",
        "    void f() {\n        run();\n    }",
    ),
]


@pytest.mark.parametrize(("language", "place", "text", "expected"), BLOCKS)
def test_a_block_between_braces_that_the_editor_closed(
    language: str, place: str, text: str, expected: str
) -> None:
    prefix, rest = place.split("¦")
    document = Document.from_text("file:///a", 1, language, prefix + rest)
    assert completion_mode_at(document, Position(0, len(prefix))) == "block"
    clean = clean_completion(
        text, prefix=prefix, suffix=rest + "\n", language=language, max_lines=40
    )
    line, fit = fitted(language, place, clean)
    assert line == expected
    if "\n" in text:
        # The first lines alone leave the bracket where it is.
        shorter, _ = fitted(language, place, "\n".join(fit.text.split("\n")[:2]))
        assert shorter.endswith(rest)


WORDS = st.sampled_from(["a", "bc", "1", "x", "foo"])
STRINGS = st.sampled_from(['"s"', '"a b"', '"x)"', '"(y"', '""'])


def _wrap(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, max_size=2).map(", ".join)
    return st.one_of(
        st.tuples(WORDS, several).map(lambda t: f"{t[0]}({t[1]})"),
        several.map(lambda t: f"[{t}]"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]} + {t[1]}"),
        st.tuples(inner, WORDS).map(lambda t: f"{t[0]}.{t[1]}()"),
        several.map(lambda t: f"{{k: {t}}}"),
        STRINGS,
    )


EXPRESSIONS = st.recursive(WORDS, _wrap, max_leaves=8)


def auto_closed(head: str, language: str) -> str:
    """The brackets and quotes that an editor has closed by itself."""
    levels = reversed(levels_at(head, language).levels)
    return "".join(CLOSED_BY.get(level.opener, level.opener) for level in levels)


@given(expression=EXPRESSIONS, end=st.sampled_from(["", ";"]), data=st.data())
@settings(max_examples=400, deadline=None)
def test_with_brackets_closed_by_the_editor_the_line_is_as_the_model_wrote_it(
    expression: str, end: str, data: st.DataObject
) -> None:
    line = f"v = {expression}{end}"
    cursor = data.draw(st.integers(4, len(line)))
    head, answer = line[:cursor], line[cursor:]
    closers = auto_closed(head, "javascript")
    rest = closers + (end if data.draw(st.booleans()) else "")
    if not answer.strip() or (head[-1] == " " == answer[0]):
        return
    result, _ = fitted("javascript", f"{head}¦{rest}", answer)
    assert result.rstrip(";") == line.rstrip(";")


@given(expression=EXPRESSIONS, data=st.data(), tail=st.sampled_from(["", ", y)", " + z]", "; }"]))
@settings(max_examples=400, deadline=None)
def test_a_balanced_line_gets_no_bracket_that_nothing_opens(
    expression: str, data: st.DataObject, tail: str
) -> None:
    line = f"v = {expression};"
    cursor = data.draw(st.integers(4, len(line) - 1))
    end = data.draw(st.integers(cursor, len(line)))
    head, answer = line[:cursor], line[cursor:end]
    rest = auto_closed(head, "javascript") + tail
    # Within a string the brackets of a part of the line cannot be matched without its beginning.
    if not answer.strip() or head.count('"') % 2 or unmatched_brackets(answer, "javascript")[1]:
        return
    clean = clean_completion(answer, prefix=head, suffix=rest + "\n", language="javascript")
    result, _ = fitted("javascript", f"{head}¦{rest}", clean)
    before = count_unopened(head, "", rest, "javascript")
    assert count_unopened("", result, "", "javascript") <= before


@pytest.mark.parametrize("text", ["(" * 50_000, ")" * 50_000, "'" * 50_000, "a " * 50_000])
def test_long_texts_take_little_time(text: str) -> None:
    start = time.thread_time()
    fitted("javascript", "f(¦)", text)
    fitted("python", f"{text}¦)", "x")
    fitted("python", f"f(¦{text}", "x)")
    assert time.thread_time() - start < 2
