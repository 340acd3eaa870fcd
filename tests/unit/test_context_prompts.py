"""Prompts: budgets, related code, and what never reaches a remote model."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from ensemble_lsp.context.documents import read
from ensemble_lsp.context.prompt_builder import complete_prompt, explain_prompt, generate_prompt
from ensemble_lsp.context.workspace_index import WorkspaceContext
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.models.prompt_rendering import chat_messages
from ensemble_lsp.models.token_estimates import estimate_tokens
from ensemble_lsp.settings import PrivacySettings
from ensemble_lsp.types import Document, Edit, Position, Prompt, Span, common_prefix_length
from tests.support.secret_detectors import detectors
from tests.support.workspace_prompts import LOCAL, RECALL, REMOTE, opened, write

__all__ = ["detectors"]  # a fixture

KEY = "AKIA" + "IOSFODNN7EXAMPLE"


def size(prompt: Prompt) -> int:
    texts = (prompt.prefix, prompt.suffix, prompt.selection, prompt.imports, prompt.instruction)
    return sum(map(estimate_tokens, texts)) + sum(estimate_tokens(s.text) for s in prompt.related)


async def test_a_completion_prompt_holds_what_stands_round_the_cursor(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/a.py": "import os\n\ndef f(a):\r\n    return \r\n"})
    workspace = await opened(tmp_path, "pkg/a.py")
    document = await read(tmp_path / "pkg/a.py")
    prompt = complete_prompt(
        document, Position(3, 11), profile=REMOTE, workspace=workspace, mode="line"
    )
    assert prompt is not None
    assert prompt.path == "pkg/a.py"
    assert prompt.prefix == "import os\n\ndef f(a):\n    return "
    assert prompt.suffix == "\n"
    assert not prompt.multiline
    assert prompt.imports == prompt.symbol == ""


async def test_of_a_long_file_imports_and_symbol_are_told_and_the_budget_is_kept(
    tmp_path: Path,
) -> None:
    body = "".join(f"    value_{n} = compute({n}, value_{n - 1})\n" for n in range(1, 1200))
    write(
        tmp_path, {"a.py": f"import os\nfrom sys import (\n    argv,\n)\n\ndef long(one):\n{body}"}
    )
    workspace = await opened(tmp_path, "a.py")
    document = await read(tmp_path / "a.py")
    for profile in (REMOTE, LOCAL, Profile("small", "openai", "x", context_tokens=1024)):
        prompt = complete_prompt(
            document, Position(1000, 4), profile=profile, workspace=workspace, mode="block"
        )
        assert prompt is not None
        assert prompt.symbol == "def long(one)"
        assert size(prompt) <= 2000
        assert size(prompt) + prompt.max_tokens <= profile.context_tokens
    assert complete_prompt(
        document, Position(1000, 4), profile=REMOTE, workspace=workspace, mode="block"
    ) == complete_prompt(
        document, Position(1000, 4), profile=REMOTE, workspace=workspace, mode="block"
    )


async def test_the_prompts_beginning_stays_while_the_user_types(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "".join(f"value_{n} = compute({n})\n" for n in range(800))})
    workspace = await opened(tmp_path, "a.py")
    document = await read(tmp_path / "a.py")
    starts: set[str] = set()
    for n in range(20):
        document = document.replace(Span(Position(500 + n, 0), Position(500 + n, 0)), "x = 1\n")
        prompt = complete_prompt(
            document, Position(501 + n, 0), profile=REMOTE, workspace=workspace, mode="line"
        )
        assert prompt is not None
        starts.add(prompt.prefix[:200])
    assert len(starts) <= 2


async def test_the_request_begins_alike_whatever_file_was_opened_or_edited_last(
    tmp_path: Path,
) -> None:
    body = "".join(f"    total = helper_{n}(first, second)\n" for n in range(6))
    names = [f"m{n}.py" for n in range(4)]
    files = {name: f"def job_{name[:-3]}(first, second):\n{body}\n\n" for name in names}
    write(
        tmp_path, files | {"a.py": f"import os\n\n\ndef mine(first, second):\n{body}    total = "}
    )
    document = await read(tmp_path / "a.py")

    def asked(workspace: WorkspaceContext, typed: str) -> str:
        now = document.replace(Span(document.end, document.end), typed)
        prompt = complete_prompt(now, now.end, profile=REMOTE, workspace=workspace, mode="line")
        assert prompt is not None
        assert len(prompt.related) > 1
        return "\0".join(chat_messages(prompt))

    workspace = await opened(tmp_path, *names, "a.py")
    first = asked(workspace, "")
    for typed, name in zip(("h", "he", "hel", "help"), reversed(names), strict=True):
        other = await read(tmp_path / name)
        changed = other.replace(Span(other.end, other.end), "# edited\n", 2)
        workspace.changed(other, changed, [Edit(Span(other.end, other.end), "# edited\n")])
        workspace.closed(other)
        workspace.opened(other)
        await workspace.settle()
        same = common_prefix_length(first, asked(workspace, typed))
        assert first[same:] in ("", first[first.rindex("    total = ") + 12 :]), first[same:][:200]


async def test_a_tree_that_was_asked_for_follows_the_changes_ahead_of_the_next_request(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"a.py": "def one():\n    pass\n"})
    workspace = await opened(tmp_path, "a.py")
    document = await read(tmp_path / "a.py")
    workspace.trees.at(document, Position(0, 0))
    edit = Edit(Span(Position(0, 4), Position(0, 7)), "two")
    after = document.replace(edit.span, edit.text, 2)
    workspace.changed(document, after, [edit])
    kept = vars(workspace.trees)["_kept"]
    while next(iter(kept.values())).lines != after.lines:
        await asyncio.sleep(0.001)
    assert (
        workspace.trees.at(after, Position(0, 0)).text(
            workspace.trees.at(after, Position(0, 0))
            .root.named_children[0]
            .child_by_field_name("name")
        )
        == "two"
    )


async def test_an_excluded_file_gives_no_prompt_to_a_remote_model(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "hidden.py\n", "hidden.py": "x = 1\n", "plan.py": "y = 1\n"})
    workspace = await opened(tmp_path, "hidden.py", "plan.py", exclude=("plan*",))
    for name, rule in (("hidden.py", ".gitignore"), ("plan.py", "privacy.exclude")):
        document = await read(tmp_path / name)
        whole = Span(Position(0, 0), document.end)
        asked = {"profile": REMOTE, "workspace": workspace}
        assert complete_prompt(document, Position(0, 5), mode="line", **asked) is None
        assert explain_prompt(document, whole, **asked) is None
        assert generate_prompt(document, whole, "write", **asked) is None
        assert rule in str(workspace.exclusion_reason(document, REMOTE))
        assert workspace.exclusion_reason(document, LOCAL) is None
        local = {"profile": LOCAL, "workspace": workspace}
        assert complete_prompt(document, Position(0, 5), mode="line", **local) is not None
        assert explain_prompt(document, whole, **local) is not None


async def test_a_file_nobody_judged_yet_is_not_sent(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1\n"})
    workspace = WorkspaceContext(PrivacySettings(), [tmp_path])
    document = await read(tmp_path / "a.py")
    asked = {"profile": REMOTE, "workspace": workspace, "mode": "line"}
    assert complete_prompt(document, Position(0, 5), **asked) is None
    await workspace.prepare(document)
    assert complete_prompt(document, Position(0, 5), **asked) is not None
    await workspace.close()


async def test_a_new_file_without_a_path_can_be_completed(tmp_path: Path) -> None:
    workspace = WorkspaceContext(PrivacySettings(), [tmp_path])
    for uri, sent in (("untitled:Untitled-1", True), ("untitled:.env", False)):
        document = Document.from_text(uri, 1, "python", "x = \n")
        prompt = complete_prompt(
            document, Position(0, 4), profile=REMOTE, workspace=workspace, mode="line"
        )
        assert (prompt is not None) is sent


async def test_passages_and_signatures_of_excluded_files_are_left_out(tmp_path: Path) -> None:
    like = "def parse_row(reader, currency):\n    total = reader.read_decimal(currency)\n"
    write(
        tmp_path,
        {
            ".gitignore": "hidden.py\n",
            "hidden.py": like + "    return hidden_total(total)\n",
            "shown.py": like + "    return shown_total(total)\n",
            "a.py": "from hidden import parse_row\n"
            "def parse_col(reader, currency):\n    total = reader.read_decimal(currency)\n    \n",
        },
    )
    workspace = await opened(tmp_path, "hidden.py", "shown.py", "a.py")
    document = await read(tmp_path / "a.py")
    at = Position(3, 4)
    remote = complete_prompt(document, at, profile=REMOTE, workspace=workspace, mode="block")
    local = complete_prompt(document, at, profile=LOCAL, workspace=workspace, mode="block")
    assert remote is not None
    assert local is not None
    assert {s.path for s in remote.related} == {"shown.py"}
    assert {s.path for s in local.related} == {"shown.py", "hidden.py"}


async def test_secrets_are_replaced_for_remote_models_everywhere(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": f"one = '{KEY}'\nuse(\ntwo = '{KEY}'\n"})
    workspace = await opened(tmp_path, "a.py")
    document = await read(tmp_path / "a.py")
    whole = Span(Position(0, 0), document.end)
    for profile, kept in ((REMOTE, False), (LOCAL, True)):
        asked = {"profile": profile, "workspace": workspace}
        for prompt in (
            complete_prompt(document, Position(1, 4), mode="line", **asked),
            explain_prompt(document, whole, **asked),
            generate_prompt(document, whole, f"use {KEY}", **asked),
        ):
            assert (KEY in repr(prompt)) is kept


async def test_recall_is_told_the_documents_own_path(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1\n"})
    workspace = await opened(tmp_path, "a.py")
    document = await read(tmp_path / "a.py")
    prompt = complete_prompt(
        document, Position(0, 4), profile=RECALL, workspace=workspace, mode="line"
    )
    assert prompt is not None
    assert prompt.path == document.path
    assert prompt.related == ()


async def test_an_explanation_is_told_of_the_selection_and_what_it_calls(tmp_path: Path) -> None:
    text = (
        'def helper(a):\n    """Add one.\n\n    More.\n    """\n    return a + 1\n\n\n'
        "class A:\n    def m(self):\n        return helper(2)\n"
    )
    write(tmp_path, {"a.py": text})
    workspace = await opened(tmp_path, "a.py")
    document = await read(tmp_path / "a.py")
    span = Span(Position(9, 4), Position(10, 24))
    prompt = explain_prompt(document, span, profile=REMOTE, workspace=workspace)
    assert prompt is not None
    assert prompt.selection == "def m(self):\n        return helper(2)"
    assert prompt.symbol == "class A"
    assert prompt.related[0].text == "def helper(a)\n    Add one.\n"


async def test_a_generation_is_told_the_instruction_and_the_place(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "def f(a):\n    # sort a\n    pass\n"})
    workspace = await opened(tmp_path, "a.py")
    prompt = generate_prompt(
        await read(tmp_path / "a.py"),
        Span(Position(2, 4), Position(2, 8)),
        "sort a",
        indent="    ",
        profile=REMOTE,
        workspace=workspace,
    )
    assert prompt is not None
    assert (prompt.instruction, prompt.indent, prompt.selection) == ("sort a", "    ", "pass")
    assert prompt.symbol == "def f(a)"


async def test_a_huge_selection_is_cut_to_the_models_window(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "value = compute(1, 2, 3)\n" * 20_000})
    workspace = await opened(tmp_path, "a.py")
    document = await read(tmp_path / "a.py")
    for profile in (REMOTE, LOCAL):
        prompt = explain_prompt(
            document, Span(Position(0, 0), document.end), profile=profile, workspace=workspace
        )
        assert prompt is not None
        assert size(prompt) + prompt.max_tokens <= min(profile.context_tokens, 7000)


async def test_new_privacy_settings_apply_to_open_documents(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1\n"})
    workspace = await opened(tmp_path, "a.py")
    document = await read(tmp_path / "a.py")
    assert workspace.exclusion_reason(document, REMOTE) is None
    await workspace.set_privacy(PrivacySettings(exclude=("a.*",)))
    await workspace.settle()
    assert workspace.exclusion_reason(document, REMOTE) is not None


async def test_projects_are_told_apart_without_their_path(tmp_path: Path) -> None:
    one, two = WorkspaceContext(folders=[tmp_path]), WorkspaceContext(folders=[tmp_path / "x"])
    assert one.project != two.project
    assert tmp_path.name not in one.project
    assert WorkspaceContext().project == ""


async def test_building_a_prompt_does_not_grow_with_the_file(tmp_path: Path) -> None:
    workspace = WorkspaceContext(PrivacySettings())

    def best(lines: int) -> float:
        text = "def f(a):\n    b = compute(a)\n    return b\n\n" * (lines // 4)
        document = Document.from_text(f"untitled:{lines}.py", 1, "python", text)
        times: list[float] = []
        for n in range(15):
            at = Position(lines - 40, n % 5)
            start = time.thread_time()
            complete_prompt(document, at, profile=REMOTE, workspace=workspace, mode="line")
            times.append(time.thread_time() - start)
        return sorted(times)[len(times) // 2]

    assert best(20_000) < 3 * best(1000) + 0.002
