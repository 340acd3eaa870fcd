"""A git repository whose commits have related changes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

BODY = """\
def {name}_total(items, price):
    ready = [item for item in items if item.ready]
    count = sum(item.count for item in ready)
    return count * price


def {name}_label(item):
    return f"{name}: {{item.count}}"
"""


def git(folder: Path, *arguments: str) -> str:
    """Run git with an identity, without the user's own configuration."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return done.stdout.decode()


def commit(folder: Path, files: dict[str, str], message: str = "change") -> None:
    """Write files and commit them."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "-q")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        git(folder, "add", "-f", name)
    git(folder, "commit", "-q", "-m", message)


def renames(folder: Path, names: tuple[str, ...]) -> None:
    """Commit files, then one commit for each that renames a parameter in two places."""
    commit(folder, {f"{name}.py": BODY.format(name=name) for name in names})
    for name in names:
        commit(folder, {f"{name}.py": BODY.format(name=name).replace("price", "cost")})
