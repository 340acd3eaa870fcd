"""The place that an answer is inserted at: code, a string, a comment or prose; and how a text fits there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ..languages import COMMENT_LINE, LANGUAGES, line_comment
from ..syntax.trees import encode, parser_for
from .brackets import lexical_boundary, lexical_tokens
from .prose_lines import reads_as_sentence
from .quotes import heredoc_lines

if TYPE_CHECKING:
    from tree_sitter import Node

PROSE = frozenset(
    {
        *("", "asciidoc", "bibtex", "git-commit", "git-rebase", "gitcommit", "latex", "log"),
        *("mail", "markdown", "mdx", "norg", "org", "plaintext", "quarto", "restructuredtext"),
        *("rmd", "rst", "tex", "text", "typst", "txt"),
    }
)
"""Languages in which every sentence may be meant."""
MARKUP = frozenset(
    {
        *("astro", "blade", "django-html", "erb", "handlebars", "html", "htmldjango", "jinja"),
        *("jinja-html", "liquid", "mustache", "pug", "razor", "svelte", "svg", "twig", "vue"),
        *("vue-html", "xml", "xsl", "xhtml", "javascriptreact", "typescriptreact"),
    }
)
"""Languages with text between tags."""
DATA = frozenset(
    {
        "csv",
        "dotenv",
        "ini",
        "json",
        "json5",
        "jsonc",
        "properties",
        "toml",
        "yaml",
        "dockercompose",
    }
)
_LENIENT = frozenset({"bash", "kotlin", "ruby", "sh", "shellscript"})
"""Languages whose grammars accept most sentences as code."""
_PARSED = 2_000
"""Characters on each side that are parsed with an answer."""


@dataclass(frozen=True)
class InsertionPoint:
    """A place in a document: the text around it, with line feeds as line ends, and the language."""

    prefix: str = ""
    suffix: str = ""
    language: str = ""
    replaced: str = ""
    """The text that an answer replaces."""
    _parsed: dict[str, tuple[int, int] | None] = field(
        default_factory=dict[str, "tuple[int, int] | None"], compare=False, repr=False
    )

    @cached_property
    def head(self) -> str:
        """The cursor's line up to the cursor."""
        return self.prefix.rpartition("\n")[2]

    @cached_property
    def inside(self) -> str:
        """``string`` or ``comment`` if the place is inside of one, else empty."""
        bare, sign = self.head.lstrip(), line_comment(self.language)
        block = sign == "//" and bare.startswith(("*", "/*"))
        if COMMENT_LINE.match(self.head) and (bare.startswith(sign) or block):
            return "comment"
        above = self.prefix[-_PARSED:].split("\n")
        if len(above) - 1 in heredoc_lines(above, self.language):
            return "string"
        return self.state_after("")

    @property
    def is_prose(self) -> bool:
        """Whether sentences are expected at the place."""
        known = self.language in LANGUAGES and self.language not in PROSE
        return not known or bool(self.inside) or self._continues_prose

    @cached_property
    def _continues_prose(self) -> bool:
        """Whether the line above is a sentence: of a string that begins above the known text."""
        above = self.prefix.rstrip().rpartition("\n")[2] if not self.head.strip() else ""
        return not COMMENT_LINE.match(above) and reads_as_sentence(above)

    @property
    def is_markup(self) -> bool:
        """Whether the language has tags and text between them; PHP has both outside ``<?php … ?>``."""
        if self.language == "php":
            return self.prefix.rfind("?>") > self.prefix.rfind("<?")
        return self.language in MARKUP or self.language in PROSE

    @property
    def is_lenient(self) -> bool:
        """Whether a text that parses may still be no code."""
        return self.language in _LENIENT or parser_for(self.language) is None

    @cached_property
    def _near(self) -> int:
        """The start of the text before the place that is read for its strings and comments."""
        offset = max(0, len(self.prefix) - _PARSED)
        return lexical_boundary(self.prefix, offset, self.language) if offset else 0

    def state_after(self, text: str) -> str:
        """Return ``string`` or ``comment`` if one is open after the text, inserted here; else empty."""
        whole = self.prefix[self._near :] + text
        tokens = deque(lexical_tokens(whole, self.language), maxlen=1)
        last = tokens[0] if tokens else None
        if last is None or last.end() != len(whole) or last["bracket"]:
            return ""
        token = last.group()
        if token[0] not in "\"'`":
            return "" if token.startswith("/*") and token.endswith("*/") else "comment"
        mark = token[:3] if token[:3] in ('"""', "'''") else token[0]
        closed = len(token) >= 2 * len(mark) and token.endswith(mark)
        return "" if closed and not token.endswith("\\" + mark) else "string"

    def errors_with(self, text: str) -> tuple[int, int] | None:
        """Return the number and the size of syntax errors with a text here; ``None`` without a grammar."""
        if text not in self._parsed:
            self._parsed[text] = self._parse(text)
        return self._parsed[text]

    def _parse(self, text: str) -> tuple[int, int] | None:
        parser = parser_for(self.language, fragment="<?" not in self.prefix + text)
        if parser is None:
            return None
        _, newline, before = self.prefix[-_PARSED:].partition("\n")
        before = before if newline and len(self.prefix) > _PARSED else self.prefix[-_PARSED:]
        after = self.suffix[:_PARSED]
        after = after.rpartition("\n")[0] if len(self.suffix) > _PARSED else after
        return _errors(parser.parse(encode(before + text + after)).root_node)


def _errors(root: Node) -> tuple[int, int]:
    """Return the number of error nodes, and the size of the outermost ones."""
    count = size = 0
    waiting = [(root, False)]
    while waiting:
        node, counted = waiting.pop()
        if not node.has_error:
            continue
        if node.is_error or node.is_missing:
            count += 1
            size += 0 if counted else node.end_byte - node.start_byte
            counted = True
        waiting.extend((child, counted) for child in node.children)
    return count, size
