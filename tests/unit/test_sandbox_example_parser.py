from __future__ import annotations

import pytest

from ensemble_lsp.sandbox.check_results import ExampleCheck
from ensemble_lsp.sandbox.example_parser import examples_in, examples_in_source


def equal(source: str, want: str) -> list[list[ExampleCheck]]:
    return [[ExampleCheck("equal", source, want)]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("add(1, 2) == 3", equal("add(1, 2)", "3")),
        ("add(1, 2) -> 3", equal("add(1, 2)", "3")),
        ("add(1, 2) ➞ 3", equal("add(1, 2)", "3")),
        ("add(1, 2) => 3", equal("add(1, 2)", "3")),
        ("add(1, 2) returns 3.", equal("add(1, 2)", "3")),
        ("`add(1, 2)` should return `3`", equal("add(1, 2)", "3")),
        ("For example, add(1, 2) must be 3, and so on.", equal("add(1, 2)", "3")),
        ("For add('a', 'b') the output should be 'ab'", equal("add('a', 'b')", "'ab'")),
        ("add([1], [2]) = [1, 2]  # joined", equal("add([1], [2])", "[1, 2]")),
        ("add(19, -5) ==> 19 - 5 = 14", equal("add(19, -5)", "14")),
        ("add(1, 2) returns true", equal("add(1, 2)", "True")),
        ("# add(1, 2) -> 3", equal("add(1, 2)", "3")),
        ("assert add(1, 2) == 3", [[ExampleCheck("assert", "assert add(1, 2) == 3")]]),
        (">>> add(1, 2)\n3", [[ExampleCheck("doctest", "add(1, 2)", "3")]]),
        (">>> add(1, 2)", [[ExampleCheck("doctest", "add(1, 2)")]]),
    ],
)
def test_examples_are_found_in_their_many_notations(
    text: str, found: list[list[ExampleCheck]]
) -> None:
    assert examples_in(text, ["add"]) == found


@pytest.mark.parametrize(
    "text",
    [
        "It calls other(1) == 2 first.",
        "add(a, b) returns the sum of 1 and 2",
        "add(x) == 3",
        "add(1, 2) returns the sum",
        "add(1, 2 is unfinished -> 3",
        "add(19, 5) is 19 + 5",
        ">>> print('hello')\nhello",
        "assert this is prose",
        "Adds 1 and 2: 3.",
        "",
    ],
)
def test_what_is_not_understood_is_no_example(text: str) -> None:
    assert examples_in(text, ["add"]) == []


def test_doctests_of_one_text_build_on_each_other() -> None:
    text = ">>> box = Box()\n>>> box.put(3)\n>>> box.items\n[3]\n"
    group = [
        ExampleCheck("run", "box = Box()"),
        ExampleCheck("doctest", "box.put(3)"),
        ExampleCheck("doctest", "box.items", "[3]"),
    ]
    assert examples_in(text, ["Box"]) == [group]


def test_inputs_may_be_named_after_the_parameters() -> None:
    source = (
        'def area(w: int, h: int = 1) -> int:\n    """Area.\n    For w = 2, h = 3 the output should be 6\n'
        '    Input: w = 1, h = 4\n    Output: 4\n    """\n'
    )
    assert examples_in_source(source) == [*equal("area(2, 3)", "6"), *equal("area(1, 4)", "4")]


def test_every_docstring_and_comment_of_a_source_is_read() -> None:
    source = (
        '# double(2) == 4\nimport re\ndef double(x):\n    """\n    >>> double(3)\n    6\n    """\n'
    )
    assert examples_in_source(source) == [
        [ExampleCheck("doctest", "double(3)", "6")],
        *equal("double(2)", "4"),
    ]


def test_a_long_docstring_is_cut_to_its_first_examples() -> None:
    text = "\n".join(f"add({n}, 0) == {n}" for n in range(100))
    assert len(examples_in(text, ["add"])) == 24
