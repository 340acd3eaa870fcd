"""The prompts of the families of next-edit models."""

from __future__ import annotations

import pytest

from ensemble_lsp.next_edit.families import edit_prompt
from ensemble_lsp.next_edit.parsing import predicted_edit
from ensemble_lsp.next_edit.prompting import EditDiagnostic
from ensemble_lsp.types import Snippet
from tests.support.next_edit import CART, FAMILY, edit_request, hunk, prompt_for

EDIT = hunk("def total(prices):\n", "def total(prices, rate):\n", 3, before="TAX = 0.2\n")
HELPER = Snippet("shop/tax.py", "RATE = 0.2\n")
ZETA = """\
### Instruction:
You are a code completion assistant and your task is to analyze user edits and then rewrite an excerpt \
that the user provides, suggesting the appropriate edits within the excerpt, taking into account the \
cursor location.

### User Edits:

User edited "shop/cart.py":
```diff
@@ -3,2 +3,2 @@
 TAX = 0.2
-def total(prices):
+def total(prices, rate):
```

### User Excerpt:

```shop/cart.py
<|start_of_file|>
TAX = 0.2


<|editable_region_start|>
def total(prices, rate):
    return sum(prices) * (1 + rate)


def show(prices):
    print(total(pri<|user_cursor_is_here|>ces))
<|editable_region_end|>
```

### Response:
"""
ZETA2 = """\
<[fim-suffix]>
<[fim-prefix]><filename>shop/tax.py
RATE = 0.2

<filename>edit_history
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -3,2 +3,2 @@
 TAX = 0.2
-def total(prices):
+def total(prices, rate):

<filename>shop/cart.py
TAX = 0.2


<<<<<<< CURRENT
def total(prices, rate):
    return sum(prices) * (1 + rate)


def show(prices):
    print(total(pri<|user_cursor|>ces))
=======
<[fim-middle]>"""
ZETA21 = ZETA2.replace("<<<<<<< CURRENT\n", "<|marker_1|>").replace("=======\n", "<|marker_2|>\n")
SWEEP = """\
<|file_sep|>shop/cart.py
TAX = 0.2


def total(prices, rate):
    return sum(prices) * (1 + rate)


def show(prices):
    print(total(prices))
<|file_sep|>shop/tax.py
RATE = 0.2
<|file_sep|>shop/cart.py.diff
original:
TAX = 0.2
def total(prices):
updated:
TAX = 0.2
def total(prices, rate):
<|file_sep|>original/shop/cart.py:8:9
def show(prices):
    print(total(prices))
<|file_sep|>current/shop/cart.py:8:9
def show(prices):
    print(total(pri<|cursor|>ces))
<|file_sep|>updated/shop/cart.py:8:9
def show(prices):
"""
MERCURY = """\
<|recently_viewed_code_snippets|>
<|recently_viewed_code_snippet|>
code_snippet_file_path: shop/tax.py
RATE = 0.2
<|/recently_viewed_code_snippet|>
<|/recently_viewed_code_snippets|>

<|current_file_content|>
current_file_path: shop/cart.py
TAX = 0.2


def total(prices, rate):
    return sum(prices) * (1 + rate)


<|code_to_edit|>
def show(prices):
    print(total(pri<|cursor|>ces))
<|/code_to_edit|>
<|/current_file_content|>

<|edit_diff_history|>
--- shop/cart.py
+++ shop/cart.py
@@ -3,2 +3,2 @@
 TAX = 0.2
-def total(prices):
+def total(prices, rate):

<|/edit_diff_history|>
"""
INSTINCT = """\
### Context:
<|context_file|>: shop/tax.py
<|snippet|>
RATE = 0.2


### User Edits:

User edited file "shop/cart.py"

```diff
@@ -3,2 +3,2 @@
 TAX = 0.2
-def total(prices):
+def total(prices, rate):
```

### User Excerpt:
shop/cart.py

TAX = 0.2


def total(prices, rate):
    return sum(prices) * (1 + rate)


<|editable_region_start|>
def show(prices):
    print(total(pri<|user_cursor_is_here|>ces))
<|editable_region_end|>```
### Response:"""
CHAT = """\
<file path="shop/tax.py">
RATE = 0.2

</file>
<edits>
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -3,2 +3,2 @@
 TAX = 0.2
-def total(prices):
+def total(prices, rate):

</edits>
<current path="shop/cart.py">
TAX = 0.2


def total(prices, rate):
    return sum(prices) * (1 + rate)


<region>
def show(prices):
    print(total(pri<|cursor|>ces))
</region>
</current>
Reply with the new lines between two lines of ```, or with NO_CHANGE."""


@pytest.mark.parametrize(
    ("name", "region", "related", "golden"),
    [
        ("zeta", (3, 9), (), ZETA),
        ("zeta-2", (3, 9), (HELPER,), ZETA2),
        ("zeta-2.1", (3, 9), (HELPER,), ZETA21),
        ("sweep-next-edit", (7, 9), (HELPER,), SWEEP),
        ("mercury", (7, 9), (HELPER,), MERCURY),
        ("chat", (7, 9), (HELPER,), CHAT),
    ],
)
def test_a_prompt_has_the_form_of_its_family(
    name: str, region: tuple[int, int], related: tuple[Snippet, ...], golden: str
) -> None:
    family = FAMILY[name]
    prompt = prompt_for(family, CART, region, edits=(EDIT,), related=related)
    assert (prompt.rendered.text or prompt.rendered.user) == golden
    assert bool(prompt.rendered.text) == (family.wire == "completions")


def test_instinct_has_its_task_first() -> None:
    prompt = prompt_for(FAMILY["instinct"], CART, (7, 9), edits=(EDIT,), related=(HELPER,))
    task, _, rest = prompt.rendered.user.partition("\n\n")
    assert task.startswith("Reference the user excerpt")
    assert rest == INSTINCT
    assert "<|editable_region_start|>" in prompt.rendered.system


def test_a_chat_predicts_the_region_as_it_is() -> None:
    prompt = prompt_for(FAMILY["chat"], CART, (7, 9))
    assert prompt.rendered.prediction == ("```\ndef show(prices):\n    print(total(prices))\n```")
    assert predicted_edit(prompt, prompt.rendered.prediction) is None


def test_a_chat_sees_the_diagnostics_near_the_region() -> None:
    made = edit_request(CART)
    far, near = (EditDiagnostic(n, "error", "missing\nargument", "pyright") for n in (400, 8))
    prompt = FAMILY["chat"].render(
        type(made)(made.document, made.cursor, made.path, diagnostics=(far, near)),
        prompt_for(FAMILY["chat"], CART, (7, 9)).region,
    )
    assert "line 9: [error] missing argument (source: pyright)\n" in prompt.rendered.user
    assert "401" not in prompt.rendered.user


@pytest.mark.parametrize("name", FAMILY)
def test_control_texts_in_the_region_are_not_sent(name: str) -> None:
    family = FAMILY[name]
    for token in family.tokens:
        assert edit_prompt(edit_request(f'A = "{token}¦"\n'), family) is None


@pytest.mark.parametrize("name", FAMILY)
def test_control_texts_elsewhere_are_broken_up(name: str) -> None:
    family = FAMILY[name]
    for token in family.tokens:
        edits = (hunk("a\n", f"b {token}\n"),)
        filler = "".join(f"a{n} = {n}\n" for n in range(300))
        marked = f"x = '''{token}'''\n{filler}b = ¦1\n"
        with_token = edit_prompt(edit_request(marked, edits, (Snippet("t.py", token),)), family)
        without = edit_prompt(edit_request(marked.replace(token, "")), family)
        assert with_token is not None and without is not None
        sent, plain = (p.rendered.text + p.rendered.user for p in (with_token, without))
        assert sent.count(token) <= plain.count(token) + sum(
            part.count(token) for part in FAMILY_MARKUP.get(name, ())
        )


# The tags that related files and edits bring with them.
FAMILY_MARKUP = {
    "zeta-2": ("<filename>", "<filename>"),
    "zeta-2.1": ("<filename>", "<filename>"),
    "sweep-next-edit": ("<|file_sep|>", "<|file_sep|>"),
    "mercury": ("<|recently_viewed_code_snippet|>", "<|/recently_viewed_code_snippet|>"),
    "instinct": ("<|context_file|>", "<|snippet|>"),
}


def test_sweep_begins_anew_after_an_insertion_above_the_cursor() -> None:
    marked = "a = 1\n\nb = 2\nc = 3\nd¦\n"
    inserted = hunk("", "b = 2\n", 2)
    prompt = prompt_for(FAMILY["sweep-next-edit"], marked, (0, 5), edits=(inserted,))
    assert prompt.prefill == "a = 1\n\n"
    elsewhere = prompt_for(FAMILY["sweep-next-edit"], marked, (0, 5))
    assert elsewhere.prefill == "a = 1\n\nb = 2\nc = 3\n"


def test_the_newest_edits_are_kept_within_the_budget() -> None:
    edits = tuple(hunk(f"old{n}\n", f"new{n}\n") for n in range(20))
    text = prompt_for(FAMILY["zeta-2"], "a¦\n", edits=edits).rendered.text
    assert [n for n in range(20) if f"+new{n}\n" in text] == [14, 15, 16, 17, 18, 19]
    long = (hunk("old\n", "x" * 30_000 + "\n"), hunk("a\n", "last\n"))
    text = prompt_for(FAMILY["chat"], "a¦\n", edits=long).rendered.user
    assert "+last\n" in text and "xxx" not in text


def test_an_accepted_prediction_is_marked_for_zeta_2() -> None:
    made = edit_request("a¦\n", (hunk("a\n", "b\n"),))
    predicted = type(made.edits[0])("shop/cart.py", made.edits[0].hunk, predicted=True)
    text = FAMILY["zeta-2"].render(
        type(made)(made.document, made.cursor, made.path, (predicted,)),
        prompt_for(FAMILY["zeta-2"], "a¦\n").region,
    )
    assert "edit_history\n// User accepted prediction:\n--- a/shop/cart.py\n" in text.rendered.text
