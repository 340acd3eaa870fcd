"""How good one answer is, against what was really there.

Measures, each 0 to 1 and the higher the better:

- ``exact``: equal to what stood there, white space at line ends and blank lines round it aside;
- ``similarity``: edit similarity, 1 − Levenshtein distance / length of the longer text (characters);
- ``parses``: the file with the answer in it has no syntax error (only where the file had none before);
- ``tests``: the repository's own tests pass with it (``trial.py``);
- ``names``: for explanations, the share of the code's own names that the answer mentions;
- ``agreement``: for explanations, the mean likeness to the other models' (``summary.py`` adds it).

There is no reference for an explanation: ``names`` and ``agreement`` say how it compares, not whether
it is right.
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

MAIN = {"complete": "similarity", "generate": "similarity", "explain": "names"}
"""The measure models are compared by, for each task; ``tests`` where tests were run."""

_WORD = re.compile(r"[A-Za-z_]\w{2,}")
_CODE_WORDS = frozenset(keyword.kwlist) | {
    "self", "this", "const", "let", "var", "function", "func", "public", "private", "static", "void",
    "int", "str", "string", "bool", "float", "list", "dict", "tuple", "set", "new", "null", "nil", "true",
    "false", "none", "case", "switch", "throw", "catch", "end", "then", "struct", "impl", "mut", "use",
}  # fmt: skip
_STRINGS = re.compile(r"\"\"\".*?\"\"\"|'''.*?'''|\"[^\"\n]*\"|'[^'\n]*'", re.DOTALL)


def score(scenario: Scenario, text: str, hidden_indent: str = "") -> dict[str, float]:
    """The measures of one cleaned answer. Parses the file: for a thread, not for the event loop."""
    if scenario.case.kind == "explain":
        named = names_in(scenario.case.reference)
        return {"names": _share_named(text, named)} if named else {}
    given, wanted = plain(text, hidden_indent), plain(scenario.case.reference, hidden_indent)
    scores = {"exact": float(given == wanted), "similarity": similarity(given, wanted)}
    if text.strip() and (whole := _parses(scenario, text)) is not None:
        scores["parses"] = whole
    return scores


def plain(text: str, hidden_indent: str = "") -> str:
    """Code with its own indentation alone, without white space at line ends and round it.

    ``hidden_indent``: what stands before the first line where the code was taken out.
    """
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    if lines and lines[0] and not lines[0][:1].isspace() and len(lines) > 1:
        lines[0] = hidden_indent + lines[0]
    return textwrap.dedent("\n".join(lines).strip("\n")).strip()


def similarity(one: str, other: str) -> float:
    """1 for equal texts, 0 where nothing is in common."""
    distance: Any = import_module("rapidfuzz.distance")
    return float(distance.Levenshtein.normalized_similarity(one, other))


def agreement(texts: Sequence[str]) -> list[float]:
    """The mean likeness of each explanation to the others, by the words they share.

    Words count once each, as a Jaccard index: order and length matter little in prose.
    """
    words = [set(_WORD.findall(text.lower())) for text in texts]
    means: list[float] = []
    for i, mine in enumerate(words):
        others = [w for j, w in enumerate(words) if j != i]
        shares = [len(mine & w) / max(1, len(mine | w)) for w in others]
        means.append(sum(shares) / len(shares) if shares else 0.0)
    return means


def names_in(code: str) -> frozenset[str]:
    """The names a piece of code uses, without keywords, types of the language and strings."""
    found = _WORD.findall(_STRINGS.sub(" ", re.sub(r"(?:#|//)[^\n]*", " ", code)))
    return frozenset(n for n in found if n.lower() not in _CODE_WORDS)


def _share_named(text: str, names: frozenset[str]) -> float:
    said = set(_WORD.findall(text))
    return len(names & said) / len(names)


def _parses(scenario: Scenario, text: str) -> float | None:
    before = scenario.document
    if (
        scenario.case.reference
        and has_error(scenario.filled(scenario.case.reference).text, before.language) is not False
    ):
        return None
    broken = has_error(scenario.filled(text).text, before.language)
    return None if broken is None else float(not broken)
