"""An index of the workspace: the imports of each name, and the files that define it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import PurePosixPath

from ...uris import uri_to_path
from .import_lines import ImportLine, imports_at

_MAX_FILES = 2000
_SCRIPTS = frozenset({"typescript", "typescriptreact", "javascript", "javascriptreact"})
_DEFINITIONS = {
    "python": re.compile(r"^(?:async\s+def|def|class)\s+([^\W_]\w*)|^([A-Z][A-Z\d_]*)\s*(?::[^=\n]+)?=", re.MULTILINE),
    "script": re.compile(
        r"^export\s+(?:default\s+)?(?:abstract\s+)?(?:async\s+)?"
        r"(?:function|class|interface|const|enum|type)\s+([\w$]+)", re.MULTILINE,
    ),
}  # fmt: skip


class ImportIndex:
    """The imports and definitions of files. Add a file when it is opened, saved or found on disk."""

    def __init__(self) -> None:

        self._users: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        """By language and name: the lines that import it alone, resolved."""
        self._defined: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._files: dict[str, tuple[str, set[str], set[tuple[str, str]]]] = {}

    def add_file(self, uri: str, language: str, text: str) -> None:
        """Read a file's imports and definitions; replaces those that were known of it."""
        self.remove_file(uri)
        if len(self._files) >= _MAX_FILES:
            return
        family = _family(language)
        names: set[str] = set()
        lines: set[tuple[str, str]] = set()
        for one in imports_at(text.split("\n"), language).values():
            resolved = _resolved(one, uri, family)
            for name in one.names:
                if " " not in name:
                    lines.add((name, resolved.alone(name)))
        pattern = _DEFINITIONS.get(family)
        for found in pattern.finditer(text) if pattern is not None else ():
            names.add(next(group for group in found.groups() if group))
        for name, line in lines:
            self._users[family, name][line] += 1
        for name in names:
            self._defined[family, name].add(uri)
        self._files[uri] = family, names, lines

    def remove_file(self, uri: str) -> None:
        """Forget a file."""
        family, names, lines = self._files.pop(uri, ("", set(), set()))
        for name, line in lines:
            self._users[family, name][line] -= 1
        for name in names:
            self._defined[family, name].discard(uri)

    def import_of(self, name: str, uri: str, language: str) -> str | None:
        """Return the line that imports a name into a file, if the workspace agrees on one."""
        family = _family(language)
        known = self._users.get((family, name))
        lines = [line for line, count in known.items() if count > 0] if known else []
        if len(lines) == 1:
            return _relative(lines[0], uri, family)
        defined = self._defined.get((family, name), set()) - {uri}
        if lines or len(defined) != 1:
            return None
        return _from_definition(name, next(iter(defined)), uri, family)


def _family(language: str) -> str:
    return "script" if language in _SCRIPTS else language


def _from_definition(name: str, defining: str, uri: str, family: str) -> str | None:
    """Return a relative import from the file that defines a name, where it is near enough to be one."""
    if family not in _DEFINITIONS:
        return None
    path = PurePosixPath(uri_to_path(defining).as_posix())
    bare = path.with_suffix("")
    if path.parent != PurePosixPath(uri_to_path(uri).as_posix()).parent:
        return None  # whether packages import each other relatively is their own choice
    if family == "script":
        return f'import {{ {name} }} from "./{bare.name}";'
    return None if bare.name == "__init__" else f"from .{bare.name} import {name}"


def _resolved(one: ImportLine, uri: str, family: str) -> ImportLine:
    """Return an import with the path of a relative module instead of the module."""
    if not one.module.startswith("."):
        return one
    folder = PurePosixPath(uri_to_path(uri).as_posix()).parent
    if family == "script":
        path = _joined(folder, one.module)
    else:
        dots = len(one.module) - len(one.module.lstrip("."))
        for _ in range(dots - 1):
            folder = folder.parent
        path = folder.joinpath(*one.module.lstrip(".").split(".")).as_posix()
    text = f"{one.head}\0{one.tail}".replace(one.module, path, 1)
    head, _, tail = text.partition("\0")
    return ImportLine(path, one.names, head, tail)


def _relative(line: str, uri: str, family: str) -> str | None:
    """Return a resolved import as the file at ``uri`` would write it."""
    found = re.search(r"(?:from\s+[\"']?)(/[^\s\"']+)", line)
    if found is None:
        return line
    target = PurePosixPath(found.group(1))
    folder = PurePosixPath(uri_to_path(uri).as_posix()).parent
    if target == PurePosixPath(uri_to_path(uri).as_posix()).with_suffix(""):
        return None
    ups = 0
    while folder not in target.parents:
        if folder == folder.parent:
            return None
        folder, ups = folder.parent, ups + 1
    inside = target.relative_to(folder)
    script = ("../" * ups or "./") + inside.as_posix()
    module = script if family == "script" else "." * (ups + 1) + ".".join(inside.parts)
    return line.replace(found.group(1), module, 1)


def _joined(folder: PurePosixPath, module: str) -> str:
    for part in module.split("/"):
        folder = folder.parent if part == ".." else folder if part == "." else folder / part
    return folder.as_posix()
