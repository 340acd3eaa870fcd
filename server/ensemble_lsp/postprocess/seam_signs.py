"""Joins a chat model's completion to a sign before the cursor: an operator, a dot, a quote, a comment's sign.

The document's layout decides: a blank before an operator asks for one behind it.
"""

from __future__ import annotations

import re

from ..languages import line_comment
from .delimiters import CursorLevels
from .insertion_point import MARKUP, PROSE
from .keywords import keywords_of

_ACCESS = re.compile(r"(?:(?<![\w.])(?P<name>[^\W\d]\w*)|[)\]])(?P<sign>\.|\?\.|->|::)\Z")
_QUOTES = re.compile(r"\s*(?:\"{1,2}|'{1,2})")
_SIGN_ALONE = re.compile(r"\s*(&&|\|\||\?\?|[?:|=+])(\s*)")
"""A line that continues an expression, up to its operator."""
_RANGES = frozenset(
    {
        *(
            "csharp",
            "elixir",
            "elm",
            "fsharp",
            "groovy",
            "haskell",
            "julia",
            "kotlin",
            "lua",
            "perl",
        ),
        *("php", "raku", "ruby", "rust", "swift", "zig"),
    }
)
"""Languages in which two dots are an operator."""
_OWN = frozenset({"self", "this", "super"})
_SIGIL = re.compile(r"(?:^|[\s(,=])([@$])\Z")
_DOUBLED_SIGILS = frozenset({"makefile", "ruby"})
_OPERATOR = re.compile(r"(?P<before>[\w)\]}\"'`])[ \t]+(?P<sign>[=!<>+\-*/%&|?:^~]+)\Z")
_SIGNS = (
    "= == === != !== <= >= < > <> <=> =~ + - * / % & | ^ ** // += -= *= /= %= |= &= ^= **= //= <<= >>= := "
    "&& || &&= ||= ?? ??= ?: => -> <- << >> >>> |> ? :"
)
_OPERATORS = frozenset(_SIGNS.split())
_POINTERS = frozenset(
    {"c", "cpp", "csharp", "cuda-cpp", "go", "objective-c", "objective-cpp", "php", "ruby", "rust"}
)
"""Languages in which ``*`` and ``&`` also come before a type or an argument."""
_COLON_BEFORE_TYPE = frozenset(
    {"cpp", "csharp", "kotlin", "scala", "swift", "typescript", "typescriptreact"}
)
_OTHERS = frozenset({"ini", "julia", "r", "toml"})
_SHELLS = frozenset({"bash", "sh", "shellscript"})
_TAGS = frozenset({"javascript", "javascriptreact", "typescriptreact"})
_CONDITION = re.compile(r"\b(?:for|if|while|switch)\b")
_OPERAND = re.compile(r"[\w\"'`(\[{$@~]|[&*!-](?=[\w(])")
_DIRECTIVE = re.compile(r"\s*(?:#|template\b|@)")
_KEY = re.compile(r"[\"']:\Z")
_PROPERTY = re.compile(r"\s+[\w-]+:")
_KEYED = frozenset({"json", "json5", "jsonc"})
_STYLES = frozenset({"css", "less", "scss"})
_OTHER_COMMENTS = ("/**", "/*", "///", "//!", "---", "-- |", "-- ^", "#'", ";;;")
_SENTENCE = re.compile(r"[^\W\d][\w'’-]*,? [\w(\"'`]")
_TAG_OF_COMMENT = re.compile(r"\b(?:TODO|FIXME|NOTE|HACK|XXX|BUG|WARNING)(?:\([^)\n]*\))?:\Z")
_NEARBY = 1000
"""Characters before the cursor that show the layout of commas and colons."""


def join_sign(text: str, prefix: str, language: str, cursor: CursorLevels) -> str:
    """Return the text without the sign that is before the cursor already, and with the blank behind it."""
    head = prefix.rpartition("\n")[2]
    if cursor.in_string:
        return _without_quote(text, head)
    if cursor.in_comment:
        return " " + text if _lacks_blank_in_comment(text, head, language) else text
    if (bare := _without_repeated_sign(text, head, language)) != text:
        return bare
    lacks = _lacks_blank_behind_operator(text, head, language) or _lacks_usual_blank(
        text, prefix, head, language
    )
    return " " + text if lacks else text


def _without_quote(text: str, head: str) -> str:
    """Strip the quote that opened the string at the cursor; a quote and no text would close it."""
    found = re.search(r"(\"\"\"|'''|[\"'`])\Z", head)
    if found is None or not text.startswith(found[1]):
        return text
    rest = text[len(found[1]) :]
    return rest if re.match(r"[\w/.~<{$%]", rest) and found[1][0] in rest else text


def without_repeated_comment_sign(text: str, head: str, language: str) -> str:
    """Strip the sign that begins the comment at the cursor already: ``#`` and ``# Return the sum``."""
    signs = "|".join(re.escape(s) for s in (*_OTHER_COMMENTS, line_comment(language)) if s)
    found = re.search(rf"(?:^|\s)({signs})(\s*)\Z", head)
    if found is None or language in PROSE or not text.startswith(found[1]):
        return text
    rest = text[len(found[1]) :]
    return rest.lstrip(" \t") if found[2] else rest


def _lacks_blank_in_comment(text: str, head: str, language: str) -> bool:
    sign = line_comment(language)
    if sign and re.search(rf"(?:^|\s){re.escape(sign)}\Z", head):
        return _SENTENCE.match(text) is not None
    return _TAG_OF_COMMENT.search(head) is not None and text[:1].isalnum()


def _without_repeated_sign(text: str, head: str, language: str) -> str:
    """Strip the access or the sigil at the start of the text: ``self.`` and ``.name``, ``@`` and ``@wraps``."""
    if _QUOTES.fullmatch(head) and text.startswith(3 * head.strip()[0]):
        return text[len(head.strip()) :]
    if (alone := _SIGN_ALONE.fullmatch(head)) and text.startswith(f"{alone[1]} "):
        return text[len(alone[1]) + bool(alone[2]) :] if _has_operators(language) else text
    if head.endswith("<") and language in MARKUP and re.match(r"<[\w/!]", text):
        return text[1:]
    if (access := _ACCESS.search(head)) and re.match(rf"{re.escape(access['sign'])}[^\W\d]", text):
        is_range = access["sign"] == "." and language in _RANGES and access["name"] not in _OWN
        return text if is_range else text[len(access["sign"]) :]
    sigil = _SIGIL.search(head)
    if (
        sigil
        and language not in _DOUBLED_SIGILS
        and re.match(rf"{re.escape(sigil[1])}[^\W\d]", text)
    ):
        return text[1:]
    return text


def _lacks_blank_behind_operator(text: str, head: str, language: str) -> bool:
    """Return whether an operator has an operand and a blank before it, and none behind it."""
    found = _OPERATOR.search(head)
    if found is None or _OPERAND.match(text) is None or not _has_operators(language):
        return False
    sign = found["sign"]
    if sign not in _OPERATORS or text[0] == sign[-1] or _DIRECTIVE.match(head):
        return False
    if not _is_operator(sign, head, language):
        return False
    word = re.search(r"\w+\Z", head[: found.end("before")])
    return word is None or word.group() not in keywords_of(language)


def _has_operators(language: str) -> bool:
    known = bool(keywords_of(language)) or language in _OTHERS
    return known and language not in _SHELLS


def _is_operator(sign: str, head: str, language: str) -> bool:
    """Return whether a sign between blanks is an operator, not the start of a tag, a type or a symbol."""
    if sign in ("*", "&"):
        return language not in _POINTERS
    if sign in ("<", ">", "/") and language in _TAGS:
        return _CONDITION.search(head) is not None or "<" not in head
    return sign != ":" or "?" in head or language in _COLON_BEFORE_TYPE


def _lacks_usual_blank(text: str, prefix: str, head: str, language: str) -> bool:
    """Return whether commas, or the colons of keys, have a blank behind them in the code above."""
    if not re.match(r"[\w\"'`(\[{#.-]", text):
        return False
    above = prefix[-_NEARBY:-1]
    if head.endswith(","):
        number = head[-2:-1].isdigit() and re.match(r"\d{3}\b", text)
        return not number and _is_usual(above, ",")
    if language in _STYLES and _PROPERTY.fullmatch(head):
        return "{" not in text.partition("\n")[0] and _is_usual(above, r"[\w-]:", default=True)
    is_key = _KEY.search(head) is not None
    return is_key and _is_usual(above, r"[\"'\w-]:", default=language in _KEYED)


def _is_usual(above: str, sign: str, *, default: bool = False) -> bool:
    blanks = len(re.findall(rf"{sign}[ \t]", above))
    none = len(re.findall(rf"{sign}[^\s/:]", above))
    return blanks > none or (default and blanks == none)
