"""Documents without their secrets: kept up to date, and what prompts are cut from."""

from __future__ import annotations

import base64
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_lsp.context.prompt_builder import complete_prompt, explain_prompt, generate_prompt
from ensemble_lsp.context.redacted_documents import (
    RedactedDocuments,
    redact_prompt,
    redacted_view,
)
from ensemble_lsp.context.secret_redaction import PLACEHOLDER, Redactor
from ensemble_lsp.context.workspace_index import WorkspaceContext
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.types import Document, Position, Prompt, Snippet, Span

REMOTE = Profile("m", "openai", "m", context_tokens=8192)
LOCAL = Profile("m", "openai", "m", context_tokens=8192, local=True)
RAW = base64.b64encode(random.Random(3).randbytes(49 * 48)).decode()
BODY = [RAW[at : at + 64] for at in range(0, len(RAW), 64)]
SECRET = "q7Rf9Zk2LmX4vB8nT1cW6yH3pD5sJ0aG"
KEY = "sk-proj-Zk3vQ8mN2xR7tW5yB1cD4fG6hJ9kL0pA"
REDACTOR = Redactor()
PIECES = (
    "x = 1\n", f'password = "{SECRET}"\n', "-----BEGIN PRIVATE KEY-----\n", f"{BODY[0]}\n", f"{BODY[1]}\r\n",
    "-----END PRIVATE KEY-----\n", "password = \\\n", f'"{SECRET[:16]}" +\n', f'"{SECRET[16:]}"\n', "\n", "def f(a):\r\n",
    "'", '"', "\\", "=", f"{KEY}", "\r", "  return a\n", "api_key: |\n",
)  # fmt: skip


def document(text: str, version: int = 0) -> Document:
    return Document.from_text("file:///w/a.py", version, "python", text)


def no_part_of_the_key(text: str) -> None:
    for line in BODY:
        for at in range(0, 52, 4):
            assert line[at : at + 12] not in text


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_kept_up_to_date_is_what_a_new_search_finds(data: st.DataObject) -> None:
    texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
    now, documents = document(data.draw(texts)), RedactedDocuments(REDACTOR)
    for version in range(1, 5):
        view = documents.view(now)
        new = redacted_view(now, REDACTOR)
        assert view.document.lines == new.document.lines
        assert len(view.document.lines) == len(now.lines)
        for line in range(len(now.lines)):
            for column in range(0, len(now.line(line)) + 1, 5):
                there = view.position(Position(line, column))
                assert there == view.document.clamp(there)
        first = data.draw(st.integers(0, len(now.lines) - 1))
        last = data.draw(st.integers(first, min(first + 3, len(now.lines) - 1)))
        start = now.clamp(Position(first, data.draw(st.integers(0, 40))))
        end = max(start, now.clamp(Position(last, data.draw(st.integers(0, 40)))))
        now = now.replace(Span(start, end), data.draw(texts), version)


def test_a_document_without_secrets_is_itself() -> None:
    one = document("def area(width, height):\n    return width\n")
    documents = RedactedDocuments(REDACTOR)
    assert documents.view(one).document is one
    later = Document(one.uri, 7, one.language, one.lines)
    assert documents.view(later).document is later


def test_positions_and_selections_within_a_secret() -> None:
    line = f'password = "{SECRET}"  # x'
    view = redacted_view(document(line), REDACTOR)
    clean = f'password = "{PLACEHOLDER}"  # x'
    assert view.document.text == clean
    inside, end = Position(0, 20), Position(0, len(line))
    assert view.position(inside) == Position(0, clean.index(PLACEHOLDER) + len(PLACEHOLDER))
    assert view.document.slice(view.span(Span(inside, Position(0, 25)))) == PLACEHOLDER
    assert view.document.slice(view.span(Span(inside, end))) == f'{PLACEHOLDER}"  # x'
    assert view.span(Span(inside, inside)).empty
    assert view.hides(Span(inside, end)) and view.hides(Span(Position(0, 0), end))
    assert not view.hides(Span(Position(0, 0), Position(0, 8)))


@pytest.mark.parametrize("line", [0, 1, 7, 24, 40, 48])
async def test_no_window_shows_a_part_of_a_key(line: int) -> None:
    text = "KEY = '''\n" + "\n".join(BODY) + "\n'''\n" + "def f(a):\n    return a\n" * 5
    here, workspace = document(text), WorkspaceContext()
    await workspace.guard()
    await workspace.prepare(here)
    small = Profile("m", "openai", "m", context_tokens=512)
    for profile in (REMOTE, small):
        for column in (0, 31, 64):
            at = Position(line + 1, column)
            span = Span(at, Position(line + 2, 20))
            asked = {"profile": profile, "workspace": workspace}
            prompts = (
                complete_prompt(here, at, mode="block", **asked),
                explain_prompt(here, span, **asked),
                generate_prompt(here, span, f"sign with\n{BODY[line]}", **asked),
            )
            for prompt in prompts:
                assert prompt is not None
                no_part_of_the_key(repr(await workspace.redact_prompt(prompt)))


async def test_a_constant_is_redacted_before_it_is_cut(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(f'{"x" * 90} = 1\nAPI_TOKEN = ("{" " * 84}{SECRET}")\n')
    (tmp_path / "app.py").write_text("from conf import *\n\nuse(API_TOKEN)\n")
    workspace = WorkspaceContext()
    await workspace.set_folders([tmp_path])
    await workspace.guard()
    here = Document.from_text(
        (tmp_path / "app.py").as_uri(), 0, "python", (tmp_path / "app.py").read_text()
    )
    workspace.opened(here)
    await workspace.settle()
    await workspace.prepare(here)
    for profile, kept in ((REMOTE, False), (LOCAL, True)):
        prompt = complete_prompt(
            here, Position(2, 4), mode="line", profile=profile, workspace=workspace
        )
        assert prompt is not None and "API_TOKEN" in repr(prompt.related)
        assert (SECRET[:12] in repr(prompt.related)) is kept


async def test_a_document_that_was_not_searched_yet_is_in_no_passage() -> None:
    words = "first_part second_part third_part fourth_part\n"
    body = f"def f(a):\n    # {words}" * 6
    workspace = WorkspaceContext()
    await workspace.guard()
    here = Document.from_text("file:///w/here.py", 0, "python", f"# {words}x = \n")
    other = Document.from_text("file:///w/other.py", 0, "python", body + f'password = "{SECRET}"\n')
    await workspace.privacy.prepare(here.path, other.path)
    workspace.related.opened(other)
    await workspace.related.settle()
    asked = {"profile": REMOTE, "workspace": workspace, "mode": "line"}
    prompt = complete_prompt(here, Position(1, 4), **asked)
    assert prompt is not None and prompt.related == ()
    workspace.opened(other)
    await workspace.settle()
    prompt = complete_prompt(here, Position(1, 4), **asked)
    assert prompt is not None and "second_part" in repr(prompt.related)
    assert SECRET not in repr(prompt)


def test_every_text_of_a_prompt_is_redacted() -> None:
    texts = dict.fromkeys(("prefix", "suffix", "instruction", "symbol", "imports", "path"), KEY)
    related = (Snippet(f"a/{KEY}", f"x = '{KEY}'\n"),)
    for selection in ("", f"f('{KEY}')"):
        prompt = Prompt("generate", "python", **texts, selection=selection, related=related)
        clean, count = redact_prompt(prompt, REDACTOR)
        assert KEY not in repr(clean) and count >= 7
        assert redact_prompt(clean, REDACTOR) == (clean, 0)
    split = Prompt("complete", "python", "a.py", prefix=f"x = '{KEY[:20]}", suffix=f"{KEY[20:]}'")
    assert KEY[20:] not in repr(redact_prompt(split, REDACTOR)[0])


async def test_a_keystroke_costs_the_line_and_not_the_file() -> None:
    lines = [f"    value_{n} = compute(argument_{n}, other={n})\n" for n in range(20_000)]
    lines[100] = f'password = "{SECRET}"\n'
    now, documents = document("".join(lines)), RedactedDocuments(REDACTOR)
    await documents.prepare(now)
    times: list[float] = []
    for version in range(20):
        at = Position(15_000, 0)
        now = now.replace(Span(at, at), "x", version)
        start = time.perf_counter()
        documents.view(now)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.02
