"""Signatures of the workspace files that a file imports (Python, JavaScript, TypeScript).

Files are read and parsed ahead of time, off the loop; a request only looks up the result. Only files
in the workspace that may be sent are read; symbolic links out of it are not followed.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DocumentError
from ..languages import language_of
from ..settings.regular_files import read_regular
from ..types import Document, Snippet
from .content_exclusion import PrivacyFilter
from .documents import decode
from .secret_redaction import Redactor
from .symbols import outline

_SCRIPTS = frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact"})
_EXTENSIONS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
_FROM = re.compile(
    r"^[ \t]*from[ \t]+(?P<module>\.*[\w.]*)[ \t]+import[ \t]+"
    r"(?:\((?P<many>[^)]{0,2000})\)|(?P<names>[^\n#;(]+))",
    re.MULTILINE,
)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+(?P<modules>[\w., \t]+)", re.MULTILINE)
_SCRIPT = re.compile(
    r"""(?:import|export)\s+(?:type\s+)?(?P<what>[\w*{}\s,$]{1,2000}?)\s+from\s*["'](?P<from>\.[^"'\n]*)["']
    |(?:const|let|var)\s+(?P<names>[\w{}\s,:$]{1,500}?)\s*=\s*require\(\s*["'](?P<required>\.[^"'\n]*)["']""",
    re.VERBOSE,
)
_LINE = re.compile(
    r"[ \t]*(?:import\b|from\s+\S+\s+import\b|#\s*include\b|using\s+[\w.:]+\s*;|use\s+[\w:\\{]"
    r"|require\b|package\s|(?:const|let|var)\s.*=\s*require\()"
)
_CONSTANT = re.compile(
    r"(?:export\s+)?(?:const\s+|let\s+)?([A-Za-z_]\w*)\s*(?::[^=\n]{1,80})?=(?!=)"
)
_HEAD_LINES = 400
_MAX_BYTES = 300_000
_MAX_IMPORTS = 30
_MAX_SIGNATURES = 40
_MAX_FILES = 500
_MAX_DOCUMENTS = 300
_MAX_HEADS = 64


@dataclass(frozen=True, slots=True)
class Import:
    """The names that a file imports from another; ``None`` for the whole module."""

    target: Path
    names: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class _Signatures:
    stamp: tuple[int, int]
    by_name: _ByName
    redacted: _ByName | None = None
    """The same of the file without its secrets; ``None`` if they were not searched for."""

    def of(self, redacted: bool) -> _ByName:
        return (self.redacted or ()) if redacted else self.by_name


_ByName = tuple[tuple[str, str], ...]
"""Top-level names with their signatures; for a class, those of its methods too."""


@dataclass(frozen=True, slots=True)
class _ImportedSnippets:
    """The signatures for local models, and those without secrets for remote ones."""

    plain: tuple[Snippet, ...]
    redacted: tuple[Snippet, ...]


class ImportSignatures:
    """The signatures of the files that open documents import, by document."""

    def __init__(self) -> None:
        self._files: OrderedDict[Path, _Signatures] = OrderedDict()
        self._ready: OrderedDict[str, _ImportedSnippets] = OrderedDict()
        self._seen: dict[str, str] = {}
        self._heads: OrderedDict[tuple[str, int], tuple[tuple[str, ...], str]] = OrderedDict()

    def lines(self, document: Document, before: int | None = None) -> str:
        """Return ``import_lines``, cached while the file's head is unchanged."""
        limit = _HEAD_LINES if before is None else min(before, _HEAD_LINES)
        key, head = (document.uri, limit), document.lines[:limit]
        known = self._heads.pop(key, None)
        if known is None or known[0] != head:
            known = head, import_lines(document, before)
        self._heads[key] = known
        while len(self._heads) > _MAX_HEADS:
            self._heads.popitem(last=False)
        return known[1]

    def get(self, uri: str, *, redacted: bool = False) -> tuple[Snippet, ...]:
        """Return the signatures found so far, with absolute paths. Reads no disk."""
        found = self._ready.get(uri)
        if found is None:
            return ()
        return found.redacted if redacted else found.plain

    def known(self, uri: str) -> bool:
        """Return whether a document's imports have been read."""
        return uri in self._ready

    def forget(self, uri: str) -> None:
        """Forget a closed document."""
        self._ready.pop(uri, None)
        self._seen.pop(uri, None)

    def stale(self, document: Document) -> bool:
        """Return whether the import lines have changed since the last ``refresh``."""
        return self._seen.get(document.uri) != self.lines(document)

    async def refresh(
        self, document: Document, privacy: PrivacyFilter, redact: bool = False
    ) -> None:
        """Read the files that the document imports, off the loop, if they are new or have changed.

        Only with ``redact`` are there signatures for remote models too.
        """
        seen = self.lines(document)
        redactor = privacy.redactor if redact else None
        found = await asyncio.to_thread(self._collect, document, privacy, redactor)
        self._seen[document.uri] = seen
        self._ready[document.uri] = found
        while len(self._ready) > _MAX_DOCUMENTS:
            self.forget(next(iter(self._ready)))

    def _collect(
        self, document: Document, privacy: PrivacyFilter, redactor: Redactor | None
    ) -> _ImportedSnippets:
        found: OrderedDict[Path, tuple[list[str], list[str]]] = OrderedDict()
        for one in list(imports_of(document, privacy.folders))[:_MAX_IMPORTS]:
            real = privacy.readable(one.target)
            if real is None or real == Path(document.path):
                continue
            signatures = self._signatures(real, redactor)
            for shown, redacted in zip(
                found.setdefault(real, ([], [])), (False, True), strict=True
            ):
                texts = [
                    t for n, t in signatures.of(redacted) if one.names is None or n in one.names
                ]
                shown += [text for text in texts[:_MAX_SIGNATURES] if text not in shown]
        return _ImportedSnippets(
            _snippets((path, plain) for path, (plain, _) in found.items()),
            _snippets((path, redacted) for path, (_, redacted) in found.items()),
        )

    def _signatures(self, path: Path, redactor: Redactor | None) -> _Signatures:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            kept = self._files.get(path)
            if kept is not None and kept.stamp == stamp and (kept.redacted or redactor is None):
                return kept
            if status.st_size > _MAX_BYTES:
                return _Signatures(stamp, (), ())
            text = decode(read_regular(path, _MAX_BYTES), str(path))
        except (OSError, DocumentError):
            return _Signatures((0, 0), (), ())
        document = Document.from_text(path.as_uri(), 0, language_of(path), text)
        by_name, redacted = signatures_of(document), None
        if redactor is not None:
            clean = redactor.redact_lines(document.lines)
            redacted = by_name
            if clean.count:
                redacted = signatures_of(replace(document, lines=tuple(clean.lines)))
        found = self._files[path] = _Signatures(stamp, by_name, redacted)
        while len(self._files) > _MAX_FILES:
            self._files.popitem(last=False)
        return found


def _snippets(found: Iterable[tuple[Path, list[str]]]) -> tuple[Snippet, ...]:
    return tuple(Snippet(str(path), "\n".join(texts) + "\n", 1.0) for path, texts in found if texts)


def signatures_of(document: Document) -> tuple[tuple[str, str], ...]:
    """Return the top-level names of a file with their signatures; for a class, those of its methods too."""
    found: OrderedDict[str, list[str]] = OrderedDict()
    latest: list[str] = []
    for symbol in outline(document):
        if symbol.depth == 0:
            latest = found.setdefault(symbol.name, [])
            latest.append(symbol.signature)
        elif symbol.depth == 1 and symbol.kind == "function" and len(latest) < _MAX_SIGNATURES:
            latest.append(f"    {symbol.signature}")
    for line in document.lines:
        constant = _CONSTANT.match(line)
        if constant is not None and constant.group(1) not in found:
            found[constant.group(1)] = [line.strip()[:120]]
    return tuple((name, "\n".join(lines)) for name, lines in found.items())


def import_lines(document: Document, before: int | None = None) -> str:
    """Return the import lines at the file's head, or those above the line ``before``."""
    limit = _HEAD_LINES if before is None else min(before, _HEAD_LINES)
    kept: list[str] = []
    depth = 0
    for line in document.lines[:limit]:
        if depth > 0 or _LINE.match(line):
            kept.append(line)
            code = line.partition("#")[0] if document.language == "python" else line
            depth += sum(code.count(c) for c in "({") - sum(code.count(c) for c in ")}")
            depth = max(0, depth) if len(kept) < 200 else 0
    return "".join(kept)


def imports_of(document: Document, folders: tuple[Path, ...]) -> Iterator[Import]:
    """Yield the workspace files that imports may refer to; they need not exist."""
    text = "".join(document.lines[:_HEAD_LINES])
    if document.language == "python":
        yield from _python(text, Path(document.path), folders)
    elif document.language in _SCRIPTS:
        yield from _script(text, Path(document.path))


def _python(text: str, path: Path, folders: tuple[Path, ...]) -> Iterator[Import]:
    roots = _python_roots(path, folders)
    for found in _FROM.finditer(text):
        module = found["module"]
        listed = re.sub(r"#[^\n]*", "", found["many"] or found["names"])
        names = frozenset(n for each in listed.split(",") if (n := each.split(" as ")[0].strip()))
        dots = len(module) - len(module.lstrip("."))
        bases = [path.parents[dots - 1]] if 0 < dots <= len(path.parents) else [] if dots else roots
        parts = [part for part in module.strip(".").split(".") if part]
        selected = None if "*" in names else names
        for base in bases:
            yield from _python_files(base, parts, selected)
    for found in _IMPORT.finditer(text):
        for module in found["modules"].split(","):
            parts = module.split(" as ")[0].strip().split(".")
            for base in roots if parts[0] else []:
                yield from _python_files(base, parts, None)


def _python_files(base: Path, parts: list[str], names: frozenset[str] | None) -> Iterator[Import]:
    place = base.joinpath(*parts)
    if parts:
        yield Import(place.with_name(place.name + ".py"), names)
    yield Import(place / "__init__.py", names)
    for name in sorted(names or ()):
        if name.isidentifier():
            yield Import(place / f"{name}.py", None)


def _python_roots(path: Path, folders: tuple[Path, ...]) -> list[Path]:
    """Return the roots of absolute imports: the folders between file and workspace, ``src``, ``lib``."""
    roots: list[Path] = []
    for folder in folders:
        if folder in path.parents:
            roots += [p for p in path.parents if p == folder or folder in p.parents]
        roots += [folder, folder / "src", folder / "lib"]
    return list(dict.fromkeys(roots))


def _script(text: str, path: Path) -> Iterator[Import]:
    for found in _SCRIPT.finditer(text):
        target = path.parent / (found["from"] or found["required"])
        names = _script_names(found["what"] or found["names"] or "")
        extension = target.suffix
        if extension in _EXTENSIONS:
            yield Import(target, names)
            # TypeScript imports modules by the name of the compiled file.
            yield Import(target.with_suffix(extension.replace("js", "ts")), names)
        for each in _EXTENSIONS:
            yield Import(target.with_name(target.name + each), names)
            yield Import(target / f"index{each}", names)


def _script_names(what: str) -> frozenset[str] | None:
    """Return the names in an import's braces; ``None`` (all) for a default or namespace import."""
    if "{" not in what or what.split("{", maxsplit=1)[0].strip(" ,"):
        return None
    inside = what.split("{", 1)[1].split("}", maxsplit=1)[0]
    names = (re.split(r"\s+as\s+|:", each.strip())[0] for each in inside.split(","))
    return frozenset(name.removeprefix("type ").strip() for name in names if name)
