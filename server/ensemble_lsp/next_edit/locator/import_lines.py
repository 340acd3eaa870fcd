"""Import lines of Python, JavaScript, TypeScript and Rust: the names that they bind, and lines with a name more or less."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

_NAMES = r"[\w$]+(?:\s+as\s+[\w$]+)?(?:\s*,\s*[\w$]+(?:\s+as\s+[\w$]+)?)*"
_PYTHON = re.compile(
    rf"(?P<head>from\s+(?P<module>[\w.]+)\s+import\s+)(?P<names>{_NAMES})(?P<tail>)$"
)
_SCRIPT = re.compile(
    rf"(?P<head>import\s+(?:type\s+)?\{{\s*)(?P<names>{_NAMES})(?P<tail>\s*\}}\s*from\s*"
    r"[\"'](?P<module>[^\"']+)[\"'];?)$"
)
_RUST = re.compile(rf"(?P<head>use\s+(?P<module>[\w:]+)::\{{?)(?P<names>{_NAMES})(?P<tail>\}}?;)$")
_WHOLE = re.compile(r"import\s+(?P<names>[\w$]+)(?P<tail>)$")
_FORMS = {
    "python": (_PYTHON, _WHOLE),
    "typescript": (_SCRIPT,),
    "typescriptreact": (_SCRIPT,),
    "javascript": (_SCRIPT,),
    "javascriptreact": (_SCRIPT,),
    "rust": (_RUST,),
}
_MAX_LINE = 400
_HEAD_LINES = 400


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One import on one line."""

    module: str
    """Empty for ``import name``."""
    names: tuple[str, ...]
    """As they are written: ``a as b``."""
    head: str
    tail: str

    @property
    def bound(self) -> tuple[str, ...]:
        """The names that the file has from it."""
        return tuple(name.split()[-1] for name in self.names)

    @property
    def text(self) -> str:
        """The line."""
        return f"{self.head}{', '.join(self.names)}{self.tail}"

    def without(self, name: str) -> str | None:
        """Return the line without a name; ``None`` if no name is left, or in Rust's braces one."""
        left = tuple(each for each in self.names if each.split()[-1] != name)
        if not left or (len(left) == 1 and self.head.endswith("::{")):
            return None
        return replace(self, names=left).text

    def with_name(self, name: str) -> str | None:
        """Return the line with a name more, in order if its names are; ``None`` for ``import name``."""
        if not self.module or (self.head.startswith("use") and not self.head.endswith("{")):
            return None
        names = (*self.names, name)
        if list(self.names) == sorted(self.names, key=_order):
            names = tuple(sorted(names, key=_order))
        return replace(self, names=names).text

    def alone(self, name: str) -> str:
        """Return the line with one name only."""
        head = self.head.removesuffix("{") if self.head.startswith("use") else self.head
        tail = ";" if self.head.startswith("use") else self.tail
        return f"{head}{name}{tail}"


def import_line(line: str, language: str) -> ImportLine | None:
    """Return an unindented import that is whole on its line and has no comment."""
    if len(line) > _MAX_LINE or line[:1] not in ("f", "i", "u"):
        return None
    for form in _FORMS.get(language, ()):
        found = form.match(line.rstrip())
        if found is not None:
            parts = found.groupdict()
            names = tuple(name.strip() for name in parts["names"].split(","))
            head = parts.get("head", "import ")
            return ImportLine(parts.get("module") or "", names, head, parts["tail"])
    return None


def imports_at(lines: Sequence[str], language: str) -> dict[int, ImportLine]:
    """Return the imports at a file's head by line number."""
    if language not in _FORMS:
        return {}
    head = enumerate(lines[:_HEAD_LINES])
    found = ((number, import_line(line, language)) for number, line in head)
    return {number: one for number, one in found if one is not None}


def _order(name: str) -> tuple[int, str]:
    """Sort as import sorters do: constants, then classes, then the others."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2, name)
