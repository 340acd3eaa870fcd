"""The commands compare and report: in the editor with progress and cancel, and on the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home, cli
from tests.support.lsp_client import LspError
from tests.support.providers import Fault, LoopbackProvider, running
from tests.unit.test_evaluation_cases import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
def shop(home: Home, provider: LoopbackProvider) -> Path:
    """A workspace with code, and a model that always says the same."""
    provider.reply = "return items[0]"
    home.model("gpt", provider.base_url)
    file = home.workspace / "shop.py"
    file.write_text(CODE)
    return file


async def test_compare_writes_a_report_of_the_workspace(home: Home, shop: Path) -> None:
    async with home.server() as client:
        told = await client.command("ensemble.compare", {"samples": 6}, timeout=90)
        assert told["advice"] == "6 cases are too few to recommend a model; measure 10 or more."
        html = await asyncio.to_thread(Path(told["html"]).read_text)
        assert "6 cases from 1 file of workspace, 1 model," in html and "<script" not in html
        assert Path(told["markdown"]).parent == home.path / "data" / "comparisons" / "complete"
        begun = [p["value"] for m, p in client.notifications if m == "$/progress"]
        assert begun[0]["kind"] == "begin" and begun[0]["cancellable"]
        assert begun[-1] == {"kind": "end", "message": "done"}
        reports = [v for v in begun if v["kind"] == "report"]
        assert reports[-1]["percentage"] == 100


async def test_cancelling_closes_the_stream_and_the_next_run_goes_on(
    home: Home, shop: Path, provider: LoopbackProvider
) -> None:
    provider.delay_first = 30
    async with home.server() as client:
        running_ = asyncio.ensure_future(
            client.command("ensemble.compare", {"samples": 3, "models": ["gpt"]}, timeout=90)
        )
        await provider.until(lambda p: p.requests)
        token = next(
            p["token"] for m, p in client.requests if m == "window/workDoneProgress/create"
        )
        client.notify("window/workDoneProgress/cancel", {"token": token})
        with pytest.raises(LspError):
            await running_
        await provider.until(lambda p: all(r.closed for r in p.requests))
        asked = len(provider.requests)
        provider.delay_first = 0
        told = await client.command("ensemble.compare", {"samples": 3}, timeout=90)
        assert told["html"] and len(provider.requests) == asked + 3


async def test_a_run_may_ask_anew_and_only_for_one_kind(
    home: Home, shop: Path, provider: LoopbackProvider
) -> None:
    arguments = {"samples": 2, "models": ["gpt"], "kinds": ["line"], "language": "python"}
    async with home.server() as client:
        await client.command("ensemble.compare", arguments, timeout=90)
        assert len(provider.requests) == 2
        await client.command("ensemble.compare", arguments, timeout=90)
        assert len(provider.requests) == 2  # the answers of the run before are kept
        await client.command("ensemble.compare", {**arguments, "fresh": True}, timeout=90)
        assert len(provider.requests) == 4


async def test_the_users_open_documents_are_not_touched(home: Home, shop: Path, uri: str) -> None:
    async with home.server() as client:
        client.open(shop.as_uri(), CODE + "unsaved = 1\n")
        await client.command("ensemble.compare", {"samples": 4, "models": ["gpt"]}, timeout=90)
        client.insert(shop.as_uri(), 0, "# typed\n")
        hover = await client.request("textDocument/hover", client.at(shop.as_uri(), 40))
        assert hover is None or "contents" in hover
        assert not [m for m in client.messages() if "version" in m]


async def test_report_is_written_and_wrong_arguments_are_told(home: Home, shop: Path) -> None:
    async with home.server() as client:
        told = await client.command("ensemble.report", {"task": "complete"})
        assert Path(told["html"]).is_file() and Path(told["markdown"]).is_file()
        for name, arguments, said in (
            ("ensemble.report", {"task": "sing"}, "sing"),
            ("ensemble.compare", {"samples": -1}, "samples"),
            ("ensemble.compare", {"paths": ["/nowhere/at/all"]}, "does not exist"),
            ("ensemble.compare", {"models": ["gtp"]}, "did you mean 'gpt'"),
            ("ensemble.compare", {"out": "here"}, "absolute"),
            ("ensemble.compare", {"engine": "spark"}, 'one of "local", "ray"'),
            (
                "ensemble.compare",
                {"kinds": ["song"]},
                "'song' is not a kind of case for the task complete; use line",
            ),
            ("ensemble.compare", {"language": 3}, "'language' must be a string"),
        ):
            with pytest.raises(LspError) as error:
                await client.command(name, arguments)
            assert said in str(error.value)


def test_the_command_line_compares_two_models_and_resumes(
    home: Home, shop: Path, provider: LoopbackProvider
) -> None:
    with running(LoopbackProvider("nothing of the kind")) as other:
        home.model("other", other.base_url)
        out = home.path / "out"
        arguments = ["compare", str(home.workspace), "--samples", "6", "--out", str(out), "--json"]
        first = cli(home, *arguments)
        assert first.returncode == 0, first.stderr
        told = json.loads(first.stdout)
        names = {row["model"]: row for row in told["models"]}
        assert set(names) == {"gpt", "other"} and names["gpt"]["asked"] == 6
        assert {p.name for p in out.iterdir()} >= {
            "report.html", "report.md", "report.json", "results.jsonl",
        }  # fmt: skip
        asked = len(provider.requests), len(other.requests)
        again = cli(home, *arguments)
        assert again.returncode == 0 and "12 answers already there" in again.stderr
        assert (len(provider.requests), len(other.requests)) == asked


def test_a_model_that_fails_is_a_row_and_not_the_end(home: Home, shop: Path) -> None:
    with running(LoopbackProvider("x", fault=Fault.status(500))) as broken:
        home.model("broken", broken.base_url)
        done = cli(home, "compare", str(home.workspace), "--samples", "2", "--out", "out", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["model"]: row for row in json.loads(done.stdout)["models"]}
    assert rows["broken"]["failed"] == 2 and rows["broken"]["message"]
    assert rows["gpt"]["failed"] == 0 and rows["gpt"]["scores"]["similarity"]["n"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "does not exist"),
        (["."], "No lines and bodies were found"),
        (["workspace", "--models", "gtp"], "did you mean"),
        (["workspace", "--samples", "none"], "number from 1"),
        (["workspace", "--kinds", "novel"], "not a kind"),
        (["workspace", "--max-cost", "-1"], "number from 0"),
        (["workspace", "--task", "explain", "--run-tests", "pytest"], "cannot judge explanations"),
    ],
)
def test_wrong_usage_is_one_sentence(
    home: Home, shop: Path, arguments: list[str], said: str
) -> None:
    if arguments == ["."]:
        shop.unlink()
    done = cli(home, "compare", *arguments, "--out", "out")
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_learned_priors_are_there_in_the_next_session(home: Home, shop: Path) -> None:
    with running(LoopbackProvider(lambda body: "xyzzy")) as other:
        home.model("other", other.base_url)
        done = cli(
            home, "compare", str(home.workspace), "--samples", "14", "--out", "out", "--learn"
        )
        assert done.returncode == 0, done.stderr
        assert "The selector now expects these rewards for complete" in done.stderr
        why = cli(home, "models", "why", f"{shop}:7:5")
        assert "a comparison on your own code" in why.stdout


def test_the_report_from_an_empty_history_says_so(home: Home, shop: Path) -> None:
    done = cli(home, "report", "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["suggestions"] == 0
    assert "No suggestions yet" in Path(told["written"]["html"]).read_text()


def test_the_repositorys_tests_decide_over_likeness(home: Home, provider: LoopbackProvider) -> None:
    """An answer that is written another way but works passes; the user's tree stays as it was."""
    source = (
        "def first(items):\n"
        '    """Give the first item of a list."""\n'
        "    found = items[0]\n"
        "    return found\n"
    )
    (home.workspace / "shop.py").write_text(source)
    (home.workspace / "check.py").write_text("import shop\nassert shop.first([3, 4]) == 3\n")
    provider.reply = "for each in items:\n    return each"
    home.model("gpt", provider.base_url)
    with running(LoopbackProvider("return items[-1]")) as other:
        home.model("wrong", other.base_url)
        done = cli(
            home, "compare", str(home.workspace), "--task", "generate", "--out", "out", "--json",
            "--run-tests", f"{sys.executable} check.py",
        )  # fmt: skip
    if "keep tests from the network" in done.stderr:
        pytest.skip("nothing here keeps a program from the network")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    passed = {row["model"]: row["scores"]["tests"]["value"] for row in told["models"]}
    assert passed == {"gpt": 1.0, "wrong": 0.0} and told["main"] == "tests"
    assert (home.workspace / "shop.py").read_text() == source


def test_explanations_are_compared_without_a_reference(home: Home, shop: Path) -> None:
    with running(LoopbackProvider("`total` adds `items` up as `amount`.")) as other:
        home.model("other", other.base_url)
        done = cli(
            home, "compare", str(home.workspace), "--task", "explain", "--out", "out", "--json"
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    scores = {row["model"]: row["scores"] for row in told["models"]}
    assert set(scores["other"]) == {"names", "agreement"} and "no reference" in told["notes"][0]
    assert (
        cli(
            home, "compare", str(home.workspace), "--task", "explain", "--out", "out", "--learn"
        ).returncode
        == 2
    )
