"""The server in a real VS Code: a wrong program, a crash, keys, untrusted workspaces, installation."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.support.providers import LoopbackProvider
from tests.support.waiting import wait_until

from .code_server import CodeServer, install
from .conftest import machine_settings, model
from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CODE = "def area(width, height):\n    "
KEY = "sk-for-this-test-only"


@pytest.fixture
def machine(vscode: Workbench, providers: dict[str, LoopbackProvider]) -> Iterator[Workbench]:
    """Settings of the machine are put back."""
    yield vscode
    vscode.server.machine(machine_settings(providers))


def test_a_program_that_cannot_start_is_reported_and_the_next_one_works(
    machine: Workbench, providers: dict[str, LoopbackProvider]
) -> None:
    settings = machine_settings(providers)
    machine.server.machine({**settings, "ensemble.server.path": "/no/such/program"})
    expect(machine.status).to_contain_text("stopped")
    machine.notification("/no/such/program did not start").wait_for()
    machine.shot("off")
    expect(machine.notification("couldn't create connection")).to_have_count(0)
    machine.server.machine(settings)
    expect(machine.status).not_to_contain_text("stopped")
    machine.ready()


def server_of(vscode: Workbench) -> psutil.Process | None:
    """The language server that VS Code started."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        environ = process.info["environ"] or {}
        command = process.info["cmdline"] or []
        if "serve" in command and environ.get("ENSEMBLE_LSP_DATA_DIR") == str(vscode.server.data):
            return process
    return None


def test_a_server_that_keeps_crashing_stays_off_until_the_user_restarts_it(
    vscode: Workbench, alpha: LoopbackProvider
) -> None:
    for _ in range(5):
        process = wait_until(lambda: server_of(vscode), lambda: "a running server")
        vscode.ready()
        process.kill()
        process.wait(10)
    expect(vscode.status).to_contain_text("stopped")
    failed = vscode.notification("The server stopped 5 times in three minutes")
    failed.wait_for()
    vscode.shot("crashed")
    failed.get_by_role("button", name="Restart the Server").click()
    expect(vscode.status).not_to_contain_text("stopped")
    vscode.ready()
    alpha.reply = "return width * height"
    vscode.open(CODE)
    vscode.type("ret")
    vscode.ghosts("urn width * height")


def test_a_key_from_secret_storage_reaches_the_provider_and_no_file(
    machine: Workbench, alpha: LoopbackProvider
) -> None:
    alpha.reply, alpha.keys = "return width * height", [KEY]
    keyed = model("alpha", alpha, apiKeyEnv="ALPHA_API_KEY")
    machine.server.machine({"ensemble.models": [keyed], "ensemble.complete.budgetMs": 20000})
    try:
        machine.command("Ensemble: Store an API Key")
        machine.pick("Another variable")
        machine.answer("Name of the Variable", "ALPHA_API_KEY")
        machine.answer("API key for ALPHA_API_KEY", KEY)
        expect(machine.status).to_contain_text("starting")
        machine.ready()
        machine.open(CODE)
        machine.type("ret")
        machine.ghosts("urn width * height")
        assert alpha.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        machine.command("Ensemble: Remove an API Key")
        machine.pick("ALPHA_API_KEY")
        expect(machine.status).to_contain_text("starting")
        machine.ready()
    finally:
        alpha.keys = []
    home = machine.server.home
    files = [*(home / "user-data" / "User").rglob("*.json"), *(home / "data").rglob("*")]
    files += [*(home / "user-data" / "Machine").rglob("*"), *(home / "workspace").rglob("*")]
    assert not [f for f in files if f.is_file() and KEY.encode() in f.read_bytes()]


def test_settings_of_a_workspace_redirect_nothing(
    machine: Workbench, providers: dict[str, LoopbackProvider], tmp_path: Path
) -> None:
    """In Restricted Mode: the user's own models still work, the workspace's settings do not."""
    theirs, mine = providers["beta"], providers["alpha"]
    theirs.reply, mine.reply = "stolen()", "return width * height"
    folder = machine.server.home / "stranger"
    (folder / ".vscode").mkdir(parents=True)
    hostile = {
        "ensemble.models": [model("beta", theirs)],
        "ensemble.server.path": str(folder / "evil"),
        "ensemble.privacy.exclude": [],
        "ensemble.complete.enabled": False,
        "ensemble.complete.maxLines": 1,
    }
    (folder / ".vscode" / "settings.json").write_text(json.dumps(hostile))
    (folder / "area.py").write_text(CODE)
    before = len(theirs.requests)
    machine.server.settings(
        security__workspace__trust__enabled=True, security__workspace__trust__startupPrompt="never"
    )
    try:
        machine.goto(folder)
        machine.page.locator(".statusbar-item", has_text="Restricted Mode").wait_for()
        machine.look("area.py")
        machine.type("ret")
        machine.ghosts("urn width * height")
        machine.shot("restricted")
        assert mine.requests
        assert len(theirs.requests) == before
        machine.press("Escape", "Control+z")
    finally:
        machine.close()
        machine.server.settings()
        machine.goto()
        machine.ready()


def test_a_trusted_workspace_redirects_nothing_either(
    machine: Workbench, providers: dict[str, LoopbackProvider]
) -> None:
    """What it may set holds, so it was read; models, programs and what privacy keeps are not its business."""
    theirs, mine = providers["beta"], providers["alpha"]
    theirs.reply, mine.reply = "stolen()", "return width * height"
    vscode, before = machine, len(theirs.requests)
    settings = vscode.server.workspace / ".vscode" / "settings.json"
    settings.parent.mkdir(exist_ok=True)
    hostile = {
        "ensemble.models": [model("beta", theirs)],
        "ensemble.server.path": str(settings.parent / "evil"),
        "ensemble.privacy.redactSecrets": False,
        "ensemble.complete.disabledLanguages": ["python"],
    }
    vscode.open(CODE)
    try:
        settings.write_text(json.dumps(hostile))
        expect(vscode.status.locator(".codicon-circle-slash")).to_be_visible()
        vscode.type("ret")
        vscode.command("Trigger Inline Suggestion")
        vscode.ghosts("urn width * height")
        assert len(theirs.requests) == before
    finally:
        settings.unlink()
        expect(vscode.status.locator(".codicon-circle-slash")).to_have_count(0)


@pytest.mark.timeout(600)
def test_the_server_is_installed_where_there_is_none(
    page: Page, vsix: Path, alpha: LoopbackProvider, tmp_path: Path
) -> None:
    alpha.reply = "return width * height"
    programs = os.environ["PATH"].split(os.pathsep)
    bare = [p for p in programs if not (Path(p) / "ensemble-lsp").exists()]
    server = CodeServer(install(), vsix, tmp_path, os.pathsep.join(bare))
    server.settings()
    server.machine(
        {"ensemble.models": [model("alpha", alpha)], "ensemble.complete.budgetMs": 20000}
    )
    server.start()
    tab = page.context.new_page()
    try:
        vscode = Workbench(tab, server)
        vscode.goto()
        expect(vscode.status).to_contain_text("install", timeout=60_000)
        offer = vscode.notification("It can install the server")
        vscode.shot("install")
        vscode.command("Ensemble: Open Dashboard")
        missing = vscode.webview("ensemble-lsp is not installed")
        missing.get_by_role("button", name="Install the server").wait_for()
        vscode.shot("dashboard-missing")
        offer.get_by_role("button", name="Install", exact=True).click()
        expect(vscode.status).to_contain_text("ready", timeout=400_000)
        vscode.webview("There is no data yet")
        vscode.shot("dashboard-empty")
        vscode.close()
        vscode.open(CODE)
        vscode.type("ret")
        vscode.ghosts("urn width * height")
    finally:
        tab.close()
        server.stop()
