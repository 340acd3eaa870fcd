"""The package's own rules: names are used once and say what they hold, no provider is named outside its folder.

And the page on the architecture agrees with the tree.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import ensemble_lsp
from ensemble_lsp.provider_spec import specs

PACKAGE = Path(ensemble_lsp.__file__).parent


def files() -> Iterator[tuple[str, Path]]:
    """Yield each file of the package with its path below the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path


def repeated(names: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: places for name, places in names.items() if len(places) > 1}


def test_a_class_name_is_used_once_in_the_package() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name, path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name)
    assert len(places) > 200
    assert not repeated(places)


def test_a_module_name_is_used_once_in_the_package() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name, path in files():
        if path.parent != PACKAGE or path.name != "__init__.py":
            places[path.parent.name if path.name == "__init__.py" else path.stem].append(name)
    assert len(places) > 200
    assert not repeated(places)


def test_no_package_names_a_provider() -> None:
    examples = "settings/schema.py"  # of settings, in the documentation
    named: list[str] = []
    for name, path in files():
        if name.startswith("providers/") or name == examples:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in specs():
                named.append(f"{name}:{node.lineno}: {node.value!r}")
    assert not named, "read the providers' specs instead"


UNCLEAR = {"told", "said", "wish", "dear", "begun", "gone", "every"}
"""Names that say nothing of what they hold: message, reason, instruction, cost, started, removed …"""


def assigned_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each variable, attribute, parameter and function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name


def test_a_name_says_what_it_holds() -> None:
    found = [
        f"{name}:{line}: {assigned}"
        for name, path in files()
        if name != "cli/doctor_command.py"  # `told` is a key of its JSON
        for line, assigned in assigned_names(ast.parse(path.read_text(encoding="utf-8")))
        if assigned.strip("_") in UNCLEAR
    ]
    assert not found


ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_architecture_page_names_every_folder_and_top_level_module() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    picture = text.split("```")[1]
    folders = {path.parent for _, path in files()} - {PACKAGE}
    assert len(folders) > 25
    missing = [folder.name for folder in folders if f"{folder.name}/" not in picture]
    missing += [
        path.stem for path in PACKAGE.glob("*.py") if path.stem not in (picture + "__init__")
    ]
    assert not missing


def test_the_architecture_page_names_only_files_that_exist() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    named = {name.replace("NAME", "*") for name in re.findall(r"`([\w/*]+\.py)`", text)}
    assert len(named) > 30
    root = ARCHITECTURE.parents[1]
    gone = [name for name in named if not any([*PACKAGE.rglob(name), *root.glob(name)])]
    assert not gone
