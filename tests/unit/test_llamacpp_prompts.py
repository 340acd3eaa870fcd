"""Prompts of the embedded model: healed words, the window and its hole, confidence."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from ensemble_lsp.models.profiles import fim_template
from ensemble_lsp.providers.llamacpp.local_prompts import (
    Confidence,
    Healed,
    PromptWindow,
    completion_text,
    heal,
)
from ensemble_lsp.providers.llamacpp.server_process import threads_for_this_machine
from ensemble_lsp.types import Snippet
from tests.support.scripted import completion_prompt as complete


@pytest.mark.parametrize(
    ("text", "kept", "forced"),
    [
        ("    ret", "   ", " ret"),
        ("x = ", "x =", " "),
        ("self.app", "self", ".app"),
        ("call(ar", "call", "(ar"),
        ("my_long_na", "my_long", "_na"),
        ("    def __ini", "    def __", "ini"),
        ("    def __", "    def __", ""),
        ("self._na", "self._", "na"),
        ("x = (a", "x = (", "a"),
        ("x = (", "x =", " ("),
        ("print(", "print", "("),
        ("print((", "print((", ""),
        ("line\n", "line", "\n"),
        ("line\r\n\n", "line", "\n\n"),
        ("line\nfo", "line\n", "fo"),
        ("", "", ""),
        ("größ", "", "größ"),
        ("\tif", "", "\tif"),
    ],
)
def test_healing_takes_the_half_typed_word_off(text: str, kept: str, forced: str) -> None:
    healed = heal(text)
    assert (healed.text, healed.forced) == (kept, forced)


def test_the_grammar_escapes_what_gbnf_would_read_otherwise() -> None:
    assert heal('x"').grammar == 'root ::= "\\"" [^\\x00]*'
    assert heal("x\\n").grammar == 'root ::= "\\\\n" [^\\x00]*'
    assert heal("\tif").grammar == 'root ::= "\\tif" [^\\x00]*'
    assert heal("x\u200b").grammar == 'root ::= "\\U0000200B" [^\\x00]*'
    assert heal("x\n").grammar == 'root ::= "\\U0000000A" [^\\x00]*'
    assert heal("x()=").grammar == ""


def test_filling_in_the_middle_ends_with_what_stands_on_the_cursors_line() -> None:
    template = fim_template("qwen-coder")
    first = completion_text(complete("a = 1\nb = fo", "\nc = 3\n"), template)
    second = completion_text(complete("a = 1\nb = foo(", "\nc = 3\n"), template)
    start = "<|fim_prefix|>a = 1\n<|fim_suffix|>\nc = 3\n<|fim_middle|>"
    assert (first.text, first.forced) == (f"{start}b =", " fo")
    assert second.text.startswith(start), "typing on a line leaves the beginning as it was"


def typed_prompt(window: PromptWindow, prefix: str, suffix: str, **more: Any) -> Healed:
    """The raw text of a request, as the adapter makes it."""
    shown = window.fit(complete(prefix, suffix, **more))
    return completion_text(shown, fim_template("qwen-coder"), window.hole(shown))


def test_typing_new_lines_leaves_the_text_below_where_it_was_read() -> None:
    window, below = PromptWindow(), "\nend = 3\n"
    first = typed_prompt(window, "a = 1\nb = (", below)
    after = "a = 1\nb = (\n    x,\n    y"
    second = typed_prompt(window, after, below)
    start = "<|fim_prefix|>a = 1\n<|fim_suffix|>\nend = 3\n<|fim_middle|>"
    assert first.text + first.forced == f"{start}b = ("
    assert second.text.startswith(first.text), "only what was typed is read"
    assert second.text + second.forced == f"{start}b = (\n    x,\n    y"


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        ("a = 1\n", "\nb = (1)\nend = 3\n"),  # above the hole
        ("a = 2\nb = (", "\nend = 3\n"),  # the text above changed
        ("a = 1\nb = (1)\nc = ", "\nend = 4\n"),  # the text below changed
        ("a = 1\nb = (1)\n" + "c = 3\n" * 40, "\nend = 3\n"),  # far below
    ],
)
def test_the_hole_begins_anew_where_the_last_one_is_not_continued(prefix: str, suffix: str) -> None:
    window = PromptWindow()
    typed_prompt(window, "a = 1\nb = (", "\nend = 3\n")
    found = typed_prompt(window, prefix, suffix)
    fresh = completion_text(complete(prefix, suffix), fim_template("qwen-coder"))
    assert found == fresh


def test_back_in_a_file_its_prompt_is_the_one_that_was_read() -> None:
    window = PromptWindow()
    lines = "".join(f"line_{number} = {number}\n" for number in range(1000))
    first = typed_prompt(window, lines, "\nend\n")
    other = replace(complete("other = 1\n" * 400, "\n"), path="other.py")
    window.hole(window.fit(other))
    again = typed_prompt(window, lines + "more = 1\nx", "\nend\n")
    assert again.text.startswith(first.text.rstrip())


def test_a_new_reading_speed_does_not_move_the_end_of_the_text_below() -> None:
    window = PromptWindow()
    below = "".join(f"\nline_{number} = {number}" for number in range(300))
    first = window.fit(complete("x = ", below))
    window.hole(first)
    window.learn(200, 260.0)
    assert window.fit(complete("x = 1", below)).suffix == first.suffix


def test_control_tokens_in_the_users_line_are_broken_up() -> None:
    healed = completion_text(complete("x = '<|fim_suffix|>' +"), fim_template("qwen-coder"))
    assert healed.text.count("<|fim_suffix|>") == 1


def test_without_its_tokens_a_model_continues_the_prefix() -> None:
    healed = completion_text(complete("def f(x):\n    ret", "\n# end"), None)
    assert (healed.text, healed.forced) == ("def f(x):\n   ", " ret")


def test_the_window_keeps_its_beginning_while_one_types_on() -> None:
    window = PromptWindow()
    lines = "".join(f"line_{number} = {number}\n" for number in range(1000))
    first = window.fit(complete(lines)).prefix
    second = window.fit(complete(lines + "more = 1\n" * 20)).prefix
    assert len(first) < window.characters
    assert first.startswith("line_")
    assert second.startswith(first)


def test_the_window_moves_on_when_the_cursor_is_far_from_it() -> None:
    window = PromptWindow()
    lines = "".join(f"line_{number} = {number}\n" for number in range(1000))
    first = window.fit(complete(lines)).prefix
    far = window.fit(complete(lines + "".join(f"far_{n} = {n}\n" for n in range(1000)))).prefix
    assert not far.startswith(first[:50])
    assert len(far) <= window.characters


def test_a_slow_machine_is_shown_less_and_a_fast_one_related_files_too() -> None:
    slow, fast = PromptWindow(), PromptWindow()
    slow.learn(200, 50.0)
    fast.learn(200, 2000.0)
    assert slow.characters < PromptWindow().characters < fast.characters
    prompt = complete("x", related=(Snippet("b.py", "y = 1"),))
    assert slow.fit(prompt).related == ()
    assert fast.fit(prompt).related == prompt.related


def test_a_prompt_that_was_known_already_says_nothing_about_speed() -> None:
    window = PromptWindow()
    window.learn(1, 3.0)
    assert window.characters == PromptWindow().characters


def test_confidence_is_that_of_the_models_own_tokens() -> None:
    sure = {"token": "return", "logprob": math.log(0.2)}
    other = {"token": "retry", "logprob": math.log(0.2)}
    confidence = Confidence("ret")
    confidence.add([{**sure, "top_logprobs": [sure, other, {"token": "x", "logprob": -0.1}]}])
    assert confidence.value == pytest.approx(0.5), "half of what fits the forced word"
    confidence.add([{"token": " x", "logprob": math.log(0.5), "top_logprobs": []}])
    assert confidence.value == pytest.approx(0.5)


def test_tokens_of_the_forced_word_alone_do_not_count() -> None:
    confidence = Confidence(" ret")
    confidence.add([{"token": " re", "logprob": -9.0}, {"token": "t", "logprob": -9.0}])
    assert confidence.value is None
    confidence.add([{"token": "urn", "logprob": math.log(0.9)}])
    assert confidence.value == pytest.approx(0.9)


def test_writing_leaves_a_core_to_others_where_there_are_two() -> None:
    write, read = threads_for_this_machine()
    assert 1 <= write <= read <= 4
    assert write < read or read in (1, 4)
