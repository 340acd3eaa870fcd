"""A provider from another package: found by its entry point, used by the server as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.conftest import Home
from tests.support.sources import CODE

pytestmark = pytest.mark.e2e

PACKAGE = Path(__file__).parent.parent / "support" / "echo_provider"


@pytest.fixture
def equipped(home: Home) -> Home:
    """A user who installed the package: it is on the server's module path."""
    path = [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    home.env["PYTHONPATH"] = os.pathsep.join(path)
    return home


async def test_a_provider_of_another_package_completes(equipped: Home, uri: str) -> None:
    equipped.models.append({"name": "mine", "provider": "echo"})
    async with equipped.server() as client:
        client.open(uri, CODE)
        (item,) = await client.inline(uri)
        assert item["insertText"] == "echo('echo-1')"


async def test_a_provider_that_cannot_be_imported_is_named_and_the_server_runs(
    equipped: Home, uri: str
) -> None:
    equipped.models.append({"name": "mine", "provider": "echo", "model": "other"})
    async with equipped.server() as client:
        client.open(uri, CODE)
        (item,) = await client.inline(uri)
        assert item["insertText"] == "echo('other')"
        await client.until(
            lambda: "the provider broken cannot be loaded" in "\n".join(client.messages())
        )


async def test_a_wrong_provider_is_answered_with_the_nearest_one(equipped: Home, uri: str) -> None:
    equipped.models.append({"name": "mine", "provider": "ecco"})
    async with equipped.server() as client:
        await client.until(lambda: 'did you mean "echo"?' in "\n".join(client.messages()))


def test_the_settings_schema_and_the_help_list_it(equipped: Home) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        env = {**os.environ, **equipped.env}
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout

    code = "import json; from ensemble_lsp.settings import json_schema; print(json.dumps(json_schema()))"
    schema = json.loads(run("-c", code))
    names = ["openai", "anthropic", "llamacpp", "recall", "echo"]
    assert schema["$defs"]["ModelSettings"]["properties"]["provider"]["enum"] == names
    usage = run("-m", "ensemble_lsp", "models", "add", "--help")
    assert ", ".join(names) in " ".join(usage.split())
