"""What the documents say is so: generated pages, links, and commands that the program knows."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from ensemble_lsp.cli.main import parse
from tests.support.documents import commands

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_page_on_settings_is_that_of_the_code() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "make_settings.py"))["page"]()
    assert (ROOT / "docs" / "settings.md").read_text() == page, "run `make schema`"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "page", ["docs/architecture.md", "docs/adding-a-provider.md", "CONTRIBUTING.md"]
)
def test_paths_in_the_pages_for_developers_exist(page: str) -> None:
    package = ROOT / "server" / "ensemble_lsp"
    text = (ROOT / page).read_text()
    paths = {
        path
        for path in re.findall(r"`([\w.*-]*(?:/[\w.*-]*)+|[\w-]+\.py)`", text)
        if not path.startswith("/") and path != "ensemble/didShow"  # of a service; a method
    }
    assert len(paths) > 4
    for path in paths:
        # The name of a file follows the folder that its sentence names.
        places = (ROOT, package, package / "postprocess", package / "next_edit")
        pattern = path.replace("NAME", "*").removesuffix("/")
        found = (match for place in places for match in place.glob(pattern))
        assert next(found, None) or next((package.glob(f"{pattern}.py")), None), path


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_are_ones_the_program_knows(page: Path, capsys: pytest.CaptureFixture) -> None:
    for command in commands(page.read_text()):
        words = shlex.split(command, comments=True)
        if words[:1] == ["ensemble-lsp"]:
            try:
                parse(words[1:])
            except SystemExit as left:
                assert left.code == 0, f"{command}: {capsys.readouterr().err}"
        elif words[:1] == ["make"]:
            targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert words[1] in targets, command
