"""The signatures of a document's imports: which files they lead to, and when those are read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from ensemble_lsp.context.content_exclusion import PrivacyFilter
from ensemble_lsp.context.documents import Documents, read
from ensemble_lsp.context.imports import ImportSignatures, import_lines, signatures_of
from ensemble_lsp.context.prompt_builder import complete_prompt
from ensemble_lsp.context.workspace_index import WorkspaceContext
from ensemble_lsp.settings import PrivacySettings
from ensemble_lsp.types import Document, Edit, Position, Span
from tests.support.secret_detectors import detectors
from tests.support.workspace_prompts import REMOTE, opened, write

__all__ = ["detectors"]  # a fixture


async def test_signatures_of_imports_are_shown_first(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/tools.py": "class Tool:\n    def cut(self, n: int) -> str:\n        return ''\n\n"
            "def other(): pass\n\nLIMIT = 3\n",
            "pkg/sub.py": "def deep(x): ...\n",
            "a.py": "from pkg.tools import (\n    Tool,  # the tool\n    LIMIT as L,\n)\n"
            "from pkg import sub\n\nTool().\n",
        },
    )
    workspace = await opened(tmp_path, "a.py")
    prompt = complete_prompt(
        await read(tmp_path / "a.py"),
        Position(6, 7),
        profile=REMOTE,
        workspace=workspace,
        mode="line",
    )
    assert prompt is not None
    assert [(s.path, s.text) for s in prompt.related] == [
        ("pkg/tools.py", "class Tool\n    def cut(self, n: int) -> str\nLIMIT = 3\n"),
        ("pkg/sub.py", "def deep(x)\n"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("app/a.ts", "import { go, type Kind as K } from './lib/go';\n", {"app/lib/go.ts"}),
        ("app/a.ts", "import go from './lib/go.js';\n", {"app/lib/go.ts"}),
        ("app/a.js", "const { run } = require('./lib');\n", {"app/lib/index.js"}),
        ("app/b.py", "from .near import near\n", {"app/near.py"}),
        ("app/b.py", "from ..top import top\n", {"top.py"}),
        ("app/b.py", "import app.near as n, top\n", {"app/near.py", "top.py"}),
        ("app/b.py", "from core import here\n", {"src/core.py"}),
        ("app/b.py", "from ..outside import secret\nfrom .link import secret\n", set()),
        ("app/b.py", "import os\nfrom json import loads\n", set()),
    ],
)
async def test_imports_lead_to_files_of_the_workspace_only(
    tmp_path: Path, name: str, text: str, expected: set[str]
) -> None:
    root = tmp_path / "w"
    write(
        tmp_path,
        {
            "outside.py": "def secret(): pass\n",
            "w/app/lib/go.ts": "export function go(a: number) {}\nexport type Kind = 1\n",
            "w/app/lib/index.js": "function run() {}\n",
            "w/app/near.py": "def near(): pass\n",
            "w/top.py": "def top(): pass\n",
            "w/src/core.py": "def here(): pass\n",
            f"w/{name}": text,
        },
    )
    (root / "app/link.py").symlink_to(tmp_path / "outside.py")
    (root / "outside.py").symlink_to(tmp_path / "outside.py")
    imports = ImportSignatures()
    document = await read(root / name)
    await imports.refresh(document, PrivacyFilter([root]))
    found = {Path(s.path).relative_to(root).as_posix() for s in imports.get(document.uri)}
    assert found == expected


async def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    write(tmp_path, {"b.py": "def one(): pass\n", "a.py": "from b import one, three\n"})
    imports, privacy = ImportSignatures(), PrivacyFilter([tmp_path])
    document = await read(tmp_path / "a.py")
    await imports.refresh(document, privacy)
    assert not imports.stale(document)
    assert imports.get(document.uri)[0].text == "def one()\n"
    write(tmp_path, {"b.py": "def one(two): pass\n\ndef three(): pass\n"})
    await imports.refresh(document, privacy)
    assert imports.get(document.uri)[0].text == "def one(two)\ndef three()\n"
    imports.forget(document.uri)
    assert imports.get(document.uri) == ()


def test_import_lines_of_a_head_are_found() -> None:
    document = Document.from_text(
        "file:///a.py",
        1,
        "python",
        "'''doc'''\nimport os\nfrom a import (\n  b,\n)\nx = 1\nimport c\n",
    )
    assert import_lines(document) == "import os\nfrom a import (\n  b,\n)\nimport c\n"
    assert import_lines(document, 2) == "import os\n"
    assert import_lines(document, 0) == ""


def test_signatures_are_of_the_top_level_and_of_methods() -> None:
    document = Document.from_text(
        "file:///a.py",
        1,
        "python",
        "X: int = 1\nclass A:\n    def m(self):\n        def inner(): pass\n\ndef f(a=1): pass\n",
    )
    assert dict(signatures_of(document)) == {
        "A": "class A\n    def m(self)",
        "f": "def f(a=1)",
        "X": "X: int = 1",
    }


async def test_changed_imports_are_looked_up_again_in_the_background(tmp_path: Path) -> None:
    write(tmp_path, {"b.py": "def one(): pass\n", "a.py": "\none()\n"})
    documents = Documents()
    workspace = WorkspaceContext(PrivacySettings(), [tmp_path])
    documents.subscribe(workspace)
    on_disk = await read(tmp_path / "a.py")
    documents.open(on_disk.uri, 1, "python", on_disk.text)
    await workspace.settle()
    assert workspace.imports.get(on_disk.uri) == ()
    edit = Edit(Span(Position(0, 0), Position(0, 0)), "from b import one")
    documents.change(on_disk.uri, 2, [edit])
    await workspace.settle()
    assert workspace.imports.get(on_disk.uri)[0].text == "def one()\n"
    documents.close(on_disk.uri)
    assert workspace.imports.get(on_disk.uri) == ()
