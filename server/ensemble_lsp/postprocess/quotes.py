"""Parts of an answer that are quoted: in a string, a code span, a fence or a here-document."""

from __future__ import annotations

import re

from ..syntax.trees import encode, parser_for
from .brackets import lexical_tokens

_HEREDOC = re.compile(r"<<[-~<]?\s*(['\"]?)([A-Za-z_]\w*)\1")
_HEREDOC_LANGUAGES = frozenset(
    {"bash", "dockerfile", "makefile", "perl", "php", "ruby", "sh", "shellscript", "terraform"}
)
_MULTILINE = re.compile(r"string|template|heredoc|raw_text|text_block")
"""In the names of nodes that are strings."""
_BACKTICK = re.compile(r"(?<!`)`(?!`)")
_NOT_QUOTES = re.compile(r"\\.|(?<=\w)'(?=\w)")


def is_quoted(text: str, start: int, end: int, head: str = "") -> bool:
    """Return whether a part of a text is between quotes; ``head`` precedes the text on its first line.

    A quote must be open before the part and be closed after it, on the same line; a fence, a triple quote
    or a backtick may be closed later.
    """
    before, after = text[:start], text[end:]
    for mark in ("```", '"""', "'''"):
        if before.count(mark) % 2 and after.count(mark) % 2:
            return True
    if len(_BACKTICK.findall(before)) % 2 and len(_BACKTICK.findall(after)) % 2:
        return True
    if "\n" not in before:
        before = head + before
    before = _NOT_QUOTES.sub("", before.rpartition("\n")[2])
    after = _NOT_QUOTES.sub("", after.partition("\n")[0])
    return any(before.count(quote) % 2 and after.count(quote) % 2 for quote in "\"'`")


def heredoc_lines(lines: list[str], language: str) -> set[int]:
    """Return the numbers of the lines that belong to here-documents, with their ends."""
    found: set[int] = set()
    if language not in _HEREDOC_LANGUAGES:
        return found
    end = ""
    for number, line in enumerate(lines):
        if end:
            found.add(number)
            end = "" if line.strip().rstrip(";,)") == end else end
        elif "<<" in line and (opening := _HEREDOC.search(line)) is not None:
            end = opening[2]
    return found


def string_lines(lines: list[str], language: str, head: str = "") -> set[int]:
    """Return the lines that begin inside of a string; a docstring is not such a string."""
    text = "\n".join(lines)
    found: set[int] = set()
    for token in lexical_tokens(text, language):
        if token.group()[0] in "\"'`" and "\n" in token.group():
            begin = text.count("\n", 0, token.start())
            docstring = (
                token.group()[:3] in ('"""', "'''")
                and not (
                    (head if begin == 0 else "")
                    + text[text.rfind("\n", 0, token.start()) + 1 : token.start()]
                ).strip()
            )
            if not docstring:
                found.update(range(begin + 1, begin + 1 + token.group().count("\n")))
    parser = parser_for(language)
    if parser is not None and language != "python":
        waiting = [parser.parse(encode(head.lstrip() + text)).root_node]
        while waiting:
            node = waiting.pop()
            begin, end = node.start_point[0], node.end_point[0]
            if begin == end:
                continue
            if _MULTILINE.search(node.type) and "concatenated" not in node.type:
                found.update(range(begin + 1, end + 1))
            else:
                waiting.extend(node.children)
    return found | heredoc_lines(lines, language)
