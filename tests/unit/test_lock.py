"""What CI installs is what the project asks for: each package pinned, each file by its hash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomli.loads((ROOT / "pyproject.toml").read_text())
LOCKED = re.findall(r"^EXTRAS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SYSTEMS = ("linux", "darwin", "win32")


def entries() -> list[tuple[Requirement, list[str]]]:
    """Each locked package with the hashes of its files."""
    found: list[tuple[Requirement, list[str]]] = []
    for block in re.split(r"\n(?=\S)", LOCK.strip()):
        head, *hashes = (line.strip().removesuffix(" \\") for line in block.split("\n"))
        found.append((Requirement(head), hashes))
    return found


def wanted() -> list[Requirement]:
    """What pyproject.toml names, with the extras that are locked."""
    project = PROJECT["project"]
    extras = [project["optional-dependencies"][name] for name in LOCKED.split(",")]
    return [Requirement(each) for each in sum(extras, list(project["dependencies"]))]


def environment(python: str, system: str) -> dict[str, str]:
    machine = {"linux": "x86_64", "darwin": "arm64", "win32": "AMD64"}[system]
    return {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
        "platform_machine": machine,
        "os_name": "nt" if system == "win32" else "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def test_every_package_is_pinned_and_every_file_has_its_hash() -> None:
    for pinned, hashes in entries():
        assert re.fullmatch(r"==[^*,]+", str(pinned.specifier)), pinned
        assert pinned.url is None
        assert hashes and all(re.fullmatch("--hash=sha256:[0-9a-f]{64}", h) for h in hashes), pinned


def test_no_index_is_named() -> None:
    assert "://" not in LOCK and "index" not in re.sub(r"(?m)^[\w-]*==", "", LOCK)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_what_the_project_asks_for_is_locked_once_in_a_version_that_it_takes(
    python: str, system: str
) -> None:
    where = environment(python, system)
    locked: dict[str, list[str]] = {}
    for pinned, _ in entries():
        if pinned.marker is None or pinned.marker.evaluate(where):
            version = next(iter(pinned.specifier)).version
            locked.setdefault(canonicalize_name(pinned.name), []).append(version)
    assert all(len(versions) == 1 for versions in locked.values())
    for asked in wanted():
        if asked.marker is None or asked.marker.evaluate(where):
            [version] = locked.get(canonicalize_name(asked.name), [None])
            assert version is not None, f"{asked} is not locked: run `make lock`"
            assert asked.specifier.contains(version, prereleases=True), f"{asked}: run `make lock`"
