"""A release: its notes, its checksums, and what stops it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
LOG = "# Changelog\n\n## Unreleased\n\n- soon\n\n## 1.2.0 (2026-11-28)\n\n- done\n\n## 1.1.0\n\n- old\n"
NAMES = ("a.whl", "a.tar.gz", "a.vsix", "ensemble-lsp.cdx.json", "ensemble-lsp-vscode.cdx.json")


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of version 1.2.0 with all files of a release."""
    (tmp_path / "clients/vscode").mkdir(parents=True)
    (tmp_path / "clients/vscode/package.json").write_text('{"version": "1.2.0"}')
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(LOG)
    (tmp_path / "dist").mkdir()
    for name in NAMES:
        (tmp_path / "dist" / name).write_text(name)
    return tmp_path


def test_a_release_has_notes_and_checksums_that_hold(release: ModuleType, project: Path) -> None:
    dist = project / "dist"
    assert release.finish(project, dist) == "1.2.0"
    assert (dist / "RELEASE-NOTES.md").read_text() == "# ensemble-lsp 1.2.0\n\n- done\n"
    sums = (dist / "SHA256SUMS").read_text()
    assert [line.split("  ")[1] for line in sums.splitlines()] == sorted(
        [*NAMES, "RELEASE-NOTES.md"]
    )
    if sys.platform == "linux":
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=dist, check=True)
    release.finish(project, dist)
    assert (dist / "SHA256SUMS").read_text() == sums


def test_before_its_section_has_a_number_the_unreleased_part_is_the_notes(
    release: ModuleType,
) -> None:
    assert release.notes_of(LOG, "1.3.0") == "# ensemble-lsp 1.3.0\n\n- soon\n"
    linked = LOG.replace(
        "soon", "see [In a\n  company](docs/company.md#keys) and [this](https://a.b/c)"
    )
    assert release.notes_of(linked, "1.3.0").endswith(
        "- see In a\n  company (`docs/company.md`) and [this](https://a.b/c)\n"
    )
    with pytest.raises(SystemExit, match=r"no section for 1\.3\.0"):
        release.notes_of("# Changelog\n\n## 1.1.0\n\n- old\n", "1.3.0")


def test_versions_that_differ_and_missing_files_stop_it(release: ModuleType, project: Path) -> None:
    (project / "clients/vscode/package.json").write_text('{"version": "1.1.9"}')
    with pytest.raises(SystemExit, match="differ in version"):
        release.finish(project, project / "dist")
    (project / "dist" / "a.vsix").unlink()
    with pytest.raises(SystemExit, match=r"lacks \*\.vsix"):
        release.finish(project, project / "dist")


def test_this_repository_has_one_version_and_notes(release: ModuleType) -> None:
    version = release.version_of(ROOT)
    assert len(release.notes_of((ROOT / "CHANGELOG.md").read_text(), version)) > 200
