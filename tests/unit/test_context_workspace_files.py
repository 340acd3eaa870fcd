"""The workspace's files on disk that recall learns from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ensemble_lsp.context import workspace_files
from ensemble_lsp.context.content_exclusion import PrivacyFilter
from ensemble_lsp.context.rule_files import RuleFiles
from ensemble_lsp.context.workspace_files import read_source_files


def names(folder: Path, **more: int) -> list[str]:
    found = read_source_files([folder], PrivacyFilter([folder]), **more)
    return [file.path.relative_to(folder).as_posix() for file in found]


def write(folder: Path, name: str, text: str = "x = 1\n", age: float = 0) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1e9 - age, 1e9 - age))


def test_sources_come_with_their_language_the_latest_last(tmp_path: Path) -> None:
    write(tmp_path, "old.py", age=10)
    write(tmp_path, "deep/er/new.go")
    write(tmp_path, "notes.unknown")
    found = read_source_files([tmp_path], PrivacyFilter([tmp_path]))
    assert [(file.path.name, file.language, file.text) for file in found] == [
        ("old.py", "python", "x = 1\n"),
        ("new.go", "go", "x = 1\n"),
    ]


def test_ignored_secret_generated_hidden_and_linked_files_are_left_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    folder = tmp_path / "work"
    for name in (
        "kept.py",
        "skipped.py",
        ".env",
        "node_modules/a.js",
        ".hidden/a.py",
        "secrets.yaml",
    ):
        write(folder, name)
    write(outside, "far.py")
    (folder / "linked.py").symlink_to(outside / "far.py")
    (folder / "linked").symlink_to(outside)
    (folder / ".gitignore").write_text("skipped.py\n")
    assert names(folder) == ["kept.py"]


def test_what_is_read_is_bounded(tmp_path: Path, monkeypatch) -> None:
    for number in range(5):
        write(tmp_path, f"f{number}.py", "x = 1\n" * 10, age=number)
    write(tmp_path, "huge.py", "x = 1\n" * 50_000)
    write(tmp_path, "binary.py", "")
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    assert names(tmp_path, max_lines=25) == ["f1.py", "f0.py"]
    monkeypatch.setattr(workspace_files, "_MAX_ENTRIES", 2)
    assert len(names(tmp_path)) <= 1
    assert names(tmp_path / "gone") == []


def test_files_without_line_ends_are_bounded_too(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.js").write_text("f(x);" * 19_000)
    found = read_source_files([tmp_path], PrivacyFilter([tmp_path]))
    assert 5 < len(found) < 30
    assert sum(len(file.text) for file in found) <= workspace_files.MAX_LINES * 100


def test_reading_ends_when_it_is_stopped_and_after_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        write(tmp_path, f"{number}.py")
    privacy, asked = PrivacyFilter([tmp_path]), iter(range(100))
    found = read_source_files([tmp_path], privacy, stopped=lambda: next(asked) == 7)
    assert len(found) == 7
    monkeypatch.setattr(workspace_files, "_MAX_SECONDS", -1.0)
    assert read_source_files([tmp_path], privacy) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.timeout(20)
def test_a_file_that_becomes_a_pipe_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the check a file may be replaced, by a source file's own or by one with ignore rules."""
    write(tmp_path, "a.py")
    write(tmp_path, "b.py")
    write(tmp_path, ".gitignore", "ignored\n")
    privacy = PrivacyFilter([tmp_path])
    readable, kind = PrivacyFilter.readable, RuleFiles.kind

    def replace(path: Path) -> None:
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    def then_a_pipe(self: PrivacyFilter, path: Path) -> Path | None:
        found = readable(self, path)
        if path.name == "a.py":
            replace(path)
        return found

    def then_rules_of_a_pipe(self: RuleFiles, path: Path) -> str:
        found = kind(self, path)
        if path == tmp_path / ".gitignore" and path.is_file():
            replace(path)
        return found

    monkeypatch.setattr(PrivacyFilter, "readable", then_a_pipe)
    assert [file.path.name for file in read_source_files([tmp_path], privacy)] == ["b.py"]
    monkeypatch.setattr(RuleFiles, "kind", then_rules_of_a_pipe)
    (tmp_path / ".gitignore").unlink()
    write(tmp_path, ".gitignore", "other\n")
    privacy.check(tmp_path / "b.py")
