"""The import that a new name needs, if the workspace has it, and the import whose last use was removed."""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterator, Mapping

from ...syntax.indentation import newline_of
from ...types import Position, Span
from .import_index import ImportIndex
from .import_lines import ImportLine, import_line, imports_at
from .reserved_words import RESERVED
from .search import EditContext, Proposal, is_import_line

_JUST_CUT = 3
_MAX_HUNKS = 6
_MAX_NAMES = 12
_NAME = re.compile(r"(?<![\w.$])[^\W\d][\w$]*")
_WORD = re.compile(r"[^\W\d][\w$]*")
_BUILTINS = frozenset(dir(builtins))


def import_edits(context: EditContext, index: ImportIndex) -> Iterator[Proposal]:
    """Yield the imports that the latest edits made necessary or useless."""
    document = context.document
    imports = imports_at(document.lines, document.language)
    here = [hunk for hunk in context.hunks[:_MAX_HUNKS] if hunk.uri == document.uri]
    removed: set[str] = set()
    added: dict[str, None] = {}
    imported: set[str] = set()
    for hunk in here:
        # Lines that were just cut are often pasted elsewhere.
        if hunk not in context.hunks[:_JUST_CUT] or hunk.added or len(hunk.removed) == 1:
            removed.update(word for line in hunk.removed for word in _WORD.findall(line))
        new_imports = filter(is_import_line, hunk.added)
        imported.update(word for line in new_imports for word in _WORD.findall(line))
        added.update((name, None) for line in hunk.added for name in _NAME.findall(line))
    replaced = {names[0]: names[1] for change in context.token_changes if (names := change.names)}
    yield from _unused(context, imports, removed.difference(replaced, imported))
    bound = {name for one in imports.values() for name in one.bound}
    wanted = [n for n in added if n not in bound and n not in RESERVED and n not in _BUILTINS]
    for name in wanted[:_MAX_NAMES]:
        if context.late:
            return
        line = index.import_of(name, document.uri, document.language)
        line = line or _of_standard_library(context, name)
        if line is not None and _is_unbound(context, name):
            yield from _import(context, imports, name, line)


def _of_standard_library(context: EditContext, name: str) -> str | None:
    """Return the import of a module of Python's standard library whose attribute is used."""
    if context.document.language != "python" or name not in sys.stdlib_module_names:
        return None
    used = re.compile(rf"(?<![\w.]){name}\.[^\W\d]")
    lines = (line for hunk in context.hunks[:_MAX_HUNKS] for line in hunk.added)
    found = any(used.search(line) for line in lines if not is_import_line(line))
    return f"import {name}" if found else None


def _unused(
    context: EditContext, imports: Mapping[int, ImportLine], removed: set[str]
) -> Iterator[Proposal]:
    document = context.document
    if document.name.startswith(("__init__.", "index.")):
        return  # what it imports, others import from it
    for number, one in imports.items():
        for name in one.bound:
            if name not in removed or one.module == "__future__" or len(context.find(name)) > 1:
                continue
            rest = one.without(name)
            text = "" if rest is None else rest + newline_of(document.lines[number])
            if rest is None and len(one.names) > 1:
                continue
            span = Span(Position(number, 0), Position(number + 1, 0))
            yield Proposal(span, text, "import", 0.9, "an import lost its last use")


def _is_unbound(context: EditContext, name: str) -> bool:
    """Return whether a name is used, and nowhere defined, in a file that can be parsed."""
    roles = [context.role(place) for place in context.occurrences(name)]
    return "name" in roles and not {"definition", "member", None}.intersection(roles)


def _import(
    context: EditContext, imports: Mapping[int, ImportLine], name: str, line: str
) -> Iterator[Proposal]:
    document = context.document
    wanted = import_line(line, document.language)
    if wanted is None or not _is_near(context, imports, wanted):
        return
    same = [n for n, one in imports.items() if one.module == wanted.module and one.module]
    if same:
        text = imports[same[0]].with_name(name)
        if text is None:
            return
        end = Position(same[0], len(document.line(same[0])))
        span = Span(Position(same[0], 0), end)
        yield Proposal(span, text, "import", 0.85, "a new name needs its import")
        return
    number = _place(imports, wanted)
    if number is not None:
        at = Position(number, 0)
        text = line + newline_of(document.lines[0])
        yield Proposal(Span(at, at), text, "import", 0.8, "a new name needs its import")


def _is_near(context: EditContext, imports: Mapping[int, ImportLine], wanted: ImportLine) -> bool:
    """Return whether a file may import a module: not above its package, and no tests outside of tests."""
    if wanted.module.startswith("tests") and "test" not in context.document.path:
        return False
    dots = max((_dots(one) for one in imports.values()), default=0)
    return "/" in wanted.module or _dots(wanted) <= max(1, dots)


def _dots(one: ImportLine) -> int:
    return len(one.module) - len(one.module.lstrip("."))


def _place(imports: Mapping[int, ImportLine], wanted: ImportLine) -> int | None:
    """Return where a new import goes: in its section, those of whole modules first, in order."""
    section = [n for n, one in imports.items() if _section(one) == _section(wanted)]
    alike = [n for n in section if bool(imports[n].module) == bool(wanted.module)]
    if alike:
        return next((n for n in alike if _key(imports[n]) > _key(wanted)), alike[-1] + 1)
    if not section:
        return None
    return section[-1] + 1 if wanted.module else section[0]


def _section(one: ImportLine) -> str:
    """Return the group that an import is sorted into: the standard library, relative, or its package."""
    if one.module.startswith(".") or "/" in one.module:
        return "."
    top = (one.module or one.names[0]).split(".", 1)[0]
    if top == "__future__":
        return top
    return "standard library" if top in sys.stdlib_module_names else top


def _key(one: ImportLine) -> tuple[int, str]:
    return -_dots(one), one.module or one.names[0]
