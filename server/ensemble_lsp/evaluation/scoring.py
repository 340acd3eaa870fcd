"""Score one answer against the original code.

The measures range from 0 to 1; higher is better:

- ``exact``: equal to the original, apart from trailing white space and surrounding blank lines;
- ``similarity``: edit similarity, 1 − Levenshtein distance / length of the longer text (characters);
- ``parses``: the file with the answer has no syntax error (only if the file had none before);
- ``tests``: the repository's own tests pass with it (``repo_test_scoring.py``);
- ``names``: for explanations, the share of the code's names that the answer mentions;
- ``agreement``: for explanations, the mean similarity to the other models' (``summary.py`` adds it).

The measures of next edits are in ``edit_scoring.py``.
An explanation has no reference: ``names`` and ``agreement`` compare explanations, but do not show which is right.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ..syntax.trees import has_error
from .scenario import Scenario

MAIN = {"complete": "similarity", "generate": "similarity", "explain": "names", "edit": "right"}
"""The measure that compares models, by task; ``tests`` replaces it if tests were run."""

_WORD = re.compile(r"[A-Za-z_]\w{2,}")
_CODE_WORDS = frozenset(keyword.kwlist) | {
    "self", "this", "const", "let", "var", "function", "func", "public", "private", "static", "void",
    "int", "str", "string", "bool", "float", "list", "dict", "tuple", "set", "new", "null", "nil", "true",
    "false", "none", "case", "switch", "throw", "catch", "end", "then", "struct", "impl", "mut", "use",
}  # fmt: skip
_STRINGS = re.compile(r"\"\"\".*?\"\"\"|'''.*?'''|\"[^\"\n]*\"|'[^'\n]*'", re.DOTALL)


def score(scenario: Scenario, text: str, hidden_indent: str = "") -> dict[str, float]:
    """Return the measures of one cleaned answer. Parses the file: call it in a thread."""
    if scenario.case.kind == "explain":
        named = names_in(scenario.case.reference)
        return {"names": _share_named(text, named)} if named else {}
    answer, reference = plain(text, hidden_indent), plain(scenario.case.reference, hidden_indent)
    scores = {"exact": float(answer == reference), "similarity": similarity(answer, reference)}
    if text.strip() and (whole := _parses(scenario, text)) is not None:
        scores["parses"] = whole
    return scores


def plain(text: str, hidden_indent: str = "") -> str:
    """Remove common indentation, trailing white space and surrounding blank lines.

    ``hidden_indent`` is the indentation before the hole's first line.
    """
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    if lines and lines[0] and not lines[0][:1].isspace() and len(lines) > 1:
        lines[0] = hidden_indent + lines[0]
    return textwrap.dedent("\n".join(lines).strip("\n")).strip()


def similarity(one: str, other: str) -> float:
    """Return the edit similarity: 1 for equal texts, 0 for nothing in common."""
    distance: Any = import_module("rapidfuzz.distance")
    return float(distance.Levenshtein.normalized_similarity(one, other))


def agreement(texts: Sequence[str]) -> list[float]:
    """Return each explanation's mean similarity to the others, by shared words.

    Words count once, as in a Jaccard index: order and length matter little in prose.
    """
    words = [set(_WORD.findall(text.lower())) for text in texts]
    means: list[float] = []
    for i, mine in enumerate(words):
        others = [w for j, w in enumerate(words) if j != i]
        shares = [len(mine & w) / max(1, len(mine | w)) for w in others]
        means.append(sum(shares) / len(shares) if shares else 0.0)
    return means


def names_in(code: str) -> frozenset[str]:
    """Return the names in a piece of code, without keywords, built-in types and strings."""
    words = _WORD.findall(_STRINGS.sub(" ", re.sub(r"(?:#|//)[^\n]*", " ", code)))
    return frozenset(n for n in words if n.lower() not in _CODE_WORDS)


def _share_named(text: str, names: frozenset[str]) -> float:
    words = set(_WORD.findall(text))
    return len(names & words) / len(names)


def _parses(scenario: Scenario, text: str) -> float | None:
    before = scenario.document
    if (
        scenario.case.reference
        and has_error(scenario.filled(scenario.case.reference).text, before.language) is not False
    ):
        return None
    broken = has_error(scenario.filled(text).text, before.language)
    return None if broken is None else float(not broken)
