"""Post-processing of completions, rule by rule: where the cursor (``|``) is, what a model wrote, what comes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_lsp.postprocess import clean_code, clean_completion, clean_prose
from ensemble_lsp.postprocess.characters import strip_hidden_characters

F = "```"

TOKENS = ("<|endoftext|>", "<|im_end|>", "<fim_middle>", "<｜end▁of▁sentence｜>", "</s>")


def offered(
    place: str, text: str, language: str = "python", multiline: bool = True, **more: object
) -> str:
    prefix, suffix = place.split("|", 1)
    return clean_completion(
        text,
        prefix=prefix,
        suffix=suffix,
        language=language,
        multiline=multiline,
        max_lines=int(str(more.pop("max_lines", 12))),
        tokens=TOKENS,
        **more,
    )


PY = "def f(a):\n    |\n"
FENCES = [
    (PY, f"{F}python\nreturn a\n{F}", "return a"),
    (PY, f"{F}\nreturn a\n{F}\n", "return a"),
    (PY, f"{F}py\n    return a\n{F}", "return a"),
    (PY, f"{F}python\nreturn a", "return a"),
    (PY, f"return a\n{F}", "return a"),
    (PY, f"return a\n{F}\n\nThis Python code returns its argument. It takes one.", "return a"),
    (PY, f"Here is the code:\n{F}\nreturn a", "return a"),
    (PY, "\n\nThis Python code snippet defines a function `f` that takes one argument.", ""),
    (
        "# |\n",
        "This function returns a value that was given.",
        "This function returns a value that was given.",
    ),
    (PY, f"Here is the code:\n\n{F}python\nreturn a\n{F}\n\nThis returns a.", "return a"),
    (PY, f"Install:\n{F}bash\npip install x\n{F}\nThen:\n{F}python\nreturn a\n{F}", "return a"),
    (PY, f"{F}{F}python\nreturn a\n{F}{F}", "return a"),
    (PY, f"{F}markdown\nx = 1\n{F}python\ny\n{F}\n{F}", f"x = 1\n    {F}python\n    y\n    {F}"),
    (PY, "~~~python\nreturn a\n~~~", "return a"),
    (PY, f"{F}python\n{F}", ""),
    (PY, f"{F}python", ""),
    (PY, "`return a`", "return a"),
    ("x = |\n", f"{F}python\nf(1)\n{F}", "f(1)"),
]
CHATTER = [
    (PY, "Here is the completed code:\nreturn a", "return a"),
    (PY, "Sure! Here's the rest:\n\n    return a", "return a"),
    (PY, "Certainly, this should do it.\nreturn a", "return a"),
    (PY, "The missing code is:\nreturn a", "return a"),
    (PY, "return a\n\nThis code returns the argument.", "return a"),
    (PY, "return a\n\nExplanation:\nIt returns a.", "return a"),
    (PY, "return a\n\nNote: a is not copied.", "return a"),
    (PY, "<think>\nHmm, `a`.\n</think>\n\nreturn a", "return a"),
    (PY, "<think>never ends", ""),
    (PY, "the thought went on</think>return a", "return a"),
    (PY, "I'm sorry, I cannot help with that.", ""),
    (PY, "As an AI language model, I cannot.", ""),
    (
        '"""|\n',
        "Here is the list of users:\nall of them",
        "Here is the list of users:\nall of them",
    ),
    ("# |\n", "This code adds.", "This code adds."),
]
MARKERS = [
    (PY, "return a<|endoftext|>junk", "return a"),
    (PY, "return a<|im_end|>", "return a"),
    (PY, "<fim_middle>return a", "return a"),
    (PY, "return a<｜end▁of▁sentence｜>", "return a"),
    (PY, "return a</s>", "return a"),
    (PY, "return <|CURSOR|>a", "return a"),
    (PY, "<|cursor|>return a", "return a"),
]
REPEATED = [
    ("total = compute(|\n", "total = compute(a, b)", "a, b)"),
    ("    total = |\n", "    total = 1", "1"),
    ("def go(a):\n    x = 1\n    |\n", "def go(a):\n    x = 1\n    return x", "return x"),
    ("def go(a):\n    |\n", "def go(a):\n    return a", "return a"),
    ("x = 1\nnum|\n", "number = 2", "ber = 2"),
    ("for i in |\n", "range(3):", "range(3):"),
    ("print(1)\n|\n", "print(1)", "print(1)"),
    ("x = a|\n", "a", "a"),
]
SUFFIX_LINE = [
    ("print(|)\n", "x)", "x"),
    ("print(|)\n", "f(x)", "f(x)"),
    ("foo(bar(|)\n", "x)", "x)"),
    ("foo(bar(|))\n", "x))", "x"),
    ("x = foo(|, last=1)\n", "a, last=1)", "a"),
    ("max(|, b), max(a, b)\n", "a", "a"),
    ("x = [|]\n", "1, 2]", "1, 2"),
    ("x = {'a': |}\n", "1}", "1"),
    ('x = "|"\n', 'abc"', "abc"),
    ("x = '|')\n", "abc')", "abc"),
    ('x = "|"\n', 'a" + "b', 'a" + "b'),
    ("print('(', |)\n", "')')", "')'"),
    ("return |;\n", "a;", "a"),
    ("if (a |) {\n", "== b) {", "== b"),
]
SUFFIX_LINES = [
    ("def f():\n    |\n    return total\n", "total = 1\n    return total", "total = 1"),
    (
        "a = 1\n|\nd = compute(4)\ne = compute(5)\n",
        "b = 2\nc = 3\nd = compute(4)\ne = compute(5)\nf = 6\n",
        "b = 2\nc = 3",
    ),
    ("a = 1\n|\nd = compute(4)\ne = compute(5)\n", "b = 2\nd = compute(4)\ne = com", "b = 2"),
    ("a = 1\n|\nd = compute(4)\n", "d = compute(4)", ""),
    (
        "if a:\n    |\n    return False\nreturn None\n",
        "if b:\n        return False\n    x()",
        "if b:\n        return False\n    x()",
    ),
    ("f(|\n)\n", "a,\n    b,", "a,\n    b,"),
]
LOOPS = [
    (PY, "x = 1\n" + "    y = go()\n" * 6, "x = 1\n    y = go()"),
    (PY, "a()\n    b()\n" + "    a()\n    b()\n" * 4, "a()\n    b()"),
    (PY, "x = " + "very long " * 30, "x = very long"),
    (PY, "x = [0, 0, 0, 0, 0, 0, 0, 0]", "x = [0, 0, 0, 0, 0, 0, 0, 0]"),
    (PY, "a(1)\n    a(1)", "a(1)\n    a(1)"),
    ("# |\n", "=" * 60, "=" * 60),
]
INDENT = [
    (PY, "    return a", "return a"),
    (PY, "return a", "return a"),
    ("def f(a):\n|\n", "return a", "    return a"),
    ("def f(a):\n|\n", "    return a", "    return a"),
    ("def f(a):\n\tx = 1\n\tif x:\n|\n", "go()", "\t\tgo()"),
    (
        "def f(a):\n    |\n",
        "if a:\n    return 1\nreturn 2",
        "if a:\n        return 1\n    return 2",
    ),
    ("def f(a):\n    |\n", "x = 1\nreturn x", "x = 1\n    return x"),
    ("def f(a):\n    |\n", "        return a\n", "return a"),
    ("if x:\n    f(a,\n      |\n", "      b)", "      b)"),
    ("|\n", "x = 1", "x = 1"),
]
BLOCKS = [
    (PY, "return a\n\ndef g(b):\n    return b", "return a"),
    (PY, "return a\n\n\nif __name__ == '__main__':\n    f(1)", "return a"),
    (
        "class A:\n    def f(self):\n        |\n",
        "return 1\n\n    def g(self):\n        return 2",
        "return 1",
    ),
    ("def o():\n    def i():\n        |\n", "return 1\n    return i()", "return 1\n    return i()"),
    ("if a:\n    if b:\n        |\n        c()\n", "x()\n    y()", "x()"),
    ("function f() {\n  |\n}\n", "g();\n}\n\nfunction h() {\n", "g();"),
    ("|\n", "def a():\n    return 1\n\ndef b():\n    return 2", "def a():\n    return 1"),
    (
        "def f(a):\n    |\n    b()\n",
        "if a:\n        return 1\n    return g(2)",
        "if a:\n        return 1",
    ),
    ("def f(a):\n    |\n    b()\n", "if a:\n        return 1", "if a:\n        return 1"),
    ("def f(a):\n    |\n    b()\n", "return 1", "return 1"),
    ("def f(a):\n    |\n\nb()\n", "x = 1\n    return x", "x = 1\n    return x"),
    ("f() {\n  |\n  b();\n}\n", "a();\n  return;", "a();"),
]
ENDS = [
    (PY, "return a   \n\n", "return a"),
    (PY, "\n\nreturn a", "return a"),
    (PY, "", ""),
    (PY, "   \n ", ""),
    ("x = |\n", " 1", "1"),
]
HIDDEN = [
    (PY, "return\u202e a", "return a"),
    (PY, "re\u200bturn a", "return a"),
    (PY, "return a\x1b[31m!", "return a!"),
    (PY, "return a\x07", "return a"),
    (PY, "\ufeffreturn a", "return a"),
    (PY, "x = '\u0645\u06cc\u200c\u062e\u0648'", "x = '\u0645\u06cc\u200c\u062e\u0648'"),
    (PY, "x = '\U0001f469\u200d\U0001f4bb'", "x = '\U0001f469\u200d\U0001f4bb'"),
    (PY, "ad\u200dmin = 1", "admin = 1"),
    (PY, "x\U000e0041 = 1", "x = 1"),
]


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        pytest.param(*case, id=f"{name}{n}")
        for name, cases in (
            ("fences", FENCES),
            ("chatter", CHATTER),
            ("markers", MARKERS),
            ("repeated", REPEATED),
            ("suffix-line", SUFFIX_LINE),
            ("suffix-lines", SUFFIX_LINES),
            ("loops", LOOPS),
            ("indent", INDENT),
            ("blocks", BLOCKS),
            ("ends", ENDS),
            ("hidden", HIDDEN),
        )
        for n, case in enumerate(cases)
    ],
)
def test_a_rule_of_completion(place: str, text: str, expected: str) -> None:
    language = "javascript" if "function" in place or "{\n" in place else "python"
    assert offered(place, text, language) == expected


def test_a_control_token_that_the_document_speaks_of_stays() -> None:
    prefix = 'end = "<|endoftext|>"\nother = '
    clean = clean_completion('"<|endoftext|>"', prefix=prefix, suffix="\n", language="python")
    assert clean == '"<|endoftext|>"'


def test_one_line_is_one_line() -> None:
    assert offered("x = |\n", "1\ny = 2", multiline=False) == "1"
    assert offered(PY, "\n    return a\n    b", multiline=False) == "return a"
    assert offered("x = 1|\n", "\ny = 2", multiline=False) == ""


def test_only_so_many_lines_are_offered() -> None:
    text = "\n".join(f"    a{n} = {n}" for n in range(30)).strip()
    assert offered(PY, text, max_lines=3) == "a0 = 0\n    a1 = 1\n    a2 = 2"


def test_a_text_that_was_cut_off_ends_with_a_whole_line_that_parses() -> None:
    assert offered(PY, "x = 1\n    y = x +", finish="length") == "x = 1"
    assert offered(PY, "x = 1\n    if x:\n        y = go(", finish="length") == "x = 1"
    assert offered(PY, "x = compu", finish="length") == "x = compu"
    # What was cut off is the suffix's text: what comes before it is whole.
    place = "def total(values):\n    total = 0\n    |\n    for value in values:\n        total += value\n    return total\n"
    text = "if not values:\n        return 0\n    for value in values:\n        tot"
    assert offered(place, text, finish="length") == "if not values:\n        return 0"


def test_the_suffix_written_again_before_a_new_function_is_left_out() -> None:
    place = "def total(values):\n    |\n    return result\n"
    text = (
        "result = sum(values)\n    return result\n\n\ndef mean(values):\n    return total(values)"
    )
    assert offered(place, text) == "result = sum(values)"


def test_a_block_goes_as_deep_as_the_code_below_it_stands() -> None:
    place = (
        "def f(n):\n    |\n            for k in range(n):\n                yield k\n    return n\n"
    )
    text = "for i in range(n):\n        for j in range(i):\n            yield i, j\n    return 0"
    assert offered(place, text) == "for i in range(n):\n        for j in range(i):"


def test_code_below_that_nothing_reaches_was_so_before() -> None:
    place = "for n in numbers:\n    if n > 2:\n        |\n        break\n"
    assert offered(place, "found = n\n        return found") == "found = n\n        return found"


def test_the_documents_line_ends_are_kept() -> None:
    assert offered("def f(a):\r\n    |\r\n", "x = 1\nreturn x") == "x = 1\r\n    return x"
    assert offered("def f(a):\n    |\n", "x = 1\r\n    return x") == "x = 1\n    return x"


def test_an_indent_that_the_empty_line_should_have_is_given() -> None:
    assert offered("def f(a):\n    x = 1\n|\n", "return x", indent="    ") == "    return x"


ODD = st.text(
    alphabet=st.sampled_from(list("ab1 \n\t\r()[]{}:;,.'\"`#/\\*=<>|-_é\u202e\x1b😀")), max_size=120
)


@given(text=ODD, prefix=ODD, suffix=ODD, multiline=st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_text_makes_it_fail(text: str, prefix: str, suffix: str, multiline: bool) -> None:
    for language in ("python", "javascript"):
        clean = clean_completion(
            text,
            prefix=prefix,
            suffix=suffix,
            language=language,
            multiline=multiline,
            max_lines=5,
            finish="length",
        )
        assert "\u202e" not in clean
        assert "\x1b" not in clean
        assert clean == "" or clean.strip()
        clean_code(text, language=language, indent="  ", prefix=prefix, suffix=suffix)
    prose = clean_prose(text)
    assert clean_prose(prose) == prose


@pytest.mark.parametrize(
    "text",
    ["(" * 50_000, "`" * 50_000, "a " * 50_000, "\n" * 50_000, "<|" * 30_000, "*/" * 30_000,
     "'" * 50_000, "x\n" * 30_000, "![](" * 20_000, "ab" * 40_000, "Note: \n\n" * 9000],
)  # fmt: skip
def test_hostile_lengths_take_little_time(text: str) -> None:
    start = time.thread_time()
    offered(PY, text)
    clean_code(text, language="python", prefix="def f():\n    ")
    clean_prose(text)
    assert time.thread_time() - start < 2


def _leaves(line: str) -> bool:
    """Whether a line leaves its function or method: there a block ends, by design."""
    return bool(line[:1].strip()) or line.lstrip().startswith(("def ", "class ", "@"))


def test_what_a_document_held_comes_out_as_it_was() -> None:
    """Cuts of real code: nothing is lost, for post-processing must not lower exact match."""
    import ensemble_lsp.types as module

    with open(str(module.__file__), encoding="utf-8") as file:
        lines = file.read().split("\n")
    for start in range(20, len(lines) - 6, 3):
        for count in (1, 2, 4):
            held = lines[start : start + count]
            if not held[0].strip() or any(_leaves(line) for line in held[1:]):
                continue
            text = "\n".join(held).rstrip()
            prefix = "\n".join(lines[:start]) + "\n"
            suffix = "\n" + "\n".join(lines[start + count :])
            clean = clean_completion(
                text, prefix=prefix, suffix=suffix, language="python", max_lines=50
            )
            assert clean == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\ufe0fb", "ab"),
        ("a\ufe01\ufe02\ufe03b", "ab"),
        ("\u2764\ufe0f x", "\u2764\ufe0f x"),
        ("\u2764\ufe0f\ufe01\ufe02 x", "\u2764\ufe0f x"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("a\u180bb\u180fc\U0001d173d\U0001bca0e\U00013430f", "abcdef"),
    ],
)
def test_selectors_that_hide_text_are_removed(text: str, shown: str) -> None:
    assert strip_hidden_characters(text) == shown
