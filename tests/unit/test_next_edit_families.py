"""The prompts of the families of next-edit models, and how their answers are read."""

from __future__ import annotations

import pytest

from ensemble_lsp.next_edit.families import edit_prompt, family_of
from ensemble_lsp.next_edit.families.zeta21 import marker_places
from ensemble_lsp.next_edit.parsing import predicted_edit
from ensemble_lsp.next_edit.prompting import EditDiagnostic
from ensemble_lsp.types import Snippet
from tests.support.next_edit import FAMILY, edit_request, hunk, prompt_for

CART = """\
TAX = 0.2


def total(prices, rate):
    return sum(prices) * (1 + rate)


def show(prices):
    print(total(pri¦ces))
"""
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


@pytest.mark.parametrize(
    ("model", "chats", "family"),
    [
        ("zeta", False, "zeta"),
        ("zed-industries_zeta-Q8_0.gguf", False, "zeta"),
        ("zed-industries/zeta-2", False, "zeta-2"),
        ("hf.co/bartowski/zed-industries_zeta-2-GGUF:Q4_K_M", False, "zeta-2"),
        ("zeta2", False, "zeta-2"),
        ("zeta.i1-Q4_K_M.gguf", False, "zeta"),
        ("mlx-community/zeta-4bit", False, "zeta"),
        ("zeta-7b-gguf", False, "zeta"),
        ("mlx-community/zeta-2-8bit", False, "zeta-2"),
        ("zeta-2-8B-Q5_K_S", False, "zeta-2"),
        ("Zeta-2-q4", False, "zeta-2"),
        ("/models/zeta-2.Q4_K_M.gguf", False, "zeta-2"),
        ("zeta-2.1", True, "zeta-2.1"),
        ("zeta-2.2", True, None),
        ("zeta-2.1-NVFP4.gguf", True, "zeta-2.1"),
        ("hf.co/zed-industries/zeta-2.1:Q4_K_M", True, "zeta-2.1"),
        ("zeta-3", True, None),
        ("sweepai/sweep-next-edit-1.5B", False, "sweep-next-edit"),
        ("sweep-next-edit-v2-7b-Q8_0.gguf", False, "sweep-next-edit"),
        ("hf.co/sweepai/sweep-next-edit-1.5B:latest", False, "sweep-next-edit"),
        ("sweep-next-edit-0.5b.q8_0.v2.gguf", False, "sweep-next-edit"),
        ("continuedev/instinct", True, "instinct"),
        ("nate/instinct:latest", True, "instinct"),
        ("instinct-Q4_K_M.gguf", True, "instinct"),
        ("mercury-edit-2", False, "mercury"),
        ("inception/mercury-edit", False, "mercury"),
        ("mercury-coder", True, "mercury"),
        ("mercury-coder-small", True, "mercury"),
        ("mercury-2", True, "chat"),
        ("gpt-4.1-mini", True, "chat"),
        ("claude-sonnet-4-5", True, "chat"),
        ("qwen2.5-coder:7b", False, None),
        ("betazeta", False, None),
    ],
)
def test_a_family_is_chosen_by_the_models_id(model: str, chats: bool, family: str | None) -> None:
    found = family_of(model, chats=chats)
    assert (found and found.name) == family


def test_a_setting_names_the_family() -> None:
    assert family_of("my-tune", "zeta-2") is FAMILY["zeta-2"]
    assert family_of("zeta-2", "none") is None


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
