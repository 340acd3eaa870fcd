"""The status bar, its menu and its switches in a real VS Code: what they say is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, TimeoutError, expect

from tests.support.providers import Fault, LoopbackProvider
from tests.support.waiting import wait_until

from .conftest import machine_settings, model
from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CODE = "def area(width, height):\n    "
Providers = dict[str, LoopbackProvider]


@pytest.fixture
def two(vscode: Workbench, providers: Providers) -> Iterator[Workbench]:
    """Two models that complete, with keys, prices and a budget; the first one is asked first."""
    names = "alpha", "beta"
    settings = machine_settings(providers) | {
        "ensemble.models": [
            model(name, providers[name], inputPrice=1.0, outputPrice=2.0, timeout=60)
            for name in names
        ],
        "ensemble.selector.strategy": "fixed",
        "ensemble.selector.dailyBudget": 5,
    }
    yield from configured(vscode, providers, settings)


def configured(
    vscode: Workbench, providers: Providers, settings: dict[str, Any]
) -> Iterator[Workbench]:
    """Use machine settings for one test, with a fresh server at both ends."""
    vscode.server.machine(settings)
    vscode.restart()
    yield vscode
    vscode.server.machine(machine_settings(providers))
    vscode.restart()


def tooltip(vscode: Workbench) -> Locator:
    """Open the tooltip of the status bar item. A change of the item closes its tooltip."""
    shown = vscode.page.locator(".workbench-hover", has_text="Ensemble").last
    for last in (False, False, False, True):
        vscode.page.mouse.move(640, 300)
        vscode.status.hover()
        try:
            shown.wait_for(timeout=8_000)
            break
        except TimeoutError:
            if last:
                raise
    return shown


def click_in_tooltip(vscode: Workbench, label: str) -> None:
    """Click a link of the tooltip, which a change of the item closes."""
    for _ in range(3):
        link = tooltip(vscode).get_by_text(label, exact=True)
        try:
            link.click(timeout=8_000)
            return
        except TimeoutError:
            continue
    tooltip(vscode).get_by_text(label, exact=True).click()


def statusbar(vscode: Workbench, text: str) -> Locator:
    """A message in the status bar."""
    return vscode.page.locator(".statusbar-item", has_text=text).first


def labels(vscode: Workbench) -> list[str]:
    """The texts that decorations add to the second line; they are in no text node."""
    script = """spans => spans.map(span => getComputedStyle(span, "::after").content)
        .filter(text => text !== "none" && text !== "normal")"""
    spans = vscode.editor.locator(".view-line").nth(1).locator("span")
    return [str(text).strip('"\u00a0') for text in spans.evaluate_all(script)]


def groups(vscode: Workbench) -> Locator:
    """The columns of editors."""
    return vscode.page.locator(".editor-group-container")


# -- the model on the screen -----------------------------------------------------------------------


def test_the_status_names_the_model_of_the_ghost_text_and_of_no_other(
    two: Workbench, alpha: LoopbackProvider, providers: Providers
) -> None:
    beta = providers["beta"]
    alpha.reply, beta.reply = "", "return width * height"
    two.open(CODE)
    two.type("ret")
    two.ghosts("urn width * height")
    expect(two.status).to_contain_text("beta")
    expect(two.status).not_to_contain_text("alpha")
    wait_until(lambda: labels(two) == ["beta"], lambda: f"the label (there is {labels(two)})", 40)
    two.shot("status-shown-light")
    two.type("urn width")
    two.ghosts(" * height")
    two.press("Escape")
    two.no_ghost()
    expect(two.status).to_contain_text("ready")
    wait_until(lambda: labels(two) == [], lambda: f"no label (there is {labels(two)})", 40)
    two.page.emulate_media(color_scheme="dark")
    two.open(CODE)
    two.type("ret")
    two.ghosts("urn width * height")
    wait_until(lambda: labels(two) == ["beta"], lambda: f"the label (there is {labels(two)})", 40)
    two.shot("status-shown-dark")
    two.page.emulate_media(color_scheme="light")


def test_several_suggestions_name_all_their_models_while_the_user_cycles(
    two: Workbench, alpha: LoopbackProvider, providers: Providers
) -> None:
    alpha.reply, providers["beta"].reply = "return width * height", "return height * width"
    two.open(CODE)
    two.type("ret")
    two.ghosts("urn width * height")
    expect(two.status).to_contain_text("alpha")
    two.command("Trigger Inline Suggestion")
    expect(two.status).to_contain_text(re.compile("alpha or beta|beta or alpha"))
    two.press("Alt+]")
    expect(two.status).to_contain_text(re.compile("alpha or beta|beta or alpha"))
    two.press("Tab")
    two.no_ghost()
    expect(two.status).not_to_contain_text(" or ")


def test_failures_have_their_own_words_and_a_button(
    two: Workbench, alpha: LoopbackProvider, providers: Providers
) -> None:
    for provider in (alpha, providers["beta"]):
        provider.fault = Fault.status(429, headers={"retry-after": "1"})
    two.open(CODE)
    two.type("ret")
    expect(two.status).to_contain_text("request limit")
    expect(tooltip(two)).to_contain_text("Try again in 1 s")
    two.focus()
    for provider in (alpha, providers["beta"]):
        provider.fault = Fault.disconnect()
    two.type("u")
    try:
        expect(two.status).to_contain_text("offline", timeout=10_000)
    except AssertionError:  # the key fell into the pause of a second
        two.press("Backspace")
        two.type("u")
        expect(two.status).to_contain_text("offline")
    two.command("Ensemble: Explain with ensemble")
    failed = two.notification("Start the server or change baseUrl")
    failed.get_by_role("button", name="Choose Another Model").wait_for()
    two.shots("status-offline")
    failed.get_by_role("button", name="Show the Log").click()
    two.page.get_by_role("tab", name=re.compile("^Output"), selected=True).wait_for()
    two.press("Control+j")
    alpha.fault = None
    alpha.reply = "return width * height"
    two.restart()
    two.focus()
    two.type("r")
    two.ghosts("n width * height")
    expect(two.status).to_contain_text("alpha")


def test_a_rejected_key_leads_to_the_key(
    vscode: Workbench, alpha: LoopbackProvider, providers: Providers
) -> None:
    alpha.keys = ["sk-another-key"]
    settings = machine_settings(providers) | {
        "ensemble.models": [model("alpha", alpha, apiKeyEnv="PATH")]
    }
    for window in configured(vscode, providers, settings):
        try:
            window.open(CODE)
            window.type("ret")
            expect(window.status).to_contain_text("key rejected")
            expect(tooltip(window)).to_contain_text("Set a valid key")
            click_in_tooltip(window, "Store a Key")
            window.page.locator(".quick-input-widget:visible", has_text="Store the Key").wait_for()
            window.shots("status-key")
            window.press("Escape")
            window.command("Ensemble: Explain with ensemble")
            failed = window.notification("Set a valid key")
            failed.get_by_role("button", name="Store a Key").wait_for()
            window.shot("error-key")
        finally:
            alpha.keys = []


# -- the menu --------------------------------------------------------------------------------------


def test_the_menu_begins_with_the_model(two: Workbench, alpha: LoopbackProvider) -> None:
    alpha.reply = "return width * height"
    two.open(CODE)
    two.status.click()
    expect(two.entry("Automatic")).to_contain_text("would ask alpha here")
    expect(two.entry("Automatic").locator(".codicon-check")).to_be_visible()
    two.shots("menu")
    two.pick("beta")
    expect(statusbar(two, "beta is pinned for completions")).to_be_visible()
    expect(two.status).to_contain_text("beta")
    expect(two.status.locator(".codicon-pinned")).to_be_visible()
    expect(tooltip(two)).to_contain_text("complete: beta")
    two.status.click()
    expect(two.entry("beta").locator(".codicon-check")).to_be_visible()
    expect(two.entry("Automatic")).to_contain_text("would ask alpha here")
    two.pick("Model for another task")
    two.pick("all tasks")
    two.pick("alpha")
    expect(two.status).to_contain_text("alpha")
    two.command("Ensemble: Pin a Model for a Task")
    expect(two.entry("all tasks")).to_contain_text("alpha")
    two.pick("all tasks")
    two.pick("Automatic")
    expect(two.status).to_contain_text("ready")


def test_a_pin_ends_with_its_model_and_returns_with_it(
    two: Workbench, alpha: LoopbackProvider, providers: Providers
) -> None:
    two.open(CODE)
    two.status.click()
    two.pick("beta")
    expect(two.status.locator(".codicon-pinned")).to_be_visible()
    settings = machine_settings(providers)
    two.server.machine(settings | {"ensemble.models": [model("alpha", alpha)]})
    expect(two.status).to_contain_text("ready", timeout=60_000)
    expect(two.status.locator(".codicon-pinned")).to_have_count(0)
    two.status.click()
    expect(two.entry("Automatic").locator(".codicon-check")).to_be_visible()
    two.shot("status-pin-removed")
    two.press("Escape")
    both = [model(name, providers[name]) for name in ("alpha", "beta")]
    two.server.machine(settings | {"ensemble.models": both})
    expect(two.status).to_contain_text("beta", timeout=60_000)


# -- on, off and snoozed ---------------------------------------------------------------------------


def test_a_page_with_the_focus_turns_off_the_language_of_the_code(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply = "return width * height"
    vscode.open(CODE)
    vscode.command("Ensemble: Open Dashboard")
    dashboard = vscode.webview("Models that would be asked at")
    dashboard.get_by_role("heading", name="Usage").click()
    vscode.command("Ensemble: Turn Completions On or Off for This Language")
    expect(statusbar(vscode, "completions and next edits are off for python")).to_be_visible()
    expect(vscode.status).to_contain_text("off for python")
    assert '"ensemble.complete.enabled"' not in user_settings(vscode)
    vscode.shot("status-off-language")
    dashboard.get_by_role("heading", name="Usage").click()
    vscode.command("Ensemble: Turn Completions On or Off for This Language")
    expect(vscode.status).not_to_contain_text("off")


def user_settings(vscode: Workbench) -> str:
    """The text of the user's settings."""
    return (vscode.server.user_data / "User" / "settings.json").read_text()


def test_without_an_editor_the_languages_are_asked_for(vscode: Workbench) -> None:
    vscode.command("Ensemble: Turn Completions On or Off for This Language")
    title = "Complete as You Type in Which Languages?"
    vscode.page.locator(".quick-input-widget:visible", has_text=title).wait_for()
    vscode.press("Escape")
    expect(vscode.status).not_to_contain_text("off")


def test_languages_are_check_boxes(vscode: Workbench) -> None:
    vscode.open(CODE)
    vscode.status.click()
    vscode.pick("Languages")
    python = vscode.entry("python")
    expect(python.get_by_role("checkbox")).to_be_checked()
    vscode.shot("languages")
    python.click()
    vscode.press("Enter")
    expect(vscode.status).to_contain_text("off for python")
    vscode.command("Ensemble: Choose the Languages with Completions")
    expect(vscode.entry("python").get_by_role("checkbox")).not_to_be_checked()
    vscode.entry("python").click()
    vscode.press("Enter")
    expect(vscode.status).not_to_contain_text("off")


def test_one_click_in_the_tooltip_turns_completions_off_and_on(vscode: Workbench) -> None:
    vscode.open(CODE)
    click_in_tooltip(vscode, "Turn off")
    expect(vscode.status).to_contain_text("Ensemble: off")
    expect(tooltip(vscode)).to_contain_text("completions are off everywhere")
    vscode.shot("tooltip-off")
    click_in_tooltip(vscode, "Turn on")
    expect(vscode.status).to_contain_text("ready")


def test_a_snooze_is_quiet_says_its_end_and_can_be_ended(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply = "return width * height"
    vscode.open(CODE)
    vscode.status.click()
    vscode.pick("Snooze for 5 minutes")
    expect(vscode.status).to_contain_text("snoozed until")
    expect(vscode.status.locator(".codicon-bell-slash")).to_be_visible()
    vscode.shots("status-snoozed")
    before = len(alpha.requests)
    vscode.focus()
    vscode.type("ret")
    vscode.no_ghost()
    assert len(alpha.requests) == before
    vscode.command("Trigger Inline Suggestion")
    vscode.ghosts("urn width * height")
    expect(vscode.status).to_contain_text("alpha")  # it is on the screen
    vscode.press("Escape")
    vscode.status.click()
    vscode.pick("End the snooze")
    expect(vscode.status).to_contain_text("ready")
    vscode.command("Ensemble: Snooze Completions until the Server Restarts")
    expect(vscode.status).to_contain_text("Ensemble: snoozed")
    vscode.restart()
    expect(vscode.status).to_contain_text("ready")


# -- usage, faults of the settings, columns --------------------------------------------------------


def test_usage_is_in_the_tooltip_and_in_the_dashboard(
    two: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply = "return width * height"
    two.open(CODE)
    two.type("ret")
    two.ghosts("urn width * height")
    two.press("Tab")
    two.settled("accepted")
    shown = tooltip(two)
    expect(shown).to_contain_text(re.compile(r"Today: [\d,]+ tokens, \$[\d.]+ of \$5.00 \(\d+ %\)"))
    expect(shown).to_contain_text("This month:")
    expect(shown.locator("table")).to_contain_text("alpha")
    two.shot("tooltip-usage-light")
    two.command("Ensemble: Open Dashboard")
    usage = two.webview("Usage").locator("#usage")
    expect(usage).to_contain_text("of $5.00")
    expect(usage.locator("tr", has_text="alpha")).to_contain_text("written")
    expect(usage.locator("#budget")).to_contain_text("of today's budget of $5.00")
    usage.scroll_into_view_if_needed()
    two.shots("dashboard-usage")


def test_a_fault_of_the_config_is_in_the_status_and_leads_to_the_file(vscode: Workbench) -> None:
    config = vscode.server.home / "config.toml"
    config.write_text("[complete]\nbudgetMs = 'soon'\n")
    try:
        vscode.restart()
        expect(vscode.status).to_contain_text("check settings")
        expect(tooltip(vscode)).to_contain_text("complete.budgetMs")
        vscode.shot("tooltip-settings")
        click_in_tooltip(vscode, "Open config.toml")
        vscode.page.get_by_role("tab", name="config.toml", selected=True).wait_for()
    finally:
        config.unlink()
        vscode.restart()
    expect(vscode.status).to_contain_text("ready")


def test_pages_share_one_column_beside_the_code(vscode: Workbench, alpha: LoopbackProvider) -> None:
    alpha.reply = "It multiplies."
    vscode.open(f"{CODE}return width * height")
    vscode.command("Ensemble: Open Dashboard")
    vscode.webview("Models that would be asked at").get_by_role("heading", name="Usage").click()
    vscode.command("Ensemble: Why This Answer")
    vscode.webview("Details")
    expect(groups(vscode)).to_have_count(2)
    vscode.focus()
    vscode.command("Ensemble: Explain with ensemble")
    vscode.webview("It multiplies.")
    vscode.command("Ensemble: Show Usage Report")
    vscode.page.get_by_role("tab", name=re.compile("Report")).wait_for()
    expect(groups(vscode)).to_have_count(2)
    vscode.shots("columns")
