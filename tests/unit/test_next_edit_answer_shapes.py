"""The shapes in which chat models answer: each leads to the wanted edit or to none, never to another."""

from __future__ import annotations

import pytest

from ensemble_lsp.next_edit.families import edit_prompt
from ensemble_lsp.next_edit.gate import Gate, Moment
from ensemble_lsp.next_edit.parsing import predicted_edit
from ensemble_lsp.next_edit.prompting import EditPrompt
from tests.support.next_edit import FAMILY, edit_request, hunk

MARKED = """\
import json


def load(path):
    with open(path) as file:
        return json.load(file)


def total(rows, rate):
    amount = 0
    for row in rows:
        amount += row.price
    return amount * rate


def report(rows):
    print(total(rows¦))
    print("done")
    return True


if __name__ == "__main__":
    report(load("a.json"))
"""
OLD, NEW = "print(total(rows))", "print(total(rows, 0.19))"
FILE = MARKED.replace("¦", "")
WANTED = FILE.replace(OLD, NEW)
DIFF = f"""\
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -3,3 +3,3 @@
 def report(rows):
-    {OLD}
+    {NEW}
     print("done")
"""


def prompt() -> EditPrompt:
    edits = (hunk("def total(rows):\n", "def total(rows, rate):\n", 8),)
    made = edit_prompt(edit_request(MARKED, edits), FAMILY["chat"])
    assert made is not None
    return made


def after(answer: str, finish: str = "stop") -> str | None:
    """Return the file after the edit that is shown for an answer."""
    asked = prompt()
    edit = predicted_edit(asked, answer, finish=finish)
    request = asked.request
    hunks = tuple(recent.hunk for recent in request.edits)
    moment = Moment(request.document, request.cursor, hunks)
    if edit is None or Gate(clock=lambda: 0.0).before_showing(edit, moment) is not None:
        return None
    return edit.apply(request.document).text


def block(text: str, opening: str = "```python", closing: str = "```") -> str:
    return f"{opening}\n{text}{closing}"


UNDERSTOOD = {
    "a block": block(WANTED),
    "without a fence": WANTED,
    "an explanation around it": f"Sure!\n\n{block(WANTED)}\n\nI passed the rate.",
    "another command after it": f"{block(WANTED)}\nRun it:\n{block('python cart.py' + chr(10), '```sh')}",
    "a diff with wrong line numbers": block(DIFF, "```diff"),
    "a diff without a fence": DIFF,
    "a diff without a header": block(f"-    {OLD}\n+    {NEW}\n", "```diff"),
    "tags": f"<region>\n{WANTED}</region>",
    "tags in a block": block(f"<region>\n{WANTED}</region>\n"),
    "the file's tag": f'<current path="shop/cart.py">\n{WANTED}</current>',
    "the cursor": block(WANTED.replace("0.19)", "0.19<|cursor|>)")),
    "tabs": block(WANTED.replace("    ", "\t")),
    "CR LF": block(WANTED).replace("\n", "\r\n"),
    "thoughts": f"<think>\nThe rate is missing.\n</think>\n\n{block(WANTED)}",
    "code in the thoughts": f"<think>\n{block('x = 1' + chr(10))}\n</think>\n{block(WANTED)}",
    "before and after": f"Before:\n{block(FILE)}\nAfter:\n{block(WANTED)}",
    "twice": block(WANTED + WANTED),
    "tildes": block(WANTED, "~~~python", "~~~"),
    "four backticks": block(WANTED, "````python", "````"),
    "an indented fence": block(WANTED, "  ```python", "  ```"),
    "the path in a comment": block(f"# shop/cart.py\n{WANTED}"),
    "the path after the language": block(WANTED, "```python shop/cart.py"),
    "escaped quotes": block(WANTED.replace('"', "&quot;")),
    "one function of the region": block(
        WANTED[WANTED.index("def report") : WANTED.index("\n\nif")]
    ),
    "the end of the region": block(WANTED[WANTED.index("def report") :]),
    "the start of the region": block(WANTED[: WANTED.index("\n\nif")]),
    "blank lines around it": block(f"\n{WANTED}\n\n"),
}
HELD_BACK = {
    "no change": "NO_CHANGE",
    "no change, in words": "No changes needed.",
    "no change, explained": "NO_CHANGE\n\nThe code is complete.",
    "nothing": " \n",
    "the region as it is": block(FILE),
    "an empty block": block(""),
    "a diff that fits nowhere": block(DIFF.replace('"done"', '"gone"'), "```diff"),
    "unrelated code": block("const a = 1;\nexport default a;\n", "```js"),
    "a refusal": "I'm sorry, but I can't help with that.",
    "data": '{"edit": "print(total(rows, 0.19))"}',
    "code in a sentence": f"Use `{NEW}` instead.",
    "lines without indentation": block("\n".join(map(str.lstrip, WANTED.split("\n")))),
    "a patch's form": f"<<<<<<< SEARCH\n    {OLD}\n=======\n    {NEW}\n>>>>>>> REPLACE",
    "numbers of lines": block("".join(f"{n} | {x}\n" for n, x in enumerate(WANTED.split("\n"), 1))),
    "a comment that code is unchanged": block(
        f"def report(rows):\n    {NEW}\n    # unchanged code\n"
    ),
    "the rest left out": block(f"def report(rows):\n    {NEW}\n    # ... rest of the code\n"),
    "an explanation after bare code": f"{WANTED}\nI passed the rate.",
}


@pytest.mark.parametrize("answer", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_an_answer_that_is_understood(answer: str) -> None:
    assert after(answer) == WANTED


@pytest.mark.parametrize("answer", HELD_BACK.values(), ids=HELD_BACK)
def test_an_answer_that_is_held_back(answer: str) -> None:
    assert after(answer) is None


def test_a_function_alone_does_not_remove_the_ones_around_it() -> None:
    small = "X = 1\nY = 2\n\n\ndef f(a):\n    return g(a¦)\n\n\ndef h(a):\n    return f(a)\n"
    edits = (hunk("def g(a):\n", "def g(a, b):\n", 8),)
    asked = edit_prompt(edit_request(small, edits), FAMILY["chat"])
    assert asked is not None
    edit = predicted_edit(asked, block("def f(a):\n    return g(a, X)\n"))
    assert edit is not None
    file = asked.request.document
    assert edit.apply(file).text == file.text.replace("g(a)", "g(a, X)")


def test_a_deletion_of_the_first_lines_is_kept() -> None:
    small = "import os\nimport sys\n\n\ndef f(a¦):\n    return a\n"
    asked = edit_prompt(edit_request(small), FAMILY["chat"])
    assert asked is not None
    edit = predicted_edit(asked, block("def f(a):\n    return a\n"))
    assert edit is not None
    assert "import" not in edit.apply(asked.request.document).text


def test_escapes_in_a_string_are_kept() -> None:
    asked = prompt()
    edit = predicted_edit(asked, block(FILE.replace('"done"', '"&lt;done&gt;"')))
    assert edit is not None
    assert '"&lt;done&gt;"' in edit.apply(asked.request.document).text


def test_a_truncated_answer_changes_nothing_that_it_did_not_reach() -> None:
    whole = f"```python\n{WANTED}"
    ends = range(10, len(whole), 7)
    assert {after(whole[:end], "length") for end in ends} <= {None, WANTED}
