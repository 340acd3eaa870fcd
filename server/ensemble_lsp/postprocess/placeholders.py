"""Recognises comments that a model writes instead of code: ``# Your code here``, ``// ... existing code ...``.

The forms are those that bug reports of assistants quote, and those that Gemini CLI and Qwen Code reject.
"""

from __future__ import annotations

import re

_COMMENT = re.compile(r"\s*(?:#|//|--|;|%|/\*|<!--|\{/\*)[\W_]*(.*?)[\W_]*")
_THING = r"(?:code|functions?|methods?|class(?:es)?|file|implementation|body|logic|imports?)"
_STAYS = r"(?:\s+(?:(?:goes\s+)?here|(?:remains?|stays?)\s+(?:the\s+same|unchanged)|unchanged|as\s+before))?"
_LEFT_OUT = re.compile(
    rf"(?:(?:the\s+)?(?:rest|remainder)(?:\s+of)?(?:\s+(?:the|your|this))?(?:\s+\w+)?\s+{_THING}"
    rf"|(?:\w+\s+)?(?:existing|remaining|unchanged|previous|other|same)\s+{_THING}){_STAYS}",
    re.IGNORECASE,
)
_LEFT_TO_DO = re.compile(
    r"""(?:to-?do\W+)?(?:please\s+)?(?:
      (?:(?:write|add|insert|put|enter|type|place|implement|complete|fill\ in)\s+)?(?:your|the|my|some)?\s*
        (?:own\s+)?(?:code|implementation|logic|solution|body)(?:\s+goes)?\s+(?:here|below)
    | implement(?:\s+(?:this|me|the)(?:\s+(?:function|method|class))?)?(?:\s+here)?
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_UNCHANGED = re.compile(
    rf"(?:the\s+)?(?:rest|remainder)(?:\s+of(?:\s+\w+){{1,4}})?\s+"
    r"(?:(?:is|are|remains?|stays?|kept)\s+)?(?:the\s+same|unchanged|as\s+(?:before|it\s+was|is))"
    rf"|(?:(?:the|your)\s+)?(?:existing|unchanged)\s+{_THING}(?:\s+(?:goes\s+)?here)?"
    rf"|(?:(?:all|the|your)\s+)*(?:remaining|previous|other|same)\s+{_THING}\s+(?:remains?|stays?|(?:is|are)\s+)?"
    r"\s*(?:the\s+same|unchanged|as\s+before)",
    re.IGNORECASE,
)
"""The text of a comment that stands for the code of a rewrite even without an ellipsis."""
_BARE_ELLIPSIS = re.compile(
    r"\s*(?:#|//|--|;|%|/\*|<!--|\{/\*)\s*(?:\.\.\.|…)\s*(?:\*/\}?|-->)?\s*"
)
"""A comment that is nothing but an ellipsis."""
_NOTHING = re.compile(
    r"""no[ ](?:further[ ]|more[ ])?(?:completion|change|suggestion|code|edit|output)s?
        (?:[ ](?:(?:is|are)[ ])?(?:needed|required|necessary|available|possible|to[ ]\w+))?(?:[ ]here)?
    | nothing[ ](?:to[ ]\w+|(?:is[ ])?(?:needed|required|missing))(?:[ ]here)?
    | [(\[]empty[ ]\w+[)\]]""",
    re.VERBOSE | re.IGNORECASE,
)
"""An answer in words that there is no answer."""
_EMPTY_TAG = re.compile(r"<\|?/?(?:no[_ -]\w+|none|nothing|empty|blank)[ ]?/?\|?>", re.IGNORECASE)
_ELLIPSIS = re.compile(r"\.\.\.|…")
_BEGINS_WITH_ELLIPSIS = re.compile(
    r"\W*(?:\.\.\.|…)\s*\(?(?:(?:and|keep|leave|all|of|the|your) ){0,3}"
    r"(?:rest|existing|remaining|unchanged|other|same|previous|original)\b",
    re.IGNORECASE,
)
_BARE = re.compile(r"[\W_]*(.*?)[\W_]*")


def says_nothing(text: str, *, tags: bool = False) -> bool:
    """Return whether a whole answer says that there is nothing to write: ``(no completion)``, ``<none>``.

    ``tags``: a tag, or a type in angle brackets, may be code.
    """
    line = text.strip()
    if "\n" in line or len(line) > 80:
        return False
    comment = _COMMENT.fullmatch(line)
    bracketed = re.fullmatch(r"[(\[<](.*)[)\]>]", line)
    bare = comment[1] if comment else bracketed[1].replace("_", " ") if bracketed else line
    spoken = _NOTHING.fullmatch(bare.rstrip(".!")) or _NOTHING.fullmatch(line)
    return spoken is not None or (not tags and _EMPTY_TAG.fullmatch(line) is not None)


def is_elision(line: str) -> bool:
    """Return whether a line stands for code that a model left out; it has an ellipsis."""
    if _ELLIPSIS.search(line) is None:
        return False
    bare = _BARE.fullmatch(line.strip())
    return bool(_BEGINS_WITH_ELLIPSIS.match(line) or (bare and _LEFT_OUT.fullmatch(bare[1])))


def leaves_out_code(text: str, original: str) -> bool:
    """Return whether a rewrite has a line that stands for code of the original; the original's own do not count."""
    kept = {line.strip() for line in original.split("\n")}
    return any(stands_for_kept_code(line) and line.strip() not in kept for line in text.split("\n"))


def stands_for_kept_code(line: str) -> bool:
    """Return whether a line of a rewrite stands for code that the model did not repeat."""
    found = _COMMENT.fullmatch(line)
    unchanged = found is not None and _UNCHANGED.fullmatch(found[1]) is not None
    return unchanged or is_elision(line) or _BARE_ELLIPSIS.fullmatch(line) is not None


def is_placeholder(text: str, document: str = "") -> bool:
    """Return whether every line is a comment that stands for code which the model did not write.

    A comment that the document has elsewhere, as exercises have, does not count.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return (
        bool(lines) and all(map(_stands_for_code, lines)) and not any(x in document for x in lines)
    )


def _stands_for_code(line: str) -> bool:
    found = _COMMENT.fullmatch(line)
    return found is not None and any(p.fullmatch(found[1]) for p in (_LEFT_OUT, _LEFT_TO_DO))
