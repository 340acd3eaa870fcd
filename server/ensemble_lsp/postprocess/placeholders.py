"""Recognises an answer that leaves the code to the user, such as ``# Your code here``."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"\s*(?:#|//|--|;|%|/\*|<!--)[\W_]*(.*?)[\W_]*")
_LEAVES_IT = re.compile(
    r"""(?:to-?do\W+)?(?:please\s+)?(?:
      (?:(?:write|add|insert|put|enter|type|place|implement|complete|fill\ in)\s+)?(?:your|the|my|some)?\s*
        (?:own\s+)?(?:code|implementation|logic|solution|body)(?:\s+goes)?\s+(?:here|below)
    | implement(?:\s+(?:this|me|the)(?:\s+(?:function|method|class))?)?(?:\s+here)?
    | (?:the\s+)?(?:rest|remainder)\s+of\s+(?:the|your|this)\s+(?:\w+\s+)?(?:code|function|method|class|file
        |implementation|body|logic)(?:\s+(?:here|remains\s+(?:the\s+same|unchanged)))?
    | (?:\w+\s+)?(?:existing|remaining|previous|other)\s+code(?:\s+(?:here|remains\s+(?:the\s+same|unchanged)))?
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def is_placeholder(text: str) -> bool:
    """Return whether every line is a comment that stands for code which the model did not write."""
    lines = [line for line in text.split("\n") if line.strip()]
    comments = [_COMMENT.fullmatch(line) for line in lines]
    return bool(lines) and all(c and _LEAVES_IT.fullmatch(c[1]) for c in comments)
