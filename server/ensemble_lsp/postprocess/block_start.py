"""Begins a completion on the line, and at the indentation, that the block around the cursor needs.

Models leave out the line end after an opening line, and the indentation of a blank line without any.
"""

from __future__ import annotations

import re

from ..languages import line_comment
from ..syntax.indentation import indent_of
from .insertion_point import PROSE, InsertionPoint
from .layout import dedent_lines, indent_lines, is_definition, is_function, opens_block
from .reindent import opens_with_words

_CLOSES = re.compile(
    r"\s*(?:[)\]}]|</|(?:end|fi|done|esac|else|elif|elsif|except|catch|finally|rescue|ensure|when|until)\b)"
)
"""The start of a line that ends the block above it."""
_OUTSIDE = re.compile(r"[)\]}#@]|</|(?:end|fi|done|esac|else|elif|case|default)\b")
"""The start of a text that may belong at the margin: a closing line, a directive, a case."""
_LABEL = re.compile(r"\w+:(?![:=])")
_LABELLED = frozenset({"c", "cpp", "csharp", "cuda-cpp", "go", "objective-c", "objective-cpp"})
"""Languages in which a label is often at the margin."""
_BODY = re.compile(r".*(?:[)]|=>|\b(?:else|do|try|finally))\s*\{\s*\Z")
"""A line that opens a block of statements, not an object."""
_BRANCH = re.compile(r"\s*(?:else\s*:|elif\b|except\b[^=]*:|finally\s*:)")
_BRANCHES = re.compile(
    r"\s*(?:(?:async|if|elif|else|for|while|try|except)\b|[^\w\s]|[\w.]+[^=]*[)\]}]\s*:|and\b|or\b)"
)
"""A line of Python that a branch may follow at its depth: also the end of a header of several lines."""
_YAML_ENTRY = re.compile(r"[ \t]{2,}(?:- |[\w./\"'-]+:(?:\s|\Z))")
_RULE = re.compile(r"[^\t#:=][^\t#=]*:(?![:=])")
"""A rule of a Makefile."""
_OUTSIDE_RULE = re.compile(
    r"[\w.-]+\s*(?:[:?+!]|::)?=|-?include\b|(?:ifn?eq|ifn?def|else|endif|define|endef|export|override|vpath)\b"
)
"""The start of a line of a Makefile outside of a rule's recipe."""
_WORDY = frozenset({"bash", "crystal", "elixir", "julia", "lua", "ruby", "sh", "shellscript"})
"""Languages in which words open blocks."""


def begin_below(text: str, point: InsertionPoint, unit: str, *, multiline: bool) -> str:
    """Return the text with a line end before it where it is the body of the block that the line opens.

    ``multiline``: the cursor is where a block belongs.
    """
    head, first = point.head, text.partition("\n")[0]
    if not head.strip() or not first.strip() or point.inside:
        return text
    lead = indent_of(first)
    if point.language in ("yaml", "dockercompose"):
        nested = head.rstrip().endswith(":") and _YAML_ENTRY.match(first)
        return "\n" + text if nested and len(lead) > len(indent_of(head)) else text
    if point.language == "makefile":
        return "\n" + text if lead == "\t" and _RULE.match(head) else text
    opens = opens_block(head) or (point.language in _WORDY and opens_with_words(head))
    return _body_below(text, point, unit) if multiline and opens else text


def _body_below(text: str, point: InsertionPoint, unit: str) -> str:
    head, lines = point.head, text.split("\n")
    lead, first = indent_of(lines[0]), lines[0].lstrip()
    rest = [line for line in lines[1:] if line.strip()]
    if (
        _CLOSES.match(first)
        or first.startswith((line_comment(point.language), "/*", "\\"))
        or sum(map(first.count, ")]}")) > sum(map(first.count, "([{"))
    ):
        return text
    outer = indent_of(head)
    if "\t" in lead or len(lead) > 1:
        if head.rstrip()[-1] in "([" and not (rest and indent_of(rest[0]) == lead):
            return text
        if len(lead.expandtabs(8)) > len(outer.expandtabs(8)):
            return "\n" + text
        within = all(line.startswith(lead) for line in rest)
        return "\n" + _at_level(dedent_lines(text) if within else text[len(lead) :], outer + unit)
    python = point.language == "python" and head.rstrip().endswith(":")
    if not rest or not (python or (not lead and _BODY.match(head))):
        return text
    below, deep = len(indent_of(rest[0])), len(outer)
    body = below > deep or (python and 0 == below < deep)
    return "\n" + _at_level(text[len(lead) :], outer + unit) if body else text


def indent_at_margin(text: str, point: InsertionPoint, unit: str) -> str:
    """Return a text at the margin with the indentation of the block around the cursor, if the text has none."""
    bare = text.lstrip("\n")
    if point.head or not bare.strip() or bare[:1].isspace() or _OUTSIDE.match(bare):
        return text
    if point.language in _LABELLED and _LABEL.match(bare):
        return text
    if point.language in PROSE or point.inside or point.suffix.partition("\n")[0].strip():
        return text
    if point.language == "makefile":
        return _recipe(text, point.prefix)
    level = _level_between(point.prefix, point.suffix, unit)
    # The lines below may be the body of what the text opens. One blank is the margin of a comment's lines.
    if level in ("", " ") or opens_block(bare.rstrip().rpartition("\n")[2]):
        return text
    if is_definition(bare) and not is_function(_next_line(point.suffix), bare):
        return text
    return text[: len(text) - len(bare)] + _at_level(bare, level)


def is_stray_branch(text: str, point: InsertionPoint) -> bool:
    """Return whether a text begins with a branch of Python, such as ``else``, of no statement at its depth."""
    if point.language != "python" or point.head.strip() or _BRANCH.match(text) is None:
        return False
    depth = len(indent_of(point.head + text))
    above = [line for line in point.prefix.split("\n")[:-1] if line.strip()]
    near = next((line for line in reversed(above) if len(indent_of(line)) <= depth), None)
    if near is None or near[:1] in "\"'":  # the end of a string of several lines
        return False
    return len(indent_of(near)) < depth or _BRANCHES.match(near) is None


def _recipe(text: str, prefix: str) -> str:
    """Return the commands right below a rule of a Makefile with their tabs."""
    above = prefix.split("\n")[-2:-1]
    in_rule = above and (above[0].startswith("\t") or _RULE.match(above[0]))
    plain = not (_RULE.match(text) or _OUTSIDE_RULE.match(text)) and text[:1] != "\n"
    return indent_lines(text, "\t") if in_rule and plain else text


def _level_between(prefix: str, suffix: str, unit: str) -> str:
    """Return the indentation of a statement between the lines above and below; empty if they do not tell."""
    above = [line for line in prefix.split("\n")[:-1] if line.strip()]
    below = _next_line(suffix)
    if not above or not below:
        return ""
    last, inner = indent_of(above[-1]), indent_of(below)
    closes, opens = _CLOSES.match(below) is not None, opens_block(above[-1])
    if last == inner and closes:
        return last + unit if opens or opens_with_words(above[-1]) else ""
    if not closes and (opens or len(inner) <= len(last)):
        return inner if len(inner) > len(last) or not opens else ""
    if not closes or len(inner) >= len(last):
        return ""
    opening = [n for n, line in enumerate(above) if len(indent_of(line)) <= len(inner)]
    return indent_of(above[opening[-1] + 1]) if opening else ""


def _next_line(suffix: str) -> str:
    return next((line for line in suffix.split("\n")[1:] if line.strip()), "")


def _at_level(text: str, level: str) -> str:
    """Indent a text whose first line has no indentation; its other lines may have theirs."""
    lines = text.split("\n")
    rest = [len(indent_of(line)) for line in lines[1:] if line.strip()]
    opens = opens_block(lines[0])
    whole = rest and min(rest) >= len(level) and rest[0] >= len(level) + opens
    return level + text if whole else indent_lines(text, level)
