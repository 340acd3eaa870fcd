"""The code actions and commands of the presets, over the wire: fix and explain problems, write tests and documentation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, LspError
from tests.support.providers import LoopbackProvider

pytestmark = pytest.mark.e2e

CODE = '''import math


def area(radius):
    return math.pi * radus**2


def cube(side):
    """Return the volume."""
    return side**3
'''
BROKEN = "    return math.pi * radus**2"
FIXED = "    return math.pi * radius**2"
WHOLE = f"```python\ndef area(radius):\n{FIXED}\n```"
FIX, EXPLAIN = "Fix with ensemble", "Explain this error with ensemble"


def diagnostic(client: LspClient, uri: str, word: str, message: str, **more: Any) -> dict[str, Any]:
    text = client.text(uri)
    start = text.index(word)
    place = client.range(text, start, start + len(word))
    return {"range": place, "message": message, "severity": 1, "source": "Pyright", **more}


async def actions(
    client: LspClient, uri: str, *diagnostics: dict[str, Any], word: str = "", **context: Any
) -> dict[str, dict[str, Any]]:
    text = client.text(uri)
    start = text.index(word)
    range_ = diagnostics[0]["range"] if not word else client.range(text, start, start)
    params = {
        "textDocument": {"uri": uri},
        "range": range_,
        "context": {"diagnostics": list(diagnostics), **context},
    }
    found = await client.request("textDocument/codeAction", params)
    return {action["title"]: action for action in found}


async def resolve(client: LspClient, action: dict[str, Any]) -> dict[str, Any]:
    resolved = await client.request("codeAction/resolve", action)
    client.apply(resolved["edit"])
    return resolved


def undefined(client: LspClient, uri: str) -> dict[str, Any]:
    message = '"radus" is not defined'
    return diagnostic(client, uri, "radus", message, code="reportUndefinedVariable")


async def test_a_fix_is_offered_without_a_model_and_written_when_it_is_chosen(
    home: Home, provider: LoopbackProvider, editor: str, uri: str
) -> None:
    provider.reply = WHOLE
    home.model("gpt", provider.base_url)
    async with home.server(editor) as client:
        client.open(uri, CODE)
        await client.command("ensemble.models")
        found = await actions(client, uri, undefined(client, uri))
        assert found[FIX]["kind"] == found[EXPLAIN]["kind"] == "quickfix.ensemble"
        assert found[FIX]["diagnostics"] == [undefined(client, uri)]
        assert "edit" not in found[FIX] and "command" not in found[FIX]
        assert provider.requests == []
        resolved = await resolve(client, found[FIX])
        assert client.text(uri) == CODE.replace(BROKEN, FIXED)
        await client.request("workspace/executeCommand", resolved["command"])
        prompt = str(provider.requests[0].body)
        assert "reportUndefinedVariable (Pyright)" in prompt
        assert "Line 2 of the selected code" in prompt
        stats = (await client.command("ensemble.models"))[0]["stats"]["generate"]
        assert stats["accepted"] == 1


async def test_a_client_that_cannot_resolve_gets_a_command_that_applies_the_fix(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = WHOLE
    home.model("gpt", provider.base_url)
    async with home.server("plain") as client:
        client.open(uri, CODE)
        found = await actions(client, uri, undefined(client, uri))
        command = found[FIX]
        assert isinstance(command["command"], str)
        assert provider.requests == []
        await client.command(command["command"], command["arguments"][0])
        assert client.text(uri) == CODE.replace(BROKEN, FIXED)


async def test_an_answer_that_breaks_the_file_is_not_used(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "def area(radius:\n    return math.pi * radius**2"
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        found = await actions(client, uri, undefined(client, uri))
        with pytest.raises(LspError, match="break the syntax"):
            await client.request("codeAction/resolve", found[FIX])
        provider.reply = f"def area(radius):\n{BROKEN}"
        with pytest.raises(LspError, match="left the code as it is"):
            await client.request("codeAction/resolve", found[FIX])
        assert client.text(uri) == CODE


async def test_a_syntax_error_is_mended(home: Home, provider: LoopbackProvider, uri: str) -> None:
    broken = CODE.replace("def cube(side):", "def cube(side:")
    provider.reply = 'def cube(side):\n    """Return the volume."""\n    return side**3'
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, broken)
        found = await actions(client, uri, diagnostic(client, uri, "(side:", "'(' was not closed"))
        await resolve(client, found[FIX])
        assert client.text(uri) == CODE
        with pytest.raises(LspError, match="The file has changed"):
            await client.request("codeAction/resolve", found[FIX])
        wrong = {**found[FIX], "data": {**found[FIX]["data"], "arguments": 3}}
        with pytest.raises(LspError, match="not valid"):
            await client.request("codeAction/resolve", wrong)


async def test_secrets_in_a_message_do_not_leave_the_machine(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = 'password = str("x")'
    home.model("gpt", provider.base_url, local=False)
    text = 'password: int = "hunter2-klm"\n'
    key = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7" * 2
    messages = (
        'Type "Literal[\'hunter2-klm\']" is not assignable to "int"',
        f"the key {key} is not valid",
        "expected int, got 'hunter2-k…'",
    )
    async with home.server() as client:
        client.open(uri, text)
        problems = [diagnostic(client, uri, "password", message) for message in messages]
        found = await actions(client, uri, *problems)
        await client.request("codeAction/resolve", found[FIX])
        arguments = found[EXPLAIN]["command"]["arguments"][0]
        await client.command("ensemble.explain", {**arguments, "show": False})
        sent = [str(request.body) for request in provider.requests]
        assert len(sent) == 2
        for body in sent:
            assert "is not assignable" in body
            assert "hunter2" not in body
            assert key not in body


async def test_an_excluded_file_has_no_fix_from_a_remote_model(
    home: Home, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url, local=False)
    (home.workspace / ".gitignore").write_text("secret.py\n")
    uri = (home.workspace / "secret.py").as_uri()
    async with home.server() as client:
        client.open(uri, CODE)
        found = await actions(client, uri, undefined(client, uri))
        with pytest.raises(LspError, match="is not sent to gpt"):
            await client.request("codeAction/resolve", found[FIX])
        assert provider.requests == []


async def test_an_error_is_explained(
    home: Home, provider: LoopbackProvider, editor: str, uri: str
) -> None:
    provider.reply = "`radus` is a typing error; write `radius`."
    home.model("gpt", provider.base_url)
    async with home.server(editor) as client:
        client.open(uri, CODE)
        found = await actions(client, uri, undefined(client, uri))
        arguments = found[EXPLAIN]["command"]["arguments"][0]
        assert arguments["show"]
        result = await client.command("ensemble.explain", {**arguments, "show": False})
        assert "a typing error" in result["markdown"]
        assert '"radus" is not defined' in str(provider.requests[0].body)
        provider.reply = "Returns the area."
        plain = {key: value for key, value in arguments.items() if key != "diagnostics"}
        other = await client.command("ensemble.explain", {**plain, "show": False})
        assert "Returns the area" in other["markdown"], "explanations of errors are others"


async def test_only_problems_of_the_place_are_offered_and_no_hints(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        hint = {**undefined(client, uri), "severity": 4}
        assert FIX not in await actions(client, uri, hint)
        elsewhere = diagnostic(client, uri, "side**3", "too large")
        assert FIX not in await actions(client, uri, elsewhere, word="import")
        assert FIX in await actions(
            client, uri, undefined(client, uri), word="radus", only=["quickfix"]
        )
        only = await actions(client, uri, undefined(client, uri), word="radus", only=["quickfix"])
        assert list(only) == [FIX, EXPLAIN]
        refactor = await actions(
            client, uri, undefined(client, uri), word="radus", only=["refactor"]
        )
        assert FIX not in refactor


async def test_documentation_and_tests_are_written_for_a_definition(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        found = await actions(client, uri, word="area(radius)")
        tests, documentation = "Write tests with ensemble", "Write documentation with ensemble"
        assert {tests, documentation} <= set(found)
        assert documentation not in await actions(client, uri, word="cube(side)")
        assert tests not in await actions(client, uri, word="return side")
        assert tests not in await actions(client, uri, word="area(radius)", triggerKind=2)

        provider.reply = f'def area(radius):\n    """Return the area of a circle."""\n{BROKEN}'
        await resolve(client, found[documentation])
        head = 'def area(radius):\n    """Return the area of a circle."""\n'
        documented = CODE.replace("def area(radius):\n", head)
        assert client.text(uri) == documented

        found = await actions(client, uri, word="cube(side)")
        test = "def test_cube():\n    assert cube(2) == 8"
        provider.reply = f"```python\n{test}\n```"
        await resolve(client, found[tests])
        assert client.text(uri) == f"{documented}\n\n{test}\n"


async def test_the_command_writes_for_the_definition_around_the_cursor(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    provider.reply = '"""Return the surface."""'
    async with home.server() as client:
        client.open(uri, CODE)

        def request(line: int) -> dict[str, Any]:
            place = {"line": line, "character": 4}
            range_ = {"start": place, "end": place}
            return {"uri": uri, "range": range_, "preset": "documentation", "apply": False}

        found = await client.command("ensemble.generate", request(4))
        assert "Return the surface." in found["text"]
        with pytest.raises(LspError, match="Put the cursor in a function or class"):
            await client.command("ensemble.generate", request(0))


async def test_a_documentation_comment_goes_above_a_definition(
    home: Home, provider: LoopbackProvider
) -> None:
    code = "const one = 1;\n\nclass Shape {\n  area(side) {\n    return side * side;\n  }\n}\n"
    provider.reply = "```js\n/**\n * Returns the area.\n */\narea(side) {\n```"
    home.model("gpt", provider.base_url)
    uri = (home.workspace / "shape.js").as_uri()
    async with home.server() as client:
        client.open(uri, code, "javascript")
        found = await actions(client, uri, word="area(side)")
        await resolve(client, found["Write documentation with ensemble"])
        comment = "  /**\n   * Returns the area.\n   */\n"
        assert client.text(uri) == code.replace("  area(side)", comment + "  area(side)")


async def test_a_definition_is_found_from_every_word_of_its_first_line(home: Home) -> None:
    exported = "export default function area(side) {\n  return side * side;\n}\n"
    arrow = "export const area = (side) => side * side;\n"
    uri = (home.workspace / "shape.js").as_uri()
    async with home.server() as client:
        await client.command("ensemble.models")
        for code in (exported, arrow):
            client.open(uri, code, "javascript")
            for word in ("export", "area", "side"):
                found = await actions(client, uri, word=word)
                assert "Write documentation with ensemble" in found, (code, word)
            client.close_document(uri)


async def test_the_command_takes_diagnostics(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = WHOLE
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        problem = undefined(client, uri)
        arguments = {
            "uri": uri,
            "range": problem["range"],
            "diagnostics": [{"message": problem["message"], "range": problem["range"]}],
        }
        result = await client.command("ensemble.generate", {**arguments, "apply": False})
        assert result["text"] == f"def area(radius):\n{FIXED}"
        with pytest.raises(LspError, match="none to fix"):
            await client.command(
                "ensemble.generate", {**arguments, "preset": "fix", "diagnostics": []}
            )
        with pytest.raises(LspError, match="preset"):
            await client.command("ensemble.generate", {**arguments, "preset": "sing"})
