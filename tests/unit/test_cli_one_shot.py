"""complete, explain and generate on the command line, against providers on loopback."""

from __future__ import annotations

import pytest

from tests.support.cli import InProcess
from tests.support.providers import Fault, LoopbackProvider, running

CODE = "def add(a, b):\n    \n\n\ndef double(x):\n    return x * 2\n"
SHAPE = {"task", "text", "models", "latencyMs", "agreement", "why"}
NASTY = "x\x1b]0;pwned\x07y\x1b[31mz\x9b2J\u202e"


@pytest.fixture
def user(user: InProcess) -> InProcess:
    user.file("app.py", CODE)
    return user


@pytest.fixture
def two(user: InProcess, provider: LoopbackProvider) -> InProcess:
    """A model of each protocol."""
    user.model("gpt", provider.base_url)
    user.model("claude", provider.origin, provider="anthropic")
    return user


# -- complete ----------------------------------------------------------------------------------


def test_complete_prints_the_text_and_says_who_wrote_it(two: InProcess) -> None:
    result = two.run("complete", "app.py:2:5", "--model", "gpt")
    assert (result.code, result.out, result.err) == (0, "return a + b\n", "(gpt)\n")


def test_complete_as_json(two: InProcess) -> None:
    answer = two.run("complete", "app.py:2:5", "--model", "claude", "--json").json
    assert set(answer) == SHAPE
    assert (answer["task"], answer["text"], answer["models"]) == (
        "complete",
        "return a + b",
        ["claude"],
    )
    assert answer["latencyMs"] > 0
    assert answer["agreement"] is None
    assert "claude" in answer["why"]


def test_complete_asks_once_for_the_one_completion_it_prints(
    user: InProcess, provider: LoopbackProvider
) -> None:
    user.model("gpt", provider.base_url)
    assert user.run("complete", "app.py:2:5").code == 0
    assert len(provider.requests) == 1


def test_complete_with_an_ensemble_tells_how_far_the_models_agree(two: InProcess) -> None:
    answer = two.run("complete", "app.py:2:5", "--ensemble", "2", "--json").json
    assert sorted(answer["models"]) == ["claude", "gpt"]
    assert 0 < answer["agreement"] <= 1


def test_complete_goes_on_to_the_next_model_when_one_fails(
    user: InProcess, provider: LoopbackProvider
) -> None:
    with running(LoopbackProvider(fault=Fault.status(500))) as broken:
        user.model("broken", broken.base_url)
        user.model("good", provider.base_url)
        user.table("selector", strategy="fixed")
        result = user.run("complete", "app.py:2:5")
    assert (result.code, result.err) == (0, "(good)\n")


def test_a_failure_of_the_only_model_is_told_in_its_words(user: InProcess) -> None:
    with running(LoopbackProvider(keys=["right-key-1234"])) as provider:
        user.model("gpt", provider.base_url, apiKeyEnv="MINE")
        user.env["MINE"] = "wrong-key-1234"
        result = user.run("complete", "app.py:2:5")
    result.fails(1, "gpt", "MINE")
    assert "wrong-key-1234" not in result.err


def test_nothing_to_complete_is_a_failed_task(user: InProcess, provider: LoopbackProvider) -> None:
    provider.reply = ""
    user.model("gpt", provider.base_url)
    user.run("complete", "app.py:2:5").fails(1)


@pytest.mark.parametrize("task", ["complete app.py:2:5", "explain app.py", "generate add"])
def test_without_any_model_it_says_how_to_get_one(user: InProcess, task: str) -> None:
    user.run(*task.split()).fails(
        1, f"Add a model: none can {task.split(maxsplit=1)[0]}", "models add smollm2"
    )


def test_an_excluded_file_is_not_sent(two: InProcess, provider: LoopbackProvider) -> None:
    two.lines.clear()
    # An address that is not this machine's: nothing may be sent there.
    two.model("remote", "http://192.0.2.1/v1", timeout=2)
    two.file("secrets.toml", "a = 1\n")
    result = two.run("complete", "secrets.toml:1:3")
    result.fails(1, "hold secrets")


# -- explain -----------------------------------------------------------------------------------


def test_explain_takes_a_file_a_symbol_or_lines(two: InProcess, provider: LoopbackProvider) -> None:
    provider.reply = "It doubles a number."
    double = "def double(x):\n    return x * 2"
    for place, shown in [
        ("app.py", CODE.strip()),
        ("app.py:6", double),
        ("app.py:5-6", double),
        ("app.py:6-6", "return x * 2"),
    ]:
        result = two.run("explain", place, "--model", "gpt")
        assert (result.code, result.out) == (0, "It doubles a number.\n"), place
        asked = provider.requests[-1].text.split("<selected>")[1].split("</selected>")[0]
        assert asked.strip() == shown


def test_explain_as_json_by_two_models(two: InProcess, provider: LoopbackProvider) -> None:
    provider.reply = "It doubles a number."
    answer = two.run("explain", "app.py:5", "--ensemble", "2", "--json").json
    assert set(answer) == SHAPE
    assert answer["task"] == "explain"
    assert sorted(answer["models"]) == ["claude", "gpt"]
    assert answer["agreement"] == 1.0


# -- generate ----------------------------------------------------------------------------------


def test_generate_needs_no_file(two: InProcess, provider: LoopbackProvider) -> None:
    provider.reply = "def twice(x):\n    return 2 * x\n"
    result = two.run("generate", "double a number", "--model", "gpt")
    assert (result.code, result.err) == (0, "(gpt)\n")
    assert result.out.strip() == provider.reply.strip()
    assert "double a number" in provider.requests[-1].text


def test_generate_at_a_place_by_an_ensemble(two: InProcess, provider: LoopbackProvider) -> None:
    provider.reply = "def twice(x):\n    return 2 * x\n"
    answer = two.run("generate", "double", "--at", "app.py:3", "--ensemble", "2", "--json").json
    assert set(answer) == SHAPE
    assert answer["task"] == "generate"
    assert 0 < answer["agreement"] <= 1
    assert sorted(answer["models"]) == ["claude", "gpt"]
    assert len(provider.requests) == 2
    assert all("def add" in r.text for r in provider.requests)


def test_generate_names_the_members_that_failed(two: InProcess, provider: LoopbackProvider) -> None:
    # Different answers: where two agree, the third is not waited for.
    bodies = {"gpt": "    return 2 * x\n", "claude": "    for _ in range(2):\n        print(x)\n"}
    provider.reply = lambda request: f"def twice(x):\n{bodies[request['model']]}"
    with running(LoopbackProvider(fault=Fault.status(503))) as broken:
        two.model("broken", broken.base_url)
        result = two.run("generate", "double", "--ensemble", "3")
    assert result.code == 0
    assert " broken: " in result.err
    assert "agree" not in result.err, "one model's answer is that model's answer"
    assert "gpt" in result.err or "claude" in result.err


def test_generate_changes_no_file(two: InProcess) -> None:
    assert two.run("generate", "double", "--at", "app.py:3").code == 0
    assert (two.work / "app.py").read_text() == CODE


# -- places and names --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("complete app.py", "FILE:LINE:COL"),
        ("complete app.py:2", "FILE:LINE:COL"),
        ("complete app.py:0:1", "counted from 1"),
        ("complete app.py:2:0", "counted from 1"),
        ("complete app.py:99:1", "7 lines, not 99"),
        ("complete app.py:1:99", "15 columns, not 99"),
        ("complete app.py:99999999999999999999999:1", "lines"),
        ("complete gone.py:1:1", "gone.py does not exist"),
        ("complete .:1:1", "is a folder"),
        ("complete binary.py:1:1", "binary"),
        ("complete latin.py:1:1", "not UTF-8"),
        ("explain gone.py", "gone.py does not exist"),
        ("explain app.py:99", "7 lines, not 99"),
        ("explain app.py:5-99", "7 lines, not 99"),
        ("explain app.py:5-4", "must not come before"),
        ("explain app.py:5-0", "must not come before"),
        ("explain app.py:0-4", "counted from 1"),
        ("generate add --at gone.py:1", "gone.py does not exist"),
        ("generate add --at app.py:0", "counted from 1"),
        ("generate add --at app.py:99", "7 lines, not 99"),
        ("complete app.py:2:5 --model gtp", "did you mean 'gpt'"),
        ("explain app.py:5 --model gtp", "did you mean 'gpt'"),
        ("generate add --model gtp", "did you mean 'gpt'"),
        ("complete app.py:2:5 --ensemble 0", "from 1 to 9"),
        ("complete app.py:2:5 --ensemble two", "from 1 to 9"),
        ("complete app.py:2:5 --ensemble 2 --model gpt", "not allowed with"),
        ("explain app.py --model lines", "configured for complete, not for explain"),
        ("complete", "required"),
        ("generate", "required"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    two: InProcess, provider: LoopbackProvider, arguments: str, words: str
) -> None:
    two.model("lines", provider.base_url, tasks=["complete"])
    two.file("binary.py", b"x = 1\0\n")
    two.file("latin.py", "x = 'é'\n".encode("latin-1"))
    two.run(*arguments.split()).fails(2, words)
    assert not provider.requests


def test_an_empty_instruction_without_a_place_is_refused(two: InProcess) -> None:
    two.run("generate", " ").fails(2, "Give an instruction")


# -- what a model may not do to a terminal -----------------------------------------------------


@pytest.mark.parametrize("command", ["complete app.py:2:5", "explain app.py", "generate add"])
def test_no_escape_sequence_of_a_model_is_printed(
    user: InProcess, provider: LoopbackProvider, command: str
) -> None:
    provider.reply = f"value = '{NASTY}'"
    user.model("gpt", provider.base_url)
    result = user.run(*command.split())
    assert result.code == 0
    assert not set(result.out + result.err) & set("\x1b\x07\x9b\u202e")
    assert "xyz" in result.out


def test_no_escape_sequence_of_a_provider_is_printed(user: InProcess) -> None:
    fault = Fault.status(400, {"error": {"message": NASTY, "type": "invalid_request_error"}})
    with running(LoopbackProvider(fault=fault)) as provider:
        user.model("gpt", provider.base_url)
        result = user.run("generate", "add")
    result.fails(1)
    assert not set(result.err) & set("\x1b\x07\x9b\u202e")
