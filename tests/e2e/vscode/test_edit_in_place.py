"""An edit in place: a box at the selection, a diff of the answer, keys that decide, in a real VS Code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.support.providers import Fault, LoopbackProvider
from tests.support.waiting import wait_until
from tests.support.wire_formats import prompt_text

from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Providers = dict[str, LoopbackProvider]

CODE = """\
def total(prices):
    result = 0
    for price in prices:
        result = result + price
    return result
"""
SUM = "def total(prices):\n    return sum(prices)"
LOOP = "def total(prices):\n    result = 0\n    for p in prices:\n        result += p\n    return result"


def code(text: str) -> Callable[[dict[str, Any]], str]:
    """Reply to an instruction. Next edits that nobody wants would lower the expectation of later ones."""
    return lambda body: "" if "<region>" in prompt_text(body) else text


@pytest.fixture
def total(vscode: Workbench, providers: Providers) -> Workbench:
    """A selected function; two models give one answer, the third another."""
    providers["alpha"].reply = providers["beta"].reply = code(SUM)
    providers["gamma"].reply = LOOP
    vscode.open(CODE)
    vscode.press("Control+Home", "Control+Shift+End", "Shift+ArrowLeft")
    return vscode


def box(vscode: Workbench) -> Locator:
    """The box at the selection."""
    return vscode.editor.locator(".review-widget")


def focused(vscode: Workbench) -> None:
    """Wait until the box has the focus: it is drawn anew for each request."""
    expect(box(vscode).locator(".monaco-editor.focused")).to_be_visible()


def send(vscode: Workbench, text: str) -> None:
    """Type into the box, which has the focus, and send it."""
    focused(vscode)
    vscode.type(text)
    vscode.press("Enter")


def diff(vscode: Workbench) -> Locator:
    """The answer's diff, which is Markdown in the box."""
    return box(vscode)


@pytest.fixture
def offline(total: Workbench, providers: Providers) -> Iterator[Workbench]:
    """The selected function while no model answers; at the end the server forgets the failures."""
    for provider in providers.values():
        provider.fault = Fault.disconnect()
    yield total
    total.restart()


def test_a_failed_edit_keeps_its_instruction_and_leads_to_what_fixes_it(
    offline: Workbench, providers: Providers
) -> None:
    offline.press("Control+Alt+e")
    send(offline, "use a builtin")
    expect(box(offline)).to_contain_text("Start the server")
    text = box(offline).locator(".monaco-editor.focused .view-lines").first
    expect(text).to_contain_text("use a builtin")
    offline.shots("edit-failed")
    box(offline).get_by_text("Choose Another Model").click()
    offline.entry("Automatic").wait_for()
    offline.press("Escape")
    for provider in providers.values():
        provider.fault = None
    offline.restart()
    box(offline).locator(".monaco-editor .view-lines").first.click()
    focused(offline)
    offline.press("Enter")
    expect(diff(offline)).to_contain_text("return sum(prices)")


def test_the_keys_of_an_edit_keep_their_meaning_in_another_file(total: Workbench) -> None:
    first = total.name
    total.press("Control+Alt+e")
    send(total, "use a builtin")
    expect(diff(total)).to_contain_text("return sum(prices)")
    focused(total)
    total.open("one = 1\n")
    total.press("Control+Home", "Control+Enter")  # inserts a line below
    total.press("Escape")
    assert total.save() == "one = 1\n\n"
    total.name = first
    total.page.get_by_role("tab", name=first).click()
    expect(diff(total)).to_contain_text("return sum(prices)")
    assert total.path.read_text() == CODE
    total.press("Control+Enter")
    expect(box(total)).to_have_count(0)  # with its diff, which has the same text
    expect(total.editor.locator(".view-lines")).to_contain_text("return sum(prices)")
    assert total.save() == SUM + "\n"


def test_an_edit_is_refined_and_accepted_by_keys(total: Workbench, providers: Providers) -> None:
    total.press("Control+Alt+e")
    send(total, "use a builtin")
    expect(diff(total)).to_contain_text("return sum(prices)")
    expect(box(total)).to_contain_text(re.compile(r"alpha and beta|beta and alpha"))
    expect(box(total)).to_contain_text("2 of 3 models")
    expect(total.editor.get_by_text("Accept (Ctrl+Enter)")).to_be_visible()
    total.shot("edit-in-place-light")
    assert total.path.read_text() == CODE, "nothing is written before it is accepted"

    focused(total)
    total.press("Alt+]")
    expect(diff(total)).to_contain_text("for p in prices")
    expect(box(total)).to_contain_text("gamma")
    total.shot("edit-in-place-another")

    seen = len(providers["alpha"].requests)
    for name in ("alpha", "beta", "gamma"):
        providers[name].reply = code(SUM.replace("return", "# exact\n    return"))
    send(total, "add a comment")
    expect(diff(total)).to_contain_text("# exact")
    asked = providers["alpha"].requests[seen].body["messages"][-1]["content"]
    assert "add a comment" in asked
    assert LOOP in asked
    total.shot("edit-in-place-follow-up")

    expect(total.editor.get_by_text("1 of 1")).to_be_visible()
    total.shots("edit-in-place")
    focused(total)
    total.press("Control+Enter")
    expect(box(total)).to_have_count(0)
    expect(total.editor.locator(".view-lines")).to_contain_text("# exact")
    total.settled("accepted", "generate")
    assert total.save() == SUM.replace("return", "# exact\n    return") + "\n"
    total.press("Control+z")
    assert total.save() == CODE


def test_escape_discards_the_edit(total: Workbench) -> None:
    total.press("Control+Alt+e")
    send(total, "use a builtin")
    expect(diff(total)).to_contain_text("return sum(prices)")
    focused(total)
    total.press("Escape")
    expect(box(total)).to_have_count(0)
    total.settled("rejected", "generate")
    assert total.save() == CODE


def test_failures_are_named_and_a_single_answer_is_its_models(
    total: Workbench, providers: Providers
) -> None:
    for name in ("alpha", "gamma"):
        providers[name].fault = Fault.html()
    total.press("Control+Alt+e")
    send(total, "use a builtin")
    expect(diff(total)).to_contain_text("return sum(prices)")
    expect(box(total)).to_contain_text(
        re.compile("(alpha and gamma|gamma and alpha) did not answer")
    )
    expect(box(total)).to_contain_text("answer of beta")
    expect(box(total)).not_to_contain_text("agree")
    total.shot("edit-in-place-single")
    focused(total)
    total.press("Escape")
    expect(box(total)).to_have_count(0)


def test_escape_stops_the_models(total: Workbench, providers: Providers) -> None:
    for provider in providers.values():
        provider.delay_first = 60
    seen = {name: len(provider.requests) for name, provider in providers.items()}
    total.press("Control+Alt+e")
    send(total, "use a builtin")
    requests = [
        wait_until(lambda p=p, n=seen[name]: p.requests[n:], lambda: "a request")[0]
        for name, p in providers.items()
    ]
    expect(box(total)).to_contain_text("is writing")
    expect(box(total)).to_contain_text("Escape stops them")
    total.shot("edit-in-place-running")
    focused(total)
    total.press("Escape")
    expect(box(total)).to_have_count(0)
    for request in requests:
        wait_until(lambda r=request: r.closed, lambda: "the end of a stream")
    assert total.path.read_text() == CODE


STEPS = "\n".join(f"    step_{n} = sum(prices[{n}:])" for n in range(12))
SLOW = f"def total(prices):\n    result = 0\n{STEPS}\n    return result"


def test_the_diff_grows_while_a_model_writes(total: Workbench, providers: Providers) -> None:
    for provider in providers.values():
        provider.reply, provider.delay_chunk = code(SLOW), 0.2
        provider.delay_first = 60.0
    providers["beta"].delay_first = 0.0
    seen = len(providers["beta"].requests)
    total.press("Control+Alt+e")
    send(total, "one step for each")
    expect(box(total)).to_contain_text("beta is writing")
    expect(diff(total)).to_contain_text("step_2 =", timeout=40_000)
    expect(diff(total)).not_to_contain_text("step_11 =")
    expect(diff(total)).to_contain_text("    result = 0", use_inner_text=True)
    expect(box(total)).to_contain_text("Escape stops them")
    focused(total)
    total.shots("edit-in-place-growing")
    assert total.path.read_text() == CODE
    focused(total)
    total.press("Escape")
    expect(box(total)).to_have_count(0)
    request = providers["beta"].requests[seen]
    wait_until(lambda: request.closed, lambda: "the end of the stream")
    assert total.save() == CODE, "nothing is left in the file"


def test_a_grown_diff_is_accepted_and_undone_at_once(
    total: Workbench, providers: Providers
) -> None:
    for provider in providers.values():
        provider.reply, provider.delay_chunk = code(SLOW), 0.02
    total.press("Control+Alt+e")
    send(total, "one step for each")
    expect(total.editor.get_by_text("Accept (Ctrl+Enter)")).to_be_visible()
    expect(diff(total)).to_contain_text("step_11 =")
    focused(total)
    total.press("Control+Enter")
    expect(box(total)).to_have_count(0)
    assert total.save() == SLOW + "\n"
    total.press("Control+z")
    assert total.save() == CODE


def test_a_growing_diff_leaves_the_focus_where_the_user_is(
    total: Workbench, providers: Providers
) -> None:
    for provider in providers.values():
        provider.reply, provider.delay_chunk, provider.delay_first = code(SLOW), 0.2, 60.0
    providers["beta"].delay_first = 0.0
    request = len(providers["beta"].requests)
    total.press("Control+Alt+e")
    send(total, "one step for each")
    expect(diff(total)).to_contain_text("step_0 =", timeout=40_000)
    focused(total)
    total.type("shorter")
    expect(box(total).locator(".monaco-editor.focused")).to_contain_text("shorter")
    total.editor.locator(".view-line").first.click()
    sent = providers["beta"].requests[request].sent
    wait_until(
        lambda: providers["beta"].requests[request].sent > sent + 20, lambda: "more of the answer"
    )
    inside = total.page.evaluate("!!document.activeElement.closest('.review-widget')")
    assert not inside, "the keys still go to the code"
    total.command("Ensemble: Discard the Edit")
    expect(box(total)).to_have_count(0)
    assert total.save() == CODE
