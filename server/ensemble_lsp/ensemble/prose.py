"""Several explanations merged into one: the best model's, what others add, and where they differ.

Sentences are compared on normalised words with rapidfuzz. A near-duplicate is dropped; what others
say beyond it is put after the sentence they said it after; what only one model says bears its name;
sentences alike but for a number, a name or a negation stand side by side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from .sentences import Block, split_blocks
from .votes import Answer
from .wording import Stems, same_said, stems_of

DUPLICATE = 78.0
"""Similarity, 0 to 100, from which two sentences say the same."""
CONTAINED = 92.0
"""The same for a sentence whose words are among the other's."""
ALIKE = 66.0
"""Similarity from which a differing number, name or negation is a contradiction."""

Relation = Literal["same", "contradicts", "other"]

_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*%?")
_CODE = re.compile(r"`+([^`]+)`+")
_NEGATION = re.compile(
    r"\b(?:(?i:not|never|no|cannot|without|neither|nor)|none|(?i:do|does|did|is|are|was|were|wo|ca|can|"
    r"could|should|would|has|have)n['’]t)\b"
)
_OPPOSITES = (
    ("true", "false"), ("increases", "decreases"), ("ascending", "descending"),
    ("mutable", "immutable"), ("before", "after"), ("first", "last"), ("minimum", "maximum"),
    ("smallest", "largest"), ("synchronous", "asynchronous"), ("even", "odd"),
)  # fmt: skip
_SIDES = frozenset(side for pair in _OPPOSITES for side in pair)
_FILLER = frozenset((
    "a", "an", "the", "this", "that", "these", "those", "it", "its", "is", "are", "was", "be",
    "of", "to", "in", "on", "for", "by", "with", "and", "as", "which", "will", "then", "so",
    "also", "here", "there", "from", "into", "at", "if",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProseVerdict:
    """A merged explanation."""

    markdown: str
    models: tuple[str, ...]
    """All models whose words or agreement are in it, the base's first."""
    agreement: float
    """Share of the base's sentences that another model says too, 0 to 1; 1 for a single answer."""


@dataclass(slots=True)
class _Said:
    """A sentence of the base, and what others have to do with it."""

    text: str
    norm: _Norm
    models: list[str]
    differing: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    additions: list[_Said] = field(default_factory=lambda: [])


@dataclass(frozen=True, slots=True)
class _Norm:
    text: str
    words: str
    skeleton: str
    """The words without numbers, names and negations: what two that contradict have in common."""
    numbers: frozenset[str]
    names: frozenset[str]
    negated: bool
    bag: frozenset[str]
    """The words, as a set."""
    sides: frozenset[str]
    """The words of ``_OPPOSITES`` among them."""
    stems: Stems


@dataclass(slots=True)
class _Merged:
    blocks: list[tuple[Block, list[_Said]]]
    extra: list[_Said] = field(default_factory=lambda: [])
    extra_blocks: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])

    def all(self) -> list[_Said]:
        """Every sentence so far, of the base, added, and extra."""
        base = [s for _, said in self.blocks for s in said]
        return [*base, *(a for s in base for a in s.additions), *self.extra]


def merge_prose(answers: Sequence[Answer]) -> ProseVerdict:
    """Merge; raises ``ValueError`` without an answer."""
    spoken = [a for a in answers if a.text.strip()] or list(answers)
    if not spoken:
        raise ValueError("merging needs at least one answer")
    ordered = sorted(spoken, key=lambda a: -a.weight)
    base = ordered[0]
    if len(ordered) == 1:
        return ProseVerdict(base.text.strip(), (base.model,), 1.0)
    merged = _Merged([(b, _said(b, base.model)) for b in split_blocks(base.text)])
    _drop_repeated(merged)
    for other in ordered[1:]:
        _fold(merged, other)
    sentences = [s for _, said in merged.blocks for s in said]
    backed = sum(len(s.models) > 1 for s in sentences)
    agreement = round(backed / len(sentences), 3) if sentences else 0.0
    names = tuple(dict.fromkeys(a.model for a in ordered))
    return ProseVerdict(_render(merged), names, agreement)


def relation(one: str, other: str) -> Relation:
    """Whether two sentences say the same, contradict each other, or neither."""
    return _relation(_normalise(one), _normalise(other))[0]


def _relation(one: _Norm, other: _Norm) -> tuple[Relation, float]:
    """The relation and the similarity, 0 to 100."""
    if not one.words or not other.words:
        return ("same", 100.0) if one.words == other.words else ("other", 0.0)
    if one.bag.isdisjoint(other.bag) and not one.stems.touches(other.stems):
        return "other", 0.0
    if _differ(one, other):
        score = _score(one.skeleton, other.skeleton, ALIKE, enough=2, times=3)
        return ("contradicts" if score >= ALIKE else "other"), score
    score = _score(one.words, other.words, DUPLICATE, enough=4, times=2)
    if score < DUPLICATE and same_said(one.text, other.text):
        score = DUPLICATE
    return ("same" if score >= DUPLICATE else "other"), score


def _score(one: str, other: str, least: float, *, enough: int, times: int) -> float:
    """Similarity, 0 to 100, or 0 below ``least``; words of one among the other's count as a near-duplicate.

    The shorter must have ``enough`` words for that, and the longer at most ``times`` as many.
    """
    if not one or not other:
        return 0.0
    fuzz: Any = import_module("rapidfuzz.fuzz")
    score = fuzz.ratio(one, other, score_cutoff=least)
    score = max(score, fuzz.token_sort_ratio(one, other, score_cutoff=max(least, score)))
    if score >= DUPLICATE:
        return score
    short, long = sorted((one.count(" ") + 1, other.count(" ") + 1))
    if (
        short >= enough
        and short * times >= long
        and fuzz.token_set_ratio(one, other, score_cutoff=CONTAINED)
    ):
        score = DUPLICATE
    return score


def _differ(one: _Norm, other: _Norm) -> bool:
    """Whether sentences that are alike differ in a number, a name, a negation or an opposite."""
    if one.negated != other.negated:
        return True
    for mine, theirs in ((one.numbers, other.numbers), (one.names, other.names)):
        if mine and theirs and not (mine <= theirs or theirs <= mine):
            return True
    a, b = one.sides, other.sides
    return bool(a and b) and any(
        (x in a and y in b and y not in a and x not in b)
        or (y in a and x in b and x not in a and y not in b)
        for x, y in _OPPOSITES
    )


def _normalise(sentence: str) -> _Norm:
    names = frozenset(_name(m[1]) for m in _CODE.finditer(sentence))
    prose = _CODE.sub(" ", sentence)
    numbers = frozenset(_NUMBER.findall(prose))
    bare = set(_words(_NUMBER.sub(" ", _NEGATION.sub(" ", prose))))
    words = _words(sentence)
    kept = [w for w in words if w not in _FILLER] or words
    skeleton = " ".join(w for w in kept if w in bare)
    bag = frozenset(kept)
    return _Norm(
        sentence, " ".join(kept), skeleton, numbers, names, bool(_NEGATION.search(prose)),
        bag, bag & _SIDES, stems_of(sentence),
    )  # fmt: skip


def _name(code: str) -> str:
    """A name in code, without quotation marks, brackets and dots that only some write."""
    return re.sub(r"[^\w/<>=+*-]", "", code).casefold() or code.strip()


def _words(text: str) -> list[str]:
    """Words in lower case, without their plural or third person."""
    found = (w.strip("._") for w in re.findall(r"[\w.%]+", text.lower()))
    return [
        w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in found if w
    ]


def _said(block: Block, model: str) -> list[_Said]:
    return [_Said(s, _normalise(s), [model]) for s in block.sentences]


def _drop_repeated(merged: _Merged) -> None:
    """A sentence that the base itself says twice stays once."""
    seen: list[str] = []
    for _, said in merged.blocks:
        for sentence in list(said):
            words = sentence.norm.words
            if words in seen and len(words.split()) >= 4:
                said.remove(sentence)
            seen.append(words)


def _fold(merged: _Merged, answer: Answer) -> None:
    """Fold one more answer in."""
    anchor: _Said | None = None
    for block in split_blocks(answer.text):
        if block.kind in ("fence", "whole"):
            _fold_whole(merged, block, answer.model)
            continue
        for said in _said(block, answer.model):
            found, how = _nearest(merged, said)
            if found is None:
                _place(merged, said, anchor)
                continue
            if how == "same" and answer.model not in found.models:
                found.models.append(answer.model)
            elif how == "contradicts":
                found.differing.append((answer.model, said.text))
            anchor = found


def _nearest(merged: _Merged, said: _Said) -> tuple[_Said | None, Relation]:
    """The sentence nearest to one, if it is the same or contradicts; "same" goes before."""
    best: _Said | None = None
    how: Relation = "other"
    top = -1.0
    for candidate in merged.all():
        relation_, score = _relation(candidate.norm, said.norm)
        if relation_ == "other":
            continue
        rank = score + (100 if relation_ == "same" else 0)
        if rank > top:
            best, how, top = candidate, relation_, rank
    return best, how


def _place(merged: _Merged, said: _Said, anchor: _Said | None) -> None:
    """Put what is new after the sentence its model said it after, else at the end."""
    base = [s for _, sentences in merged.blocks for s in sentences]
    if anchor is None or not any(anchor is s for s in base):
        merged.extra.append(said)
    else:
        anchor.additions.append(said)


def _fold_whole(merged: _Merged, block: Block, model: str) -> None:
    """A code block or table: dropped where a like one is there, else at the end."""
    fuzz: Any = import_module("rapidfuzz.fuzz")
    if any(
        fuzz.ratio(block.raw, b.raw) >= DUPLICATE for b, _ in merged.blocks if b.kind == block.kind
    ):
        return
    for raw, models in merged.extra_blocks:
        if fuzz.ratio(block.raw, raw) >= DUPLICATE:
            models.append(model)
            return
    if block.raw.strip("-* \n"):
        merged.extra_blocks.append((block.raw, [model]))


# -- putting together --------------------------------------------------------------------------


def _render(merged: _Merged) -> str:
    parts: list[str] = []
    for block, said in merged.blocks:
        if block.sentences and not said:
            continue
        if block.blank_before and parts:
            parts.append("")
        parts.append(_render_block(block, said))
    if merged.extra:
        parts += ["", "Also:", ""]
        parts += [f"- {_sentence(s)}{_mark(s)}{_differences(s)}" for s in merged.extra]
    for raw, models in merged.extra_blocks:
        parts += ["", f"*(only {models[0]})*", "", raw] if len(models) == 1 else ["", raw]
    return "\n".join(parts).strip()


def _render_block(block: Block, said: Sequence[_Said]) -> str:
    if not said:
        return block.raw
    items: list[str] = []
    line: list[str] = []
    for index, sentence in enumerate(said):
        following = said[index + 1] if index + 1 < len(said) else None
        line.append(_sentence(sentence) + _mark_once(sentence, following) + _differences(sentence))
        for addition in sentence.additions:
            if block.kind == "item":
                items.append(f"{block.prefix}{_sentence(addition)}{_mark(addition)}")
            else:
                line.append(f"{_sentence(addition)}{_mark(addition)}{_differences(addition)}")
    text = block.prefix + " ".join(line)
    return "\n".join([text, *items])


def _sentence(said: _Said) -> str:
    return said.text


def _mark(said: _Said) -> str:
    """The name of the only model that says it."""
    alone = len(said.models) == 1 and not said.differing
    return f" *(only {said.models[0]})*" if alone else ""


def _mark_once(said: _Said, following: _Said | None) -> str:
    """One mark for a run of sentences that only one model says."""
    runs_on = following is not None and not said.additions and not said.differing
    if runs_on and following is not None and following.models == said.models:
        return ""
    return _mark(said)


def _differences(said: _Said) -> str:
    """What others say instead, side by side."""
    told = "; ".join(f"{model}: “{text}”" for model, text in said.differing)
    return f" **(disagreement — {told})**" if told else ""
