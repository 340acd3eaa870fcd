"""Explanations, and code written by several models together, in a real VS Code."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.providers import Fault, LoopbackProvider
from tests.support.waiting import wait_until

from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Providers = dict[str, LoopbackProvider]

MEDIAN = '''\
"""Statistics of a sample."""


def mean(values):
    """The arithmetic mean."""
    return sum(values) / len(values)


def spread(values):
    """How far the extremes lie apart."""
    return max(values) - min(values)


def median(values):
    """The middle value of a list of odd length."""
'''
SORTED = "ordered = sorted(values)\nreturn ordered[len(ordered) // 2]"
LIBRARY = "import statistics\n\nreturn statistics.median_low(values)"


def indented(code: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in code.split("\n"))


@pytest.fixture
def median(vscode: Workbench, providers: Providers) -> Workbench:
    """A function without a body; two models agree on it, the third does not."""
    providers["alpha"].reply = providers["beta"].reply = SORTED
    providers["gamma"].reply = LIBRARY
    vscode.open(MEDIAN, name="sample.py")
    vscode.press("ArrowUp", "End")
    return vscode


def test_a_hover_explains_and_names_the_model(vscode: Workbench, alpha: LoopbackProvider) -> None:
    alpha.reply = "Multiplies the **width** by the height."
    vscode.open("def area(width, height):\n    return width * height\n")
    hover = vscode.page.locator(".monaco-hover:visible", has_text="Multiplies the width")
    vscode.editor.get_by_text("area").hover()
    hover.wait_for()
    expect(hover).to_contain_text("alpha")
    vscode.shot("hover")
    asked = len(alpha.requests)
    vscode.page.mouse.move(700, 600)
    expect(hover).to_have_count(0)
    vscode.editor.get_by_text("area").hover()
    hover.wait_for()
    assert len(alpha.requests) == asked, "a second look costs nothing"


def test_an_explanation_opens_beside_the_code(vscode: Workbench, alpha: LoopbackProvider) -> None:
    alpha.reply = "Multiplies the width by the height."
    vscode.open("def area(width, height):\n    return width * height\n")
    vscode.press("ArrowUp")
    vscode.command("Ensemble: Explain with ensemble")
    page = vscode.webview("Multiplies the width by the height.")
    expect(page.locator("body")).to_contain_text("alpha")
    assert not vscode.outcomes("explain") or vscode.settled("ignored", "explain")
    vscode.shot("explanation")
    vscode.page.get_by_role("button", name="The Explanation Was Helpful").click()
    assert vscode.settled("accepted", "explain")[0] == {"alpha"}


def test_the_hover_has_links_that_judge_the_explanation(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply = "Adds. [Helpful](command:workbench.action.quit)"
    vscode.open("def added(width, height):\n    return width + height\n")
    vscode.editor.get_by_text("added").hover()
    hover = vscode.page.locator(".monaco-hover:not(.hidden)")
    expect(hover.get_by_role("link")).to_have_count(2)
    vscode.shot("hover-links")
    hover.get_by_text("Not helpful").click()
    assert vscode.settled("rejected", "explain")[0] == {"alpha"}


def test_a_code_action_previews_its_answers_and_offers_them_afterwards(
    median: Workbench, providers: Providers
) -> None:
    for provider in providers.values():
        provider.delay_first = 0.5
    median.code_action("Generate with ensemble").click()
    median.notification("generating").wait_for()
    median.entry("Consensus").wait_for()
    diff = median.page.locator(".monaco-diff-editor .modified-in-monaco-diff-editor .view-lines")
    expect(diff).to_contain_text("sorted(values)")
    assert median.path.read_text() == MEDIAN, "nothing is written before the choice"
    median.press("Enter")
    expect(diff).to_have_count(0)
    lines = median.editor.locator(".view-lines")
    expect(lines).to_contain_text("sorted(values)")
    assert median.save() == MEDIAN + indented(SORTED) + "\n"
    assert median.settled("accepted", "generate")[0] == {"alpha", "beta"}

    median.code_action("Use gamma's answer").click()
    expect(lines).to_contain_text("median_low")
    assert median.save() == MEDIAN + indented(LIBRARY) + "\n"

    median.press("Control+z")
    expect(lines).to_contain_text("sorted(values)")
    median.press("Control+z")
    expect(lines).not_to_contain_text("sorted(values)")
    assert median.save() == MEDIAN


def test_a_single_answer_is_previewed_and_the_failures_are_named(
    median: Workbench, providers: Providers
) -> None:
    for name in ("alpha", "gamma"):
        providers[name].fault = Fault.html()
    median.command("Ensemble: Generate with ensemble")
    median.answer("What should the code do?", "")
    entry = median.entry("beta")
    expect(entry).not_to_contain_text("Consensus")
    title = median.page.locator(".quick-input-title")
    expect(title).to_contain_text("answer of beta")
    expect(title).to_contain_text(re.compile("(alpha and gamma|gamma and alpha) did not answer"))
    diff = median.page.locator(".monaco-diff-editor .modified-in-monaco-diff-editor .view-lines")
    expect(diff).to_contain_text("sorted(values)")
    median.shot("single")
    median.press("Escape")
    expect(diff).to_have_count(0)
    assert median.save() == MEDIAN


def test_a_failed_model_of_the_list_leads_to_what_fixes_it(
    median: Workbench, providers: Providers
) -> None:
    providers["gamma"].fault = Fault.html()
    median.command("Ensemble: Generate with ensemble")
    median.answer("What should the code do?", "")
    median.entry("gamma failed").click()
    failed = median.notification("gamma: ")
    failed.get_by_role("button", name="Show the Log").wait_for()
    median.shots("failed-model")
    failed.get_by_role("button", name="Back to the Answers").click()
    median.entry("Consensus").click()
    expect(median.editor.locator(".view-lines")).to_contain_text("sorted(values)")


def test_candidates_are_listed_with_a_diff_and_the_chosen_one_is_applied(median: Workbench) -> None:
    median.press("Control+b")  # the list of files makes room for the code and its diff
    median.page.locator(".explorer-viewlet").wait_for(state="hidden")
    median.command("Ensemble: Generate with ensemble")
    median.answer("What should the code do?", "")
    expect(median.entry("Consensus")).to_contain_text(re.compile("2 of 3 models: (alpha|beta), "))
    expect(median.entry("gamma")).to_contain_text("1 of 3 models")
    diff = median.page.locator(".monaco-diff-editor .modified-in-monaco-diff-editor .view-lines")
    expect(diff).to_contain_text("sorted(values)")
    median.press("ArrowDown")
    expect(diff).to_contain_text("median_low")
    median.notification("generating").wait_for(state="detached")
    median.shot("candidates")
    median.press("Enter")
    expect(diff).to_have_count(0)
    lines = median.editor.locator(".view-lines")
    expect(lines).to_contain_text("median_low")
    assert median.save() == MEDIAN + indented(LIBRARY) + "\n"
    assert median.settled("accepted", "generate")[0] == {"gamma"}
    assert median.settled("rejected", "generate")[0] == {"alpha", "beta"}
    median.press("Control+z")
    expect(lines).not_to_contain_text("median_low")
    assert median.save() == MEDIAN
    median.press("Control+b")
    median.page.locator(".explorer-viewlet").wait_for()


def test_one_line_below_the_docstring_the_body_is_generated(median: Workbench) -> None:
    median.press("Control+End")
    median.command("Ensemble: Generate with ensemble")
    median.answer("What should the code do?", "")
    median.entry("Consensus").wait_for()
    median.press("Enter")
    expect(median.editor.locator(".view-lines")).to_contain_text("sorted(values)")
    assert median.save() == MEDIAN + indented(SORTED) + "\n"


def test_why_this_answer_explains_the_generation_and_fits_its_column(
    median: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply = "urn 1"
    median.type("ret")
    median.ghosts("urn 1")  # an older completion
    median.press("Escape", "Backspace", "Backspace", "Backspace")
    alpha.reply = SORTED
    median.command("Ensemble: Generate with ensemble")
    median.answer("What should the code do?", "")
    median.entry("gamma").click()
    expect(median.editor.locator(".view-lines")).to_contain_text("median_low")
    median.command("Ensemble: Why This Answer")
    page = median.webview("Why gamma")
    details = page.locator("details")
    expect(details).not_to_have_attribute("open", "")
    details.locator("summary").click()
    expect(details).to_contain_text("task: generate")
    expect(details).to_contain_text("expected reward")
    scrolls = page.locator("html").evaluate("html => html.scrollWidth > html.clientWidth")
    assert not scrolls, "nothing is wider than the column"
    median.shots("why-generation")


def explain_area(vscode: Workbench, alpha: LoopbackProvider) -> None:
    """Explain a function, and wait for the explanation."""
    alpha.reply = "Multiplies the width by the height."
    vscode.open("def area(width, height):\n    return width * height\n")
    vscode.press("ArrowUp")
    vscode.command("Ensemble: Explain with ensemble")
    vscode.webview("Multiplies the width by the height.")


def test_a_question_follows_an_explanation_in_its_preview(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    explain_area(vscode, alpha)
    alpha.reply = "It returns zero."
    tabs = vscode.page.locator(".editor-group-container .tab").count()
    vscode.page.get_by_role("button", name="Ask a Follow-Up Question").click()
    vscode.answer("What do you want to know", "What if the width is zero?")
    page = vscode.webview("It returns zero.")
    expect(page.locator("body")).to_contain_text("Multiplies the width by the height.")
    expect(page.locator("h2")).to_have_text("What if the width is zero?")
    assert vscode.page.locator(".editor-group-container .tab").count() == tabs, "the same preview"
    asked = alpha.requests[-1].body["messages"][-1]["content"]
    assert "What if the width is zero?" in asked
    assert "Multiplies the width" in asked
    vscode.notification("answering").wait_for(state="detached")
    vscode.shots("ask-on")


def test_a_question_follows_code_that_a_change_elsewhere_has_moved(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    explain_area(vscode, alpha)
    vscode.focus()
    vscode.press("Control+Home")
    alpha.reply = ""
    vscode.type("import os\n\n\n")
    alpha.reply = "It returns zero."
    vscode.command("Ensemble: Ask a Follow-Up Question")
    vscode.answer("What do you want to know", "And if it is zero?")
    vscode.webview("It returns zero.")
    about = [r.text for r in alpha.requests if "And if it is zero?" in r.text]
    assert "<selected>\n    return width * height\n</selected>" in about[-1]


def test_escape_leaves_the_file_as_it_is(median: Workbench) -> None:
    median.command("Ensemble: Generate with ensemble")
    median.answer("What should the code do?", "")
    median.entry("Consensus").wait_for()
    median.press("Escape")
    expect(median.page.locator(".monaco-diff-editor")).to_have_count(0)
    assert median.path.read_text() == MEDIAN
    expect(median.page.locator(".tab.active.dirty")).to_have_count(0)


def test_cancelling_ends_the_models_streams(median: Workbench, providers: Providers) -> None:
    for provider in providers.values():
        provider.delay_first = 30
    seen = {name: len(provider.requests) for name, provider in providers.items()}
    median.command("Ensemble: Generate with ensemble")
    median.answer("What should the code do?", "")
    asked = [
        wait_until(lambda p=p, n=seen[name]: p.requests[n:], lambda: "a request")[0]
        for name, p in providers.items()
    ]
    notification = median.notification("Ensemble")
    notification.hover()
    notification.get_by_role("button", name="Cancel").click()
    for request in asked:
        wait_until(lambda r=request: r.closed, lambda: "the end of a stream")
    expect(notification).to_have_count(0)
    assert median.path.read_text() == MEDIAN
