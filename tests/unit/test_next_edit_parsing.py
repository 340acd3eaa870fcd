"""From a model's answer to the smallest edit: line ends, truncated answers, secrets, what is left alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ensemble_lsp.context.redacted_documents import redacted_view
from ensemble_lsp.context.secret_redaction import Redactor
from ensemble_lsp.next_edit.families import FAMILIES, edit_prompt
from ensemble_lsp.next_edit.families.zeta21 import marker_places
from ensemble_lsp.next_edit.parsing import predicted_edit
from ensemble_lsp.next_edit.prompting import EditPrompt, EditRequest, Family
from ensemble_lsp.next_edit.region import Region
from ensemble_lsp.types import Document, Position
from tests.support.next_edit import FAMILY, document, place, prompt_for

ZETA2 = FAMILY["zeta-2"]
BODY = "".join(f"    step_{n}({n})\n" for n in range(8))


def result(prompt: EditPrompt, answer: str, finish: str = "stop") -> str | None:
    """Return the document after an answer, or ``None`` without an edit."""
    edit = predicted_edit(prompt, answer, finish=finish)
    return edit and edit.apply(prompt.request.document).text


def last_marker(prompt: EditPrompt) -> int:
    """Return the number of zeta-2.1's marker behind the region."""
    return len(marker_places(prompt.request.lines(prompt.region)))


def wrapped(family: Family, prompt: EditPrompt, region: str) -> str:
    """Return an answer as a family's model writes it."""
    answers = {
        "zeta": f"<|editable_region_start|>\n{region}\n<|editable_region_end|>",
        "zeta-2": f"{region}\n>>>>>>> UPDATED\n",
        "zeta-2.1": f"<|marker_1|>{region}\n<|marker_{last_marker(prompt)}|>",
        "sweep-next-edit": "\n".join(region.split("\n")[prompt.prefill.count("\n") :]) + "\n",
        "mercury": f"```\n{region}\n```",
        "instinct": region,
        "chat": prompt.rendered.prediction.split("\n")[0] + f"\n{region}\n",
    }
    fence = prompt.rendered.prediction.split("\n")[0]
    return answers[family.name] + (fence if family.name == "chat" else "")


@pytest.mark.parametrize(
    ("marked", "answer", "after"),
    [
        ("a = 1¦\r\nb = 2\r\n", "a = 1\nc = 3\nb = 2\n", "a = 1\r\nc = 3\r\nb = 2\r\n"),
        ("a = 1¦\rb = 2\r", "a = 1\nb = 3\n", "a = 1\rb = 3\r"),
        # Mixed line ends stay where nothing changes.
        ("a = 1\r\nb = 2¦\nc = 3\r\n", "a = 1\nb = 4\nc = 3\n", "a = 1\r\nb = 4\nc = 3\r\n"),
        ("if x:\n\ty¦ = 1\n", "if x:\n\ty = 1\n\tz = 2\n", "if x:\n\ty = 1\n\tz = 2\n"),
        # No final line end before, and none after.
        ("a = 1\nb¦ = 2", "a = 1\nb = 3\n", "a = 1\nb = 3"),
        ("a = 1¦", "a = 1\nb = 2\n", "a = 1\nb = 2"),
        ("¦", "print(1)\n", "print(1)"),
        ("a = 1\n¦", "a = 1\nb = 2\n", "a = 1\nb = 2\n"),
        # White space at line ends is left alone.
        ("a = 1  \nb¦ = 2\n", "a = 1\nb = 3\n", "a = 1  \nb = 3\n"),
        # Blank lines at the region's ends that the model drops or adds.
        ("\n\na¦ = 1\n\n", "a = 2\n", "\n\na = 2\n\n"),
        ("a¦ = 1\n", "a = 1\nb = 2\n\n\n", "a = 1\nb = 2\n"),
    ],
)
def test_an_answer_in_any_text(marked: str, answer: str, after: str) -> None:
    doc, cursor = place(marked)
    prompt = edit_prompt(EditRequest(doc, cursor, "a.py"), ZETA2)
    assert prompt is not None
    assert result(prompt, answer) == after
    assert result(prompt, answer.replace("\n", "\r\n")) == after


@pytest.mark.parametrize(
    "answer",
    [
        "Sure, I would rename it everywhere:\nfoo\nbar\n",
        "step_3(x)\n",
        f"def f():\n{BODY[:30]}    # ... rest of the function\n",
        f"def f():\n{BODY}    ...existing code...\n",
        f"<|user_cursor|>{'<filename>'}x.py\n",
    ],
)
def test_an_answer_that_is_not_the_region_is_nothing(answer: str) -> None:
    assert result(prompt_for(ZETA2, f"def f():¦\n{BODY}"), answer) is None


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        # Cut off within a line: what the region has is kept.
        ("def f(x):\n    step_0(0)\n    ste", f"def f(x):\n{BODY}"),
        ("def f(x):\n    step_0(0)\n", f"def f(x):\n{BODY}"),
        # Lines added before a line that the region has.
        ("def f():\n    new()\n    step_0(0)\n    step_1", f"def f():\n    new()\n{BODY}"),
        # Added or changed lines at the very end may be half of something.
        (f"def f():\n{BODY}    new()\n    ne", None),
        ("def f():\n    step_0(0, y", None),
        ("def f(x):", None),
        ("", None),
        # A missing line and a truncated answer look alike, so nothing is removed.
        ("def f():\n    step_0(0)\n    step_5(5)\n    step_6(6)\n    st", None),
    ],
)
def test_a_truncated_answer_keeps_the_rest(answer: str, after: str | None) -> None:
    assert result(prompt_for(ZETA2, f"def f():¦\n{BODY}"), answer, "length") == after


def test_a_filtered_answer_is_nothing() -> None:
    assert result(prompt_for(ZETA2, "a = 1¦\n"), "a = 2\n", "filter") is None


def test_a_loop_ends_the_answer() -> None:
    answer = "def f(x):\n    step_0(0)\n" + "    pass\n" * 40
    assert result(prompt_for(ZETA2, f"def f():¦\n{BODY}"), answer) == f"def f(x):\n{BODY}"


def test_repeated_lines_of_the_region_are_no_loop() -> None:
    rows = "    row()\n" * 7
    answer = f"def g():\n{rows}"
    assert result(prompt_for(ZETA2, f"def f():¦\n{rows}"), answer) == answer


def test_lines_around_the_region_are_not_repeated() -> None:
    text = f"import a\nimport b\n\ndef f():¦\n{BODY}\ndef g():\n    return 2\n"
    prompt = prompt_for(ZETA2, text, (3, 12))
    below = "\ndef g():\n    return 2\n"
    expected = text.replace("¦", "").replace("f()", "f(x)")
    assert result(prompt, f"def f(x):\n{BODY}{below}") == expected
    above = "import a\nimport b\n\n"
    # An answer that begins with the lines above is only trusted to repeat them before the region's first.
    changed = BODY.replace("step_3(3)", "step_3(4)")
    assert result(prompt, f"{above}def f():\n{changed}") == text.replace("¦", "").replace(
        "step_3(3)", "step_3(4)"
    )


def redacted(marked: str, secret: str) -> EditPrompt:
    doc, cursor = place(marked)
    hidden = document(doc.text.replace(secret, "<redacted>"))
    made = EditRequest(doc, cursor, "a.py", redacted=hidden, redacted_cursor=cursor)
    prompt = edit_prompt(made, ZETA2)
    assert prompt is not None
    assert secret not in prompt.rendered.text
    return prompt


def test_a_secret_comes_back_where_its_line_is_left_alone() -> None:
    prompt = redacted("def f():\n    key = 'hunter22'\n    a = 1¦\n", "hunter22")
    answer = "def f():\n    key = '<redacted>'\n    a = 2\n"
    assert result(prompt, answer) == "def f():\n    key = 'hunter22'\n    a = 2\n"


@pytest.mark.parametrize(
    "answer",
    [
        "def f():\n    token = '<redacted>'\n    a = 1\n",
        "def f():\n    a = 1\n",
        "def f():\n    key = '<redacted>'\n    a = '<redacted>'\n",
    ],
)
def test_an_edit_of_a_secret_is_nothing(answer: str) -> None:
    prompt = redacted("def f():\n    key = 'hunter22'\n    a = 1¦\n", "hunter22")
    assert result(prompt, answer) is None


CODE = st.lists(
    st.sampled_from(["", "a = 1", "    b(2)", "\tc", "}", "déjà = '\U0001f600'", "  ", "def f():"]),
    min_size=1,
    max_size=12,
)
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])


@given(CODE, NEWLINES, st.booleans(), st.integers(0, 12), st.sampled_from(FAMILIES))
def test_a_region_echoed_back_gives_no_edit(
    lines: list[str], newline: str, final: bool, line: int, family: Family
) -> None:
    doc = document(newline.join(lines) + newline * final)
    cursor = doc.clamp(Position(line, 3))
    prompt = edit_prompt(EditRequest(doc, cursor, "a.py"), family)
    assert prompt is not None
    region = "\n".join(prompt.request.lines(prompt.region))
    for finish in ("stop", "length"):
        assert predicted_edit(prompt, wrapped(family, prompt, region), finish=finish) is None


@given(CODE, CODE, NEWLINES)
def test_the_smallest_edit_equals_replacing_the_region(
    lines: list[str], new: list[str], newline: str
) -> None:
    assume(all(len(list(run)) < 5 for _, run in groupby(new)))  # a loop is cut
    doc = document(newline.join(["x = 0", *lines, "y = 0"]) + newline)
    region = Region(1, 1 + len(lines))
    prompt = ZETA2.render(EditRequest(doc, Position(1, 0), "a.py"), region)
    edit = predicted_edit(prompt, "\n".join(new) + "\n")
    if edit is None:
        return
    small = edit.apply(doc)
    # The lines around the region stay, and the region is the answer but for white space at its ends.
    assert small.lines[: region.first] == doc.lines[: region.first]
    after = len(doc.lines) - region.end
    assert small.lines[len(small.lines) - after :] == doc.lines[region.end :]
    shown = small.lines[region.first : len(small.lines) - after]
    assert "".join("".join(shown).split()) == "".join("".join(new).split())
    assert edit.smallest(doc).edit == edit.edit


@given(st.integers(0, 9), st.integers(0, 90), st.sampled_from(FAMILIES))
def test_a_truncated_answer_removes_no_line(line: int, cut: int, family: Family) -> None:
    doc = document(f"def f():\n{BODY}")
    prompt = edit_prompt(EditRequest(doc, doc.clamp(Position(line, 4)), "a.py"), family)
    assert prompt is not None
    new = "\n".join(prompt.request.lines(prompt.region)).replace("step_2", "other_2")
    answer = wrapped(family, prompt, new)[:cut]
    edit = predicted_edit(prompt, answer, finish="length")
    if edit is not None:
        after: Document = edit.apply(doc)
        assert len(after.lines) == len(doc.lines)
        assert after.text == doc.text.replace("step_2", "other_2")


def test_the_limit_of_the_answer_holds_the_region() -> None:
    short, long = (prompt_for(ZETA2, f"def f():¦\n{BODY * n}") for n in (1, 8))
    assert 256 < short.max_tokens < long.max_tokens < 2048


def test_a_changed_document_is_not_read() -> None:
    prompt = prompt_for(ZETA2, "a = 1¦\n")
    other = replace(prompt.request.document, version=9)
    edit = predicted_edit(prompt, "a = 2\n")
    assert edit is not None
    assert edit.applies_to(prompt.request.document)
    assert not edit.applies_to(other)


async def test_a_remote_model_sees_no_secret() -> None:
    token = "ghp_" + "a8Kd03mZq7Lw5Rt2" * 2 + "Xy9B"
    doc, cursor = place(f"TOKEN = '{token}'\r\na = 1¦\r\n")
    redactor = Redactor()
    await redactor.ready()
    view = redacted_view(doc, redactor)
    request = EditRequest(
        doc, cursor, "a.py", redacted=view.document, redacted_cursor=view.position(cursor)
    )
    prompt = edit_prompt(request, ZETA2)
    assert prompt is not None
    assert token not in prompt.rendered.text
    assert "TOKEN = '<redacted>'\na = 1<|user_cursor|>\n" in prompt.rendered.text
    after = result(prompt, "TOKEN = '<redacted>'\na = 2\n")
    assert after == f"TOKEN = '{token}'\r\na = 2\r\n"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_lines_too_long_are_not_sent(family: Family) -> None:
    long = document("x = '" + "a" * 100_000 + "'\n")
    assert edit_prompt(EditRequest(long, Position(0, 3), "a.py"), family) is None
    around = document("x = 1\n" + "y = '" + "a" * 100_000 + "'\n" * 3)
    prompt = edit_prompt(EditRequest(around, Position(0, 3), "a.py"), family)
    assert prompt is None or len(prompt.rendered.text + prompt.rendered.user) < 30_000
