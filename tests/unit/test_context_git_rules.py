"""Ignore rules as git reads them, checked against ``git check-ignore``."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ensemble_lsp.context.content_exclusion import PrivacyFilter
from ensemble_lsp.context.git_config import parse_config

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

ATOMS = (
    "foo", "bar", "a", "b", "*", "*.log", "**", "f?o", "[ab]", "[!a]", "a*", "x.log", "foo.*", "B", "[a-c]o", "\\!x",
    "#c", "fo\\o", "**a", "a**b", "*a*", "[[:alpha:]]x", "[", "foo\\", "sp ace",
)  # fmt: skip
NAMES = ("foo", "bar", "a", "b", "x.log", "foo.log", "B", "!x", "#c", "ao", "axb", "sp ace")


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without any configuration of Git."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in [n for n in os.environ if n.startswith("GIT_")] + ["XDG_CONFIG_HOME"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def write(root: Path, name: str, text: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def ignored(root: Path, names: list[str]) -> set[str]:
    """The names that git ignores."""
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"], cwd=root,
        input="\0".join(names) + "\0", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return set(done.stdout.split("\0")) - {""}


def excluded(root: Path, names: list[str]) -> set[str]:
    """The names that our rules exclude."""
    privacy = PrivacyFilter()
    return {name for name in names if privacy.check(root / name) is not None}


def same(root: Path, *names: str) -> set[str]:
    """Assert that git and our rules agree; return the names that both ignore."""
    for name in names:
        if not (root / name).exists():
            write(root, name, "")
    assert excluded(root, list(names)) == ignored(root, list(names))
    return ignored(root, list(names))


def pattern(rng: random.Random) -> str:
    text = "/".join(rng.choice(ATOMS) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))
    text = ("/" if rng.random() < 0.2 else "") + text + ("/" if rng.random() < 0.3 else "")
    text = ("!" if rng.random() < 0.3 else "") + text
    return text + rng.choice(("", "", "", "", "  ", "\\ ", "\r"))


@pytest.mark.parametrize("seed", range(25))
def test_random_rules_mean_what_git_says(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    root = tmp_path / "work"
    git(tmp_path, "init", "work")
    names: list[str] = []
    for _ in range(40):
        name = "/".join(rng.choice(NAMES) for _ in range(rng.choice((1, 2, 2, 3, 4))))
        try:
            if not (root / name).exists():
                write(root, name, "")
                names.append(name)
        except OSError:
            pass
    for folder in ("", "foo/", "foo/bar/", "a/"):
        if (root / folder).is_dir():
            lines = [pattern(rng) for _ in range(rng.randint(1, 5))]
            write(root, f"{folder}.gitignore", "\n".join(lines) + rng.choice(("", "\n")))
    if rng.random() < 0.5:
        write(root, ".git/info/exclude", f"{pattern(rng)}\n{pattern(rng)}\n")
    assert excluded(root, names) == ignored(root, names)


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, ".gitignore", b"\xef\xbb\xbffirst.py\r\nsecond.py\r\n")
    assert same(tmp_path, "first.py", "second.py", "third.py") == {"first.py", "second.py"}


def test_a_bracket_within_a_class(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, ".gitignore", "[\\]]a\n[!\\]]b\n")
    assert same(tmp_path, "]a", "xa", "]b", "xb") == {"]a", "xb"}


def test_the_environment_may_name_the_users_excludes(
    tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init")
    write(user, "mine", "globally.py\n")
    for name, value in (("COUNT", "1"), ("KEY_0", "core.excludesFile"), ("VALUE_0", user / "mine")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", str(value))
    assert same(tmp_path, "globally.py", "app.py") == {"globally.py"}


def test_letters_of_other_alphabets(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, ".gitignore", "é.py\nя*\n")
    assert same(tmp_path, "é.py", "яя", "e.py") == {"é.py", "яя"}


def test_other_line_separators_do_not_split_a_pattern(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, ".gitignore", "a\x0bb.py\nc\u2028d.py\n")
    assert same(tmp_path, "b.py", "d.py", "c", "a") == set()


def test_the_repositorys_and_the_users_own_excludes(tmp_path: Path, user: Path) -> None:
    root = tmp_path / "work"
    git(tmp_path, "init", "work")
    write(root, ".git/info/exclude", "\ufeffexcluded.py\n")
    write(user, ".config/git/ignore", "by_default.py\n")
    names = ("excluded.py", "by_default.py", "mine.py", "x.py")
    assert same(root, *names) == {"excluded.py", "by_default.py"}
    write(user, ".gitconfig", '[CORE "sub"]\nx = 1\n[Core] excludesFile = "~/my files" ; of mine\n')
    write(user, "my files", "mine.py\n!excluded.py\n")
    assert same(root, *names) == {"excluded.py", "mine.py"}
    write(root, ".gitignore", "!mine.py\n")
    assert same(root, *names) == {"excluded.py"}
    write(user, ".gitconfig", "[include]\n\tpath = more\n")
    write(user, "more", "[core]\n\texcludesfile = ~/my files\n")
    assert same(root, *names) == {"excluded.py"}


def test_a_repositorys_configuration_cannot_switch_off_the_users_rules(
    tmp_path: Path, user: Path
) -> None:
    root = tmp_path / "work"
    git(tmp_path, "init", "work")
    write(user, ".gitconfig", "[core]\n\texcludesFile = ~/mine\n")
    write(user, "mine", "mine.py\n")
    write(root, "own", "own.py\n!mine.py\n")
    git(root, "config", "core.excludesFile", "own")
    assert excluded(root, ["mine.py", "own.py", "x.py"]) == {"mine.py", "own.py"}


def test_work_trees_and_submodules(tmp_path: Path) -> None:
    root, tree = tmp_path / "work", tmp_path / "tree"
    git(tmp_path, "init", "work")
    git(root, "commit", "--allow-empty", "-m", "x")
    git(root, "worktree", "add", str(tree))
    write(root, ".git/info/exclude", "shared.py\n")
    write(tree, ".gitignore", "own.py\n")
    assert same(tree, "shared.py", "own.py", "x.py") == {"shared.py", "own.py"}
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", str(root), "sub")
    write(root, ".git/modules/sub/info/exclude", "inner.py\n")
    write(root, ".gitignore", "*.py\n")
    assert same(root / "sub", "inner.py", "x.py") == {"inner.py"}


def test_names_that_differ_in_case(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, ".gitignore", "Secret.py\n[A-C]x.py\n")
    git(tmp_path, "config", "core.ignoreCase", "false")
    assert same(tmp_path, "SECRET.py", "bx.py", "Secret.py") == {"Secret.py"}
    git(tmp_path, "config", "core.ignoreCase", "true")
    assert same(tmp_path, "SECRET.py", "bx.py", "Secret.py") == {"SECRET.py", "Secret.py", "bx.py"}


def test_a_folder_with_a_git_that_is_none_belongs_to_the_repository_above(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, ".gitignore", "*.py\n")
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    write(tmp_path, "other/.git", "gitdir: nowhere\n")
    assert excluded(tmp_path, ["sub/a.py", "other/a.py"]) == {"sub/a.py", "other/a.py"}


def test_a_repository_within_another_decides_outside_of_the_workspace_only(tmp_path: Path) -> None:
    git(tmp_path, "init")
    git(tmp_path, "init", "inner")
    path = write(tmp_path, "inner/a.py", "")
    write(tmp_path, ".gitignore", "*\n")
    assert PrivacyFilter().check(path) is None
    assert PrivacyFilter([tmp_path / "inner"]).check(path) is None
    assert PrivacyFilter([tmp_path]).check(path) is not None


def test_without_any_repository_every_file_of_rules_above_counts(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "*.gen.py\n")
    write(tmp_path, "a/.gitignore", "b.py\n")
    assert excluded(tmp_path, ["a/x.gen.py", "a/b.py", "a/c.py"]) == {"a/x.gen.py", "a/b.py"}


async def test_a_changed_rule_holds_for_the_next_request_and_for_every_file(tmp_path: Path) -> None:
    git(tmp_path, "init")
    one, other = write(tmp_path, "one.py", ""), write(tmp_path, "deep/other.py", "")
    privacy = PrivacyFilter([tmp_path])
    await privacy.prepare(one, other)
    assert privacy.allowed(one) and privacy.allowed(other)
    write(tmp_path, ".gitignore", "other.py\n")
    await privacy.prepare(one)
    assert privacy.allowed(one) and not privacy.allowed(other)
    write(tmp_path, ".gitignore", "")
    write(tmp_path, "deep/.gitignore", "")
    write(tmp_path, ".git/info/exclude", "one.py\n")
    await privacy.prepare(one)
    assert not privacy.allowed(one) and privacy.allowed(other)


async def test_looking_at_the_rules_again_costs_little(tmp_path: Path) -> None:
    git(tmp_path, "init")
    paths = [write(tmp_path, f"d{n}/a.py", "") for n in range(200)]
    privacy = PrivacyFilter([tmp_path])
    await privacy.prepare(*paths)
    start = time.perf_counter()
    for _ in range(10):
        await privacy.prepare(paths[0])
    assert (time.perf_counter() - start) / 10 < 0.05


def test_rules_that_cannot_be_read_exclude_their_folder(tmp_path: Path) -> None:
    write(tmp_path, "big/.gitignore", "x" * 300_000)
    write(tmp_path, "stars/.gitignore", "a*" * 30 + "b\n")
    write(tmp_path, "wide/.gitignore", "gone.py\n".encode("utf-16"))
    names = ["big/a.py", "stars/a.py", "wide/gone.py", "wide/a.py"]
    assert excluded(tmp_path, names) == {"big/a.py", "stars/a.py", "wide/gone.py"}


def test_the_entries_of_a_configuration() -> None:
    text = (
        "\ufeff# of mine\n[core]\n  excludesFile = ~/x # no\n\tignoreCase\n"
        '[a.b "c"] d = "e # f" \\\n  g\n[x]\nk=v;w\nk = a\\\\b\\"c\\n\nbroken line here = 1\n'
    )
    assert list(parse_config(text)) == [
        ("core.excludesfile", "~/x"),
        ("core.ignorecase", ""),
        ("a.b.*.d", "e # f   g"),
        ("x.k", "v"),
        ("x.k", 'a\\b"c\n'),
    ]
