"""The edits just made as passages of a completion's prompt: elsewhere, bounded, and private."""

from __future__ import annotations

from pathlib import Path

import pytest

from ensemble_lsp.context.documents import Documents
from ensemble_lsp.context.prompt_builder import WorkspaceContext, complete_prompt
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.next_edit.edit_history import EditHistory
from ensemble_lsp.next_edit.recent_passages import RecentPassages
from ensemble_lsp.settings import PrivacySettings
from ensemble_lsp.types import Document, Edit, Position, Prompt, Span

LOCAL = Profile("near", "openai", "m", local=True)
REMOTE = Profile("far", "openai", "m")
KEY = "sk-proj-9fQ2mZr7LbX4tWc8VnJ5aQ3d"
LONG = "".join(f"def number_{n}():\n    return {n}\n\n\n" for n in range(300))


class Editor:
    """Open files of a workspace, with the history of their edits."""

    def __init__(self, folder: Path, privacy: PrivacySettings | None = None) -> None:
        self.folder = folder
        self.documents, self.history = Documents(), EditHistory()
        self.documents.subscribe(self.history)
        self.context = WorkspaceContext(privacy or PrivacySettings(), [folder])
        self.context.recently_edited = RecentPassages(self.history)

    def open(self, name: str, text: str) -> Document:
        return self.documents.open((self.folder / name).as_uri(), 1, "python", text)

    def replace(self, name: str, old: str, new: str) -> Document:
        """Replace the first occurrence of a text."""
        uri = (self.folder / name).as_uri()
        document = self.documents.get(uri)
        assert document is not None
        before, _, _ = document.text.partition(old)
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
        span = Span(Position(line, column), Position(line, column + len(old)))
        self.documents.change(uri, document.version + 1, [Edit(span, new)])
        changed = self.documents.get(uri)
        assert changed is not None
        return changed

    async def prompt(self, document: Document, line: int, profile: Profile = LOCAL) -> Prompt:
        """The prompt of a completion at the end of a line."""
        await self.context.guard([profile])
        for each in self.documents.recent():
            await self.context.prepare(each)
        at = Position(line, len(document.line(line)))
        found = complete_prompt(document, at, profile=profile, workspace=self.context, mode="line")
        assert found is not None
        return found


def texts(prompt: Prompt) -> str:
    return "\n".join(f"{s.path}\n{s.text}" for s in prompt.related)


async def test_an_edit_of_another_file_is_in_the_prompt(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    editor.open("shop.py", "def price(item):\n    return item.price\n")
    editor.replace("shop.py", "item.price", "item.cost * item.count")
    here = editor.open("app.py", "x = 1\ny = \n")
    sent = await editor.prompt(here, 1)
    assert [s.path for s in sent.related] == ["shop.py"]
    assert "return item.cost * item.count" in texts(sent) and "item.price" not in texts(sent)


async def test_the_edit_at_the_cursor_is_not_repeated_but_a_far_one_is_there(
    tmp_path: Path,
) -> None:
    editor = Editor(tmp_path)
    editor.open("app.py", LONG)
    here = editor.replace("app.py", "return 290", "return 290 + margin")
    assert "margin" not in texts(
        await editor.prompt(here, here.text[: here.text.index("290 +")].count("\n"))
    )
    assert "return 290 + margin" in texts(await editor.prompt(here, 5))


async def test_it_takes_only_its_part_of_the_budget(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    for number in range(10):
        editor.open(f"part{number}.py", "value = 0\n")
        editor.replace(f"part{number}.py", "value", f"value_{number} = " + " + value" * 20)
    sent = await editor.prompt(editor.open("app.py", "y = \n"), 0)
    assert 1 <= len(sent.related) <= 4
    assert sent.related[0].path == "part9.py", "the latest first"
    assert sum(len(s.text) for s in sent.related) < 500


@pytest.mark.parametrize(("profile", "visible"), [(LOCAL, True), (REMOTE, False)])
async def test_excluded_files_and_secrets_stay_here(
    tmp_path: Path, profile: Profile, visible: bool
) -> None:
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    editor = Editor(tmp_path, PrivacySettings(exclude=["hidden/"]))
    for name in ("ignored.py", "hidden/plan.py", ".env", "open.py"):
        editor.open(name, "a = 0\n")
    editor.replace("ignored.py", "0", "ignored_name")
    editor.replace("hidden/plan.py", "0", "hidden_name")
    editor.replace(".env", "a = 0", "A=environment_name")
    editor.replace("open.py", "0", f'"{KEY}"')
    sent = texts(await editor.prompt(editor.open("app.py", "y = \n"), 0, profile))
    for word in ("ignored_name", "hidden_name", "environment_name", KEY):
        assert (word in sent) is visible, (word, sent)


async def test_a_secret_is_redacted_after_the_setting_is_changed(tmp_path: Path) -> None:
    editor = Editor(tmp_path, PrivacySettings(redact_secrets=False))
    editor.open("open.py", "a = 0\n")
    editor.replace("open.py", "0", f'"{KEY}"')
    here = editor.open("app.py", "y = \n")
    assert KEY in texts(await editor.prompt(here, 0, REMOTE))
    await editor.context.set_privacy(PrivacySettings())
    assert KEY not in texts(await editor.prompt(here, 0, REMOTE))
