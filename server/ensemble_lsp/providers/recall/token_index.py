"""The token index of open documents and workspace files, kept up to date line by line.

Reading a line costs some tens of microseconds, so a long file is read bit by bit: some lines when it comes,
some at each later call, or by ``work`` from a background task. All methods run on the event loop's
thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...types import Document, Edit, common_prefix_length, split_lines
from .context_trie import DEPTH, Contexts, Line
from .cursor import read_cursor
from .indexed_file import IndexedFile, count_lines, family_of, last_line, lines_at_cursor, path_of
from .predict import Prediction, predict
from .tokens import Words, indent_width, line_break

MAX_LINES = 200_000
"""Maximum lines of all files; the oldest workspace files are dropped first."""
AT_ONCE = 200
"""Lines read when a document is opened."""
BY_THE_WAY = 30
"""Lines read with each later call."""
OWN = 16
"""Number of documents, the most recently used ones, that have their own counts."""


class RecallIndex:
    """The tokens of open documents and workspace files, by language.

    Files of one language predict one another; languages that share files' syntax count as one.
    """

    def __init__(self, max_lines: int = MAX_LINES) -> None:
        self._files: dict[str, IndexedFile] = {}
        self._trees: dict[str, Contexts] = {}
        self._words = Words()
        self._pending: dict[str, None] = {}
        self._latest: dict[str, None] = {}
        self._max_lines = max_lines
        self._total = 0

    @property
    def lines(self) -> int:
        """The number of lines that have been read."""
        return self._total

    @property
    def pending(self) -> bool:
        """Whether ``work`` has more to read."""
        return bool(self._pending) or any(self._uncounted())

    def open(self, document: Document) -> None:
        """Add an open document; it replaces the file's earlier content."""
        old = self._files.get(document.uri)
        on_disk = old is not None and (old.document is None or old.disk is not None)
        disk = document.lines if on_disk else None
        if old is not None and old.document is not None and old.disk is not None:
            disk = old.disk
        file = IndexedFile(
            document.uri, family_of(document.language), document.lines, document, disk
        )
        self._begin(file)
        self._work_in(file, AT_ONCE)

    def change(self, before: Document, after: Document, edits: Sequence[Edit]) -> None:
        """Apply a document's change, at the cost of the changed lines.

        ``edits`` only say where to look; the documents' lines decide, so a missed change does no harm.
        """
        file = self._files.get(after.uri)
        if file is None or file.document is None or file.family != family_of(after.language):
            self.open(after)
            return
        hint = 0
        if file.document is before and edits:
            hint = max(0, min(edit.span.start.line for edit in edits) - 1)
        file.document = after
        self._update(file, after.lines, hint)
        self._work_in(file)
        self._by_the_way(file)

    def close(self, uri: str) -> None:
        """Close a document: a workspace file stays as it is on disk, another is dropped."""
        file = self._files.get(uri)
        if file is None or file.document is None:
            return
        if file.disk is None:
            self.forget(uri)
            return
        disk, file.disk, file.document = file.disk, None, None
        self._leave(file)
        self._update(file, disk, 0)
        self._extend(file, 0)

    def add_file(self, uri: str, language: str, text: str) -> None:
        """Add a workspace file's text as it is on disk, new or changed; ``work`` reads it."""
        file = self._files.get(uri)
        lines = tuple(split_lines(text))
        if file is not None and file.document is not None:
            file.disk = lines
        else:
            self._begin(IndexedFile(uri, family_of(language), lines), 0)

    def remove_file(self, uri: str) -> None:
        """Drop a workspace file that was deleted; while it is open, its document stays."""
        file = self._files.get(uri)
        if file is not None and file.document is not None:
            file.disk = None
        else:
            self.forget(uri)

    def forget(self, uri: str) -> None:
        """Drop a file."""
        file = self._files.pop(uri, None)
        self._pending.pop(uri, None)
        if file is not None:
            self._leave(file)
            self._take_out(file, 0, len(file.lines))
            self._total -= len(file.lines)

    def work(self, lines: int = 200) -> bool:
        """Read more lines of long files; return whether more are left."""
        while lines > 0 and self._pending:
            file = self._files[next(iter(self._pending))]
            lines -= max(1, self._extend(file, lines))
        for file in self._uncounted():
            lines -= self._count_on(file, max(0, lines))
        return self.pending

    def _uncounted(self) -> Iterator[IndexedFile]:
        """Yield documents whose own counts are behind."""
        files = (self._files[uri] for uri in self._latest)
        return (file for file in files if file.counted < len(file.lines))

    def find(self, path: str) -> str | None:
        """Return the URI of the file whose path ends with that path; open documents first. A URI is its own."""
        if path in self._files:
            return path
        wanted = "/" + path.replace("\\", "/").lstrip("/")
        found = [f for f in self._files.values() if path_of(f).endswith(wanted)]
        found.sort(key=lambda f: (f.document is None, len(f.uri)))
        return found[0].uri if found else None

    def predict(
        self,
        *,
        uri: str,
        language: str,
        prefix: str,
        suffix: str,
        multiline: bool,
        max_lines: int,
        limit: int = 1,
    ) -> list[Prediction]:
        """Return the likeliest texts at the cursor, best first; at most ``limit``.

        ``prefix`` and ``suffix`` are the text around the cursor, as far as known. With ``multiline`` the
        best one continues over further lines, up to ``max_lines``, while they are sure. The line
        at the cursor is no evidence for itself.
        """
        file = self._files.get(uri)
        if file is not None and file.document is not None:
            self._work_in(file)
        self._by_the_way(file)
        cursor = read_cursor(prefix, suffix, self._read)
        if cursor is None:
            return []
        tree = self._tree(family_of(language))
        own = file.own if file is not None else None
        # Neither the line at the cursor nor its step to the line below may be evidence for itself.
        held = lines_at_cursor(file, cursor, tree) if file is not None else []
        for each, line, tokens in held:
            each.remove(line, tokens)
        try:
            return predict(cursor, tree, own, max_lines if multiline else 1, limit)
        finally:
            for each, line, tokens in held:
                each.add(line, tokens)

    # -- reading -------------------------------------------------------------------------------

    def _begin(self, file: IndexedFile, at_once: int = AT_ONCE) -> None:
        self.forget(file.uri)
        self._files[file.uri] = file
        self._pending[file.uri] = None
        self._extend(file, at_once)

    def _work_in(self, file: IndexedFile, budget: int = BY_THE_WAY) -> None:
        """Give a document its own counts, in steps; the least recently used document loses its counts."""
        self._latest.pop(file.uri, None)
        self._latest[file.uri] = None
        if len(self._latest) > OWN:
            self._leave(self._files[next(iter(self._latest))])
        file.own = file.own or Contexts()
        self._count_on(file, budget)

    def _count_on(self, file: IndexedFile, budget: int) -> int:
        """Count further lines in the document's own counts; return how many."""
        start = file.counted
        file.counted = min(len(file.lines), start + budget)
        count_lines(file, start, file.counted)
        return file.counted - start

    def _leave(self, file: IndexedFile) -> None:
        self._latest.pop(file.uri, None)
        file.own, file.counted = None, 0

    def _by_the_way(self, file: IndexedFile | None) -> None:
        if file is not None and file.uri in self._pending:
            self._extend(file, BY_THE_WAY)
        elif self._pending:
            self.work(BY_THE_WAY)

    def _extend(self, file: IndexedFile, budget: int) -> int:
        """Read further lines of a file; return how many."""
        start = len(file.lines)
        wanted = min(budget, len(file.raw) - start)
        end = start + min(wanted, self._room(file, wanted))
        self._put_in(file, start, end)
        if end == len(file.raw) or end < start + wanted:
            self._pending.pop(file.uri, None)
            if file.document is None:
                file.raw = ()
        return end - start

    def _room(self, file: IndexedFile, wanted: int) -> int:
        """Return how many lines fit after the oldest closed files are dropped."""
        closed = [f.uri for f in self._files.values() if f.document is None and f is not file]
        for uri in closed:
            if self._total + wanted <= self._max_lines:
                break
            self.forget(uri)
        return max(0, self._max_lines - self._total)

    def _update(self, file: IndexedFile, new: tuple[str, ...], hint: int) -> None:
        """Set the file's lines; the first ``hint`` lines are known to be equal."""
        old, file.raw = file.raw, new
        first = hint + common_prefix_length(old[hint:], new[hint:])
        if first == len(old) == len(new):
            return
        shorter = min(len(old), len(new)) - first
        tail = min(shorter, common_prefix_length(old[first:][::-1], new[first:][::-1]))
        known = len(file.lines)
        last = len(old) - tail
        stop = self._touched(file, last) if last < known else known
        first = min(first, known)
        reaches = file.counted >= stop
        self._take_out(file, first, stop)
        rest = file.lines[stop:]
        del file.lines[first:]
        self._total -= known - first
        if last <= known:
            self._put_in(file, first, stop - len(old) + len(new))
        end = len(file.lines)
        self._join(file, rest)
        if reaches:
            count_lines(file, first, end)
            file.counted += len(file.lines) - known
        else:
            file.counted = min(file.counted, first)
        if len(file.lines) < len(new):
            self._pending[file.uri] = None

    def _touched(self, file: IndexedFile, last: int) -> int:
        """Return the end of the lines from ``last`` whose contexts reach back across it."""
        tokens = 0
        while last < len(file.lines) and tokens < DEPTH:
            line = file.lines[last]
            tokens += len(line.bare) if line is not None else 0
            last += 1
        return last

    def _join(self, file: IndexedFile, rest: list[Line | None]) -> None:
        """Append unchanged lines to those that were read again."""
        above = last_line(file.lines)
        below = next((line for line in rest if line is not None), None)
        if below is not None:
            below.before = above
        file.lines += rest
        self._total += len(rest)

    def _take_out(self, file: IndexedFile, start: int, end: int) -> None:
        tree = self._tree(file.family)
        for number, line in enumerate(file.lines[start:end], start):
            if line is not None:
                tree.remove(line)
                if file.own is not None and number < file.counted:
                    file.own.remove(line)

    def _put_in(self, file: IndexedFile, start: int, end: int) -> None:
        """Read the raw lines from ``start``, where the known ones end, to ``end``."""
        tree = self._tree(file.family)
        above = last_line(file.lines)
        for raw in file.raw[start:end]:
            blank = bool(file.lines) and file.lines[-1] is None
            line = self._read(raw, above, blank)
            file.lines.append(line)
            if line is None:
                continue
            above = line
            tree.add(line)
        self._total += max(0, end - start)

    def _read(self, raw: str, above: Line | None, blank: bool) -> Line | None:
        """Return a line of text as tokens; None for a blank one."""
        text = raw.strip()
        if not text:
            return None
        indent = indent_width(raw)
        first = line_break(above.indent if above else 0, indent, blank and above is not None)
        pairs = self._words.pairs(text)
        tokens = (first, *[token for token, _ in pairs])
        return Line(tokens, (first, *[bare for _, bare in pairs]), indent, above)

    def _tree(self, family: str) -> Contexts:
        return self._trees.setdefault(family, Contexts())
