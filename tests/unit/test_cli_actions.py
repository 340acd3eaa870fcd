"""Subcommands with actions: each action has its own help and options, and one action is the default."""

from __future__ import annotations

import pytest

from ensemble_lsp.cli.main import parse

ACTIONS = {
    "models": ("list", "test", "add", "remove", "why"),
    "history": ("stats", "export", "import", "clear"),
    "finetune": ("list", "prepare", "start", "status", "cancel", "retire"),
}


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parse([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ACTIONS)
def test_each_action_has_a_help_of_its_own(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    texts = {action: help_of(capsys, command, action) for action in ACTIONS[command]}
    bodies = {text.split("\n\n", 1)[1] for text in texts.values()}
    assert len(bodies) == len(texts)
    for action, text in texts.items():
        assert text.startswith(f"usage: ensemble-lsp {command} {action} ")
    overview = help_of(capsys, command)
    assert all(f"\n    {action} " in overview for action in ACTIONS[command])


@pytest.mark.parametrize(
    ("action", "has", "lacks"),
    [
        ("finetune prepare", ("--out", "--validation", "[PATH]"), ("--suffix", "--delete")),
        ("finetune start", ("--suffix", "--no-follow", "[DATA]"), ("--validation", "--follow ")),
        ("finetune status", ("--follow", "[JOB]"), ("--model", "--yes", "--dry-run")),
        ("finetune cancel", ("JOB",), ("--model", "--yes", "[JOB]")),
        ("finetune retire", ("--delete", "--yes", "NAME"), ("--follow", "--model")),
        ("models add", ("--provider", "--base-url"), ("--json",)),
        ("models why", ("FILE:LINE:COL", "--json"), ("--provider", "--key")),
        ("history clear", ("--yes",), ("--out", "FILE]  ")),
    ],
)
def test_the_help_of_an_action_shows_its_options_alone(
    capsys: pytest.CaptureFixture[str], action: str, has: tuple[str, ...], lacks: tuple[str, ...]
) -> None:
    text = help_of(capsys, *action.split())
    assert all(word in text for word in has)
    assert not any(word in text for word in lacks)


@pytest.mark.parametrize(
    ("line", "action", "values"),
    [
        ("finetune", "list", {"json": False}),
        ("finetune --json", "list", {"json": True}),
        ("finetune --model gpt", "list", {"model": "gpt"}),
        ("finetune --model list start data --yes", "start", {"model": "list", "what": "data"}),
        ("finetune start --model gpt data", "start", {"model": "gpt", "what": "data"}),
        ("finetune status --follow", "status", {"what": None, "follow": True}),
        ("finetune cancel mine --yes", "cancel", {"what": "mine"}),
        ("models", "list", {}),
        ("models --json test gpt", "test", {"json": True, "name": "gpt"}),
        ("history --out a.jsonl export", "export", {}),
        ("history", "stats", {"json": False}),
    ],
)
def test_options_may_precede_the_action_or_stand_without_one(
    line: str, action: str, values: dict[str, object]
) -> None:
    args = parse(line.split())
    assert args.action == action
    assert {name: getattr(args, name) for name in values} == values


def test_shared_options_are_kept_wherever_they_are() -> None:
    for line in (
        "--config c.toml finetune status",
        "finetune --config c.toml status",
        "finetune status --config c.toml",
    ):
        assert parse(line.split()).config.name == "c.toml"


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("finetune retire mine --dry-run", "finetune retire", "unrecognized arguments: --dry-run"),
        ("finetune start a b", "finetune start", "unrecognized arguments: b"),
        ("models list --provider openai", "models list", "unrecognized arguments: --provider"),
        ("history frob", "history", "invalid choice: 'frob'"),
    ],
)
def test_an_option_of_another_action_is_refused_with_the_help_to_read(
    capsys: pytest.CaptureFixture[str], line: str, place: str, words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(line.split())
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert words in error
    assert f"`ensemble-lsp {place} --help`" in error
