"""Splits code into tokens and follows the brackets, strings and tags that they open and close.

A text at a cursor closes levels that the code before it opened, so a scan starts with these levels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from ..languages import line_comment
from .brackets import CHARACTER_QUOTES

CLOSED_BY = {"(": ")", "[": "]", "{": "}", "<": ">"}
_OPENED_BY = {closer: opener for opener, closer in CLOSED_BY.items()}
_MARKUP = frozenset({"html", "xml", "vue", "svelte", "markdown"})
_TAGGED = _MARKUP | {"javascriptreact", "typescriptreact", "javascript"}
_PROSE = frozenset({"plaintext", "markdown", "latex", "tex", "git-commit"})
_NO_APOSTROPHE = frozenset({"clojure", "lisp", "scheme", "racket", "emacs-lisp", "vb", "matlab"})
_TEMPLATES = frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact", "vue"})
_INTERPOLATION = {
    "ruby": ("#{",), "elixir": ("#{",), "shellscript": ("$(", "${"), "sh": ("$(", "${"),
    "bash": ("$(", "${"), "kotlin": ("${",), "dart": ("${",), "groovy": ("${",), "php": ("{$", "${"),
    "swift": ("\\(",), "terraform": ("${",),
}  # fmt: skip
"""The marks that open an expression inside of a double-quoted string."""
_LONGEST_LINE = 4000
"""Characters of the cursor's line that are read."""
_VOID_TAGS = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
    ]
)  # elements that are never closed


@dataclass(frozen=True, slots=True)
class OpenDelimiter:
    """An open bracket, string or tag."""

    opener: str
    """The bracket, the quote, or ``<name`` of a tag."""
    expressions: tuple[str, ...] = ()
    """The marks that open an expression inside of it: of a string only."""

    @property
    def is_string(self) -> bool:
        """Whether it is a string, in which brackets are text."""
        return self.opener[0] in "\"'`"

    @property
    def ends_with_line(self) -> bool:
        """Whether it cannot continue on the next line."""
        return self.opener in ('"', "'")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a sign, or a comment."""

    text: str
    start: int
    end: int
    depth: int
    """The number of levels opened within the text and still open before it."""
    closes: int = 0
    """The level of the start that it closes, from 1 for the innermost; 0 for none."""
    comment: bool = False

    def is_same(self, other: Token) -> bool:
        """Whether both are the same text in the same depth."""
        return self.text == other.text and self.depth == other.depth


@dataclass(slots=True)
class Scan:
    """The result: the tokens, and the levels that are open at the end."""

    tokens: list[Token] = field(default_factory=list[Token])
    own: list[OpenDelimiter] = field(default_factory=list[OpenDelimiter])
    """The levels that the text itself opened, the outermost first."""
    closed: int = 0
    """The number of levels of the start that are closed, or left open by mistake."""
    in_comment: bool = False
    """Whether the text ends in a comment."""


_MARKS = {
    "python": "[fFrRbBuU]{1,2}", "csharp": "[$@]{1,2}", "fsharp": "[$@]{1,2}", "scala": "raw|[sf]",
    "c": "u8|[uUL]", "cpp": "u8|[uUL]", "rust": "[bc]",
}  # fmt: skip
"""The letters that may precede a string."""
_TAG = (
    r"(?P<close></(?P<closed>[A-Za-z][\w.:-]*)?\s*>)"
    r"|(?P<tag>(?<!\w)<(?:>|(?P<name>[A-Za-z][\w.:-]*)(?:\s[^<>]*?)?(?P<empty>/?)>))"
)


@cache
def _code_pattern(language: str) -> re.Pattern[str]:
    sign = "" if language in _MARKUP or language in _PROSE else line_comment(language)
    block = r"<!--.*?(?:-->|\Z)" if language in _MARKUP else r"/\*.*?(?:\*/|\Z)"
    marked = rf"(?<!\w)(?P<mark>{_MARKS.get(language, '(?!)')})(?P<marked>\"\"\"|'''|[\"'])"
    parts = [
        rf"(?P<comment>{re.escape(sign)}[^\n]*)" if sign else "",
        rf"(?P<block>{block})" if language in _MARKUP or sign == "//" else "",
        _TAG if language in _TAGGED else "",
        r"(?P<char>'(?:\\.[^'\n]{0,8}|[^\\'\n])')" if language in CHARACTER_QUOTES else "",
        marked,
        r"(?P<quote>\"\"\"|'''|[\"`]|(?<!\w)')",
        r"(?P<bracket>[()\[\]{}]|<(?![=<\s])|(?<![-=])>(?!=))",
        r"\w+|->|=>|::|&&|\|\||[<>=!]=|\?\.|[^\w\s]",
    ]
    return re.compile("|".join(filter(None, parts)), re.DOTALL)


class Scanner:
    """Scans one text; ``base`` has the levels that are open at its start, the outermost first."""

    def __init__(
        self, language: str, base: Sequence[OpenDelimiter] = (), *, angles: bool = False
    ) -> None:
        self._language = language
        self._base = base
        self._angles = angles
        self._scan = Scan()

    def scan(self, text: str, skipped: int = 0) -> Scan:
        """Return the text's tokens; the ``skipped`` innermost levels of the start count as closed."""
        scan = self._scan
        scan.closed = skipped
        position = 0
        while position < len(text):
            top = self._top()
            if top is not None and top.is_string:
                position = self._in_string(text, position, top)
            else:
                position = self._in_code(text, position)
        return scan

    def _top(self) -> OpenDelimiter | None:
        scan = self._scan
        if scan.own:
            return scan.own[-1]
        left = len(self._base) - scan.closed
        return self._base[left - 1] if left > 0 else None

    def _add(self, text: str, start: int, closes: int = 0, *, comment: bool = False) -> int:
        end = start + len(text)
        self._scan.tokens.append(
            Token(text, start, end, len(self._scan.own), closes, comment=comment)
        )
        return end

    def _in_string(self, text: str, position: int, top: OpenDelimiter) -> int:
        char = text[position]
        if char == "\n" and top.ends_with_line:
            self._leave()
            return position
        if text.startswith(top.opener, position):
            return self._add(top.opener, position, self._leave())
        if char == "{" and text.startswith("{{", position) and "{" in top.expressions:
            return self._add("{{", position)
        for mark in top.expressions:
            if text.startswith(mark, position):
                end = self._add(mark, position)
                self._scan.own.append(OpenDelimiter("(" if mark[-1] == "(" else "{"))
                return end
        if char.isspace():
            return position + 1
        if char == "\\":
            return self._add(text[position : position + 2], position)
        word = re.compile(r"\w+").match(text, position)
        return self._add(word.group() if word else char, position)

    def _in_code(self, text: str, position: int) -> int:
        found = _code_pattern(self._language).search(text, position)
        if found is None:
            return len(text)
        start, groups = found.start(), found.groupdict()
        self._scan.in_comment = False
        if groups.get("comment") or groups.get("block"):
            ends = found.group().endswith(("*/", "-->"))
            self._scan.in_comment = found.end() == len(text) and not ends
            return self._add(found.group(), start, comment=True)
        if groups.get("close"):
            return self._close(found.group(), start, "<" + (groups["closed"] or ""))
        if groups.get("tag"):
            return self._open_tag(found)
        if groups["marked"] or (groups["quote"] and self._opens_string(text, found)):
            return self._open_string(found, groups["mark"] or "")
        if (bracket := groups["bracket"]) and (bracket not in "<>" or self._angles):
            return self._bracket(text, start, bracket)
        return self._add(found.group(), start)

    def _opens_string(self, text: str, found: re.Match[str]) -> bool:
        quote, start = found["quote"], found.start()
        if self._language in _PROSE:
            return False
        if self._language in _MARKUP:
            return text[:start].rstrip().endswith("=")
        if quote == "'" and self._language in _NO_APOSTROPHE:
            return False
        if quote == "'" and self._language in CHARACTER_QUOTES:
            # A lone one begins a lifetime, or a character that is being typed.
            lifetime = self._language == "rust" and text[:start].endswith(("&", "<"))
            return start == len(text) - 1 and not lifetime
        return True

    def _open_string(self, found: re.Match[str], mark: str) -> int:
        end = self._add(found.group(), found.start())
        quote = found["marked"] or found["quote"]
        expressions: tuple[str, ...] = ()
        if self._language == "python":
            expressions = ("{",) if "f" in mark.lower() else ()
        elif self._language in ("csharp", "fsharp"):
            expressions = ("{",) if "$" in mark else ()
        elif self._language == "scala":
            expressions = ("${",) if mark else ()
        elif quote == "`" and self._language in _TEMPLATES:
            expressions = ("${",)
        elif quote[0] == '"':
            expressions = _INTERPOLATION.get(self._language, ())
        self._scan.own.append(OpenDelimiter(quote, expressions))
        return end

    def _open_tag(self, found: re.Match[str]) -> int:
        end, name = self._add(found.group(), found.start()), found["name"] or ""
        if not found["empty"] and name.lower() not in _VOID_TAGS:
            self._scan.own.append(OpenDelimiter("<" + name))
        return end

    def _bracket(self, text: str, start: int, bracket: str) -> int:
        if bracket in CLOSED_BY:
            # A generic type's bracket follows its name at once; a comparison's has blanks.
            follows = bracket != "<" or (
                start > 0 and (text[start - 1].isalnum() or text[start - 1] == ":")
            )
            end = self._add(bracket, start)
            if follows:
                self._scan.own.append(OpenDelimiter(bracket))
            return end
        return self._close(bracket, start, _OPENED_BY[bracket])

    def _close(self, text: str, start: int, opener: str) -> int:
        own = self._scan.own
        for number in range(len(own) - 1, -1, -1):
            if own[number].opener == opener:
                del own[number:]
                return self._add(text, start)
        if opener.startswith("<") and not self._is_open(opener):
            return self._add(text, start)
        own.clear()
        closed = self._level_of(opener)
        self._scan.closed = closed
        return self._add(text, start, closed)

    def _is_open(self, opener: str) -> bool:
        left = len(self._base) - self._scan.closed
        return any(level.opener == opener for level in self._base[: max(0, left)])

    def _level_of(self, opener: str) -> int:
        """Return the innermost open level of a kind; one outside of the known ones without any."""
        left = len(self._base) - self._scan.closed
        for number in range(left - 1, -1, -1):
            level = self._base[number]
            if level.opener == opener:
                return len(self._base) - number
        return max(self._scan.closed, len(self._base)) + 1

    def _leave(self) -> int:
        """Leave the innermost level; return its number if the text did not open it."""
        if self._scan.own:
            self._scan.own.pop()
            return 0
        self._scan.closed += 1
        return self._scan.closed


@dataclass(frozen=True, slots=True)
class CursorLevels:
    """The levels that are open at a cursor, as far as its line and open strings above show."""

    levels: tuple[OpenDelimiter, ...]
    """The outermost first."""
    angles: bool
    """Whether an angle bracket of a generic type is open."""
    in_comment: bool

    @property
    def in_string(self) -> bool:
        """Whether the cursor is in a string, and not in an expression in it."""
        return bool(self.levels) and self.levels[-1].is_string


def levels_at(prefix: str, language: str) -> CursorLevels:
    """Return the levels that are open after a prefix."""
    above, _, head = prefix.rpartition("\n")
    head = head[-_LONGEST_LINE:]
    start: list[OpenDelimiter] = []
    if language not in _PROSE and (quote := _open_above(above, language)):
        start = [OpenDelimiter(quote, ("${",) if quote == "`" else ())]
    angles = _GENERIC.search(head) is not None
    scan = Scanner(language, start, angles=angles).scan(head)
    levels = (*start[: max(0, len(start) - scan.closed)], *scan.own)
    in_comment = scan.in_comment
    if line_comment(language) == "//" and above.rfind("/*") > above.rfind("*/"):
        in_comment = "*/" not in head
    return CursorLevels(levels, angles, in_comment)


_GENERIC = re.compile(r"[\w:]<[^<>()=;]*\Z")


def _open_above(above: str, language: str) -> str:
    """Return the quote of a string that is open at the end of the lines above the cursor's."""
    for quote in ('"""', "'''"):
        if above.count(quote) % 2:
            return quote
    return "`" if language in _TEMPLATES and above.count("`") % 2 else ""
