"""Status bar, menu, dashboard and pages in a real VS Code."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.providers import LoopbackProvider
from tests.support.waiting import wait_until

from .conftest import machine_settings
from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

STRICT = re.compile(r"^default-src 'none'; style-src [^;]+; script-src 'nonce-[0-9a-f-]+'$")
CODE = "def area(width, height):\n    "


def accept(vscode: Workbench, alpha: LoopbackProvider) -> None:
    """Accept one suggestion in a new file."""
    alpha.reply = "return width * height"
    vscode.open(CODE)
    vscode.type("ret")
    vscode.ghosts("urn width * height")
    vscode.press("Tab")
    vscode.no_ghost()


def test_the_menu_pins_a_model(vscode: Workbench) -> None:
    vscode.open(CODE)
    vscode.status.click()
    vscode.shot("menu")
    vscode.pick("Model for another task")
    vscode.pick("generated code")
    vscode.entry("Automatic").wait_for()
    vscode.shot("menu-generated-code")
    # "Automatic" names the model that it would ask.
    vscode.page.locator(".quick-input-widget .label-name", has_text="gamma").click()
    expect(
        vscode.page.locator(".statusbar-item", has_text="gamma is pinned for generated code")
    ).to_be_visible()
    vscode.command("Ensemble: Pin a Model for a Task")
    expect(vscode.entry("generated code")).to_contain_text("gamma")
    vscode.pick("generated code")
    vscode.pick("Automatic")
    message = "the model for generated code is chosen automatically"
    expect(vscode.page.locator(".statusbar-item", has_text=message)).to_be_visible()


def test_the_models_are_listed_with_their_record(vscode: Workbench) -> None:
    vscode.status.click()
    vscode.entry("Models").click()
    expect(vscode.entry("alpha")).to_contain_text("complete, explain, generate")
    expect(vscode.entry("gamma")).to_contain_text("generate")
    vscode.press("Escape")


def test_it_shows_why_a_model_was_chosen(vscode: Workbench, alpha: LoopbackProvider) -> None:
    accept(vscode, alpha)
    vscode.status.click()
    vscode.pick("Why this answer")
    page = vscode.webview("Why alpha")
    expect(page.locator("body")).to_contain_text("alpha is the only model for this")
    expect(page.locator("details")).to_contain_text("expected reward")


def test_the_dashboard_is_live_and_follows_the_theme(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    refused: list[str] = []
    vscode.page.on(
        "console",
        lambda message: (
            refused.append(message.text)
            if "Content Security Policy" in message.text and "dashboard" in message.text
            else None
        ),
    )
    accept(vscode, alpha)
    vscode.settled("accepted")
    vscode.command("Ensemble: Open Dashboard")
    page = vscode.webview("Models that would be asked at")
    row = page.locator('section[data-task="complete"] tr', has_text="alpha")
    counted = row.get_by_text(re.compile(r"^\d+ of \d+ shown$"))

    def accepted() -> int:
        return int(counted.inner_text().split(" of ")[0])

    before = accepted()
    expect(row).to_contain_text("%")
    scrolls = page.locator("body").evaluate("body => body.scrollWidth > body.clientWidth")
    assert not scrolls, "nothing is cut off beside an editor"
    policy = page.locator('meta[http-equiv="Content-Security-Policy"]')
    expect(policy).to_have_attribute("content", STRICT)
    vscode.shot("dashboard-light")

    vscode.save()
    vscode.type("\nret")
    vscode.ghosts("urn width * height")
    vscode.press("Tab")
    wait_until(lambda: accepted() > before, lambda: f"more than {before} accepted")

    vscode.page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).to_contain_class("vscode-dark")
    vscode.shot("dashboard-dark")
    vscode.page.emulate_media(color_scheme="light")
    expect(page.locator("body")).to_contain_class("vscode-light")
    assert not refused


def test_the_first_steps_open(vscode: Workbench) -> None:
    vscode.command("Ensemble: Get Started")
    steps = vscode.page.locator(".gettingStartedContainer", has_text="Get started with Ensemble")
    steps.wait_for()
    expect(steps).to_contain_text("Set up a model")
    vscode.shot("walkthrough")


def test_the_report_opens_beside_the_code(vscode: Workbench, alpha: LoopbackProvider) -> None:
    accept(vscode, alpha)
    vscode.save()
    vscode.status.click()
    vscode.pick("Usage report")
    page = vscode.webview("alpha")
    expect(page.locator("body")).to_contain_text("complete")
    vscode.shot("report")


def test_models_are_compared_on_the_workspace(vscode: Workbench, alpha: LoopbackProvider) -> None:
    alpha.reply = "return width * height"
    for n in range(4):
        body = "".join(
            f"def f{n}_{i}(a, b):\n    c = a * {i}\n    return c + b\n\n\n" for i in range(9)
        )
        (vscode.server.workspace / f"module{n}.py").write_text(body)
    vscode.command("Ensemble: Compare Models on This Workspace")
    vscode.pick("complete")
    vscode.page.locator(".quick-input-widget:visible", has_text="alpha").wait_for()
    vscode.press("Enter")
    vscode.answer("Number of Samples", "2")
    page = vscode.webview("alpha")
    expect(page.locator("body")).to_contain_text("exact")


def test_the_question_before_a_comparison_waits_for_an_answer(
    vscode: Workbench, providers: dict[str, LoopbackProvider]
) -> None:
    (vscode.server.workspace / "compared.py").write_text(
        "".join(f"def g{n}(a, b):\n    c = a * {n}\n    return c + b\n\n\n" for n in range(9))
    )
    settings = machine_settings(providers)
    settings["ensemble.models"][0]["local"] = False
    vscode.server.machine(settings)
    try:
        remote = vscode.page.locator(".quick-input-widget:visible", has_text="receives your code")
        for _ in range(10):  # until the server has the setting
            vscode.command("Ensemble: Compare Models on This Workspace")
            vscode.pick("complete")
            vscode.page.locator(".quick-input-widget:visible", has_text="alpha").wait_for()
            if remote.count():
                break
            vscode.press("Escape")
        vscode.press("Enter")
        vscode.answer("Number of Samples", "2")
        dialog = vscode.page.locator(".monaco-dialog-box")
        expect(dialog).to_contain_text("to alpha")
        vscode.shots("compare-question")
        seen = len(providers["alpha"].requests)
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
        expect(vscode.notification("comparing")).to_have_count(0)
        assert len(providers["alpha"].requests) == seen
    finally:
        vscode.server.machine(machine_settings(providers))
