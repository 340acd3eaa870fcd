"""Answers of the families of next-edit models are read as edits."""

from __future__ import annotations

import pytest

from ensemble_lsp.next_edit.families.zeta21 import marker_places
from ensemble_lsp.next_edit.parsing import predicted_edit
from tests.support.next_edit import CART, FAMILY, prompt_for

NEW = ["def show(prices):", "    print(total(prices, TAX))"]
TEXT = "\n".join(NEW)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("zeta", f"<|editable_region_start|>\n{TEXT}"),
        ("zeta", f"<|editable_region_start|>\n{TEXT}\n<|editable_region_end|>\n```\n"),
        ("zeta", TEXT),
        ("zeta", f"<|editable_region_start|>\n{TEXT}<|user_cursor_is_here|>\n"),
        ("zeta-2", f"{TEXT}\n"),
        ("zeta-2", f"{TEXT}\n>>>>>>> UPDATED\n"),
        ("zeta-2", f"{TEXT[:40]}<|user_cursor|>{TEXT[40:]}\n"),
        ("zeta-2.1", f"<|marker_1|>{TEXT}\n<|marker_2|>"),
        ("zeta-2.1", f"<|marker_1|>{TEXT}\n<|marker_2|><[end▁of▁sentence]>"),
        ("zeta-2.1", f"<|marker_1|>{TEXT[:40]}<|user_cursor|>{TEXT[40:]}\n<|marker_2|>"),
        ("sweep-next-edit", NEW[1]),
        ("sweep-next-edit", NEW[1] + "\n<|file_sep|>other.py"),
        ("sweep-next-edit", NEW[1] + "<|endoftext|>"),
        ("mercury", f"```\n{TEXT}\n```"),
        ("mercury", f"```python\n{TEXT}\n```\n"),
        ("mercury", f"<|code_to_edit|>\n{TEXT}\n<|/code_to_edit|>"),
        ("mercury", f"```\n<|code_to_edit|>\n{TEXT}\n<|/code_to_edit|>\n```"),
        ("instinct", TEXT),
        ("instinct", f"<|editable_region_start|>\n{TEXT}\n<|editable_region_end|>"),
        ("instinct", f"```python\n{TEXT}\n```"),
        ("chat", f"```python\n{TEXT}\n```"),
        ("chat", f"The call lacks an argument:\n\n```python\n{TEXT}\n```\nThat is all."),
        ("chat", f"<region>\n{TEXT}\n</region>"),
        ("chat", f"```\n{TEXT[:-2]}<|cursor|>{TEXT[-2:]}\n```"),
        ("chat", TEXT),
    ],
)
def test_an_answer_is_the_smallest_edit(name: str, answer: str) -> None:
    prompt = prompt_for(FAMILY[name], CART, (7, 9))
    edit = predicted_edit(prompt, answer, model="m", confidence=0.5)
    assert edit is not None
    assert (edit.text, edit.span.start.line, edit.span.empty) == (", TAX", 8, True)
    assert (edit.model, edit.confidence, edit.version) == ("m", 0.5, 7)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *((name, "") for name in FAMILY if name != "sweep-next-edit"),
        *((name, "\n \n") for name in FAMILY if name != "sweep-next-edit"),
        ("zeta", "I cannot help with that."),
        ("zeta", "<|editable_region_start|>"),
        ("zeta-2", "NO_EDITS\n"),
        ("zeta-2", "NO_EDITS"),
        ("zeta-2.1", "<|marker_1|><|marker_1|><[end▁of▁sentence]>"),
        ("zeta-2.1", "<|marker_1|>"),
        ("zeta-2.1", f"<|marker_1|>{TEXT}"),
        ("zeta-2.1", f"<|marker_2|>{TEXT}<|marker_1|>"),
        ("zeta-2.1", f"<|marker_1|>{TEXT}<|marker_9|>"),
        ("zeta-2.1", TEXT),
        ("sweep-next-edit", ""),
        ("sweep-next-edit", "<|file_sep|>"),
        ("mercury", "None"),
        ("mercury", "No changes are needed."),
        ("instinct", "```\nimport os\n```"),
        ("chat", "NO_CHANGE"),
        ("chat", "`NO_CHANGE`."),
        ("chat", "```\nNO_CHANGE\n```"),
        ("chat", "Nothing must change here."),
    ],
)
def test_an_answer_without_a_change_or_a_region_is_nothing(name: str, answer: str) -> None:
    assert predicted_edit(prompt_for(FAMILY[name], CART, (7, 9)), answer) is None


@pytest.mark.parametrize("name", ["chat", "mercury"])
def test_fences_of_the_region_are_not_the_answers(name: str) -> None:
    text = "# Use\n\n```\nrun¦\n```\n\nThat is all.\n"
    prompt = prompt_for(FAMILY[name], text, (0, 7))
    fence = "````" if name == "chat" else "```"
    new = text.replace("run¦", "run --fast").removesuffix("\n")
    edit = predicted_edit(prompt, f"{fence}\n{new}\n{fence}\n")
    assert edit is not None
    assert edit.text == " --fast"


def test_only_the_first_code_block_is_the_answer() -> None:
    prompt = prompt_for(FAMILY["chat"], CART, (7, 9))
    answer = f"```python\n{TEXT}\n```\nIt was:\n```python\nprint(total(prices))\n```\n"
    edit = predicted_edit(prompt, answer)
    assert edit is not None
    assert edit.text == ", TAX"


BLOCKS = "def one():\n    a = 1\n    b = 2\n    c = 3\n    return a\n\n"
FOUR = "".join(BLOCKS.replace("one", f"f{n}").replace("a", f"a{n}") for n in range(4))


def test_zeta_21_rewrites_what_is_between_two_markers() -> None:
    prompt = prompt_for(FAMILY["zeta-2.1"], "¦" + FOUR, (0, 24))
    text = prompt.rendered.text
    assert text.count("<|marker_") == 5
    assert "\n<|marker_2|>def f1():" in text and "\n\n<|marker_5|>\n<[fim-middle]>" in text
    second = BLOCKS.replace("one", "f1").replace("a", "a1")
    answer = f"<|marker_2|>{second.replace('c = 3', 'c = 4')}<|marker_3|><[end▁of▁sentence]>"
    edit = predicted_edit(prompt, answer)
    assert edit is not None and (edit.span.start.line, edit.text) == (9, "4")
    removed = predicted_edit(prompt, "<|marker_2|><|marker_3|>")
    assert removed is not None
    assert removed.apply(prompt.request.document).text == FOUR.replace(second, "")


@pytest.mark.parametrize(
    ("lines", "places"),
    [
        ([], [0, 0]),
        (["a"], [0, 1]),
        (["a"] * 40, [0, 16, 32, 40]),
        ([*["a"] * 6, "", *["b"] * 6], [0, 7, 13]),
        ([*["a"] * 6, "", "}", *["b"] * 6], [0, 14]),
        ([*["a"] * 6, "", *["b"] * 5], [0, 12]),
        ([*["a"] * 4, "", *["b"] * 8], [0, 13]),
    ],
)
def test_the_places_of_zeta_21s_markers(lines: list[str], places: list[int]) -> None:
    assert marker_places(lines) == places
