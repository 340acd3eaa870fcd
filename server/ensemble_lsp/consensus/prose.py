"""Merge several explanations: the best model's text, the others' additions, and the disagreements.

``sentence_similarity.py`` compares the sentences. Near-duplicates are dropped; additions follow the sentence they
followed in their source; a sentence of a single model is marked with its name; sentences that differ only in a
number, a name or a negation appear side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from .sentence_similarity import Corpus, Relation, Sentence, sentence_of
from .sentences import MarkdownBlock, split_blocks
from .votes import Vote

_WHOLE_KINDS = ("fence", "whole")
_COURTESY = frozenset(
    ("sure", "certain", "absolut", "okay", "great", "cours", "happi", "hope", "help")
)
"""Stems of courtesies, such as "Sure!" or "Hope this helps"."""
SAME_BLOCK_RATIO = 78.0
"""rapidfuzz's ratio, 0 to 100, from which two code blocks or tables are the same."""


@dataclass(frozen=True, slots=True)
class ProseVerdict:
    """A merged explanation."""

    markdown: str
    models: tuple[str, ...]
    """All models whose sentences or agreement are in it, the base's first."""
    agreement: float
    """Share of the base's sentences that another model also has, 0 to 1; 1 for a single answer."""


@dataclass(slots=True)
class _MergedSentence:
    """A sentence of the merged text, with the models that have, contradict or extend it."""

    text: str
    norm: Sentence
    models: list[str]
    differing: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    additions: list[_MergedSentence] = field(default_factory=lambda: [])


@dataclass(slots=True)
class _ExtraBlock:
    """A code block or table that the base lacks."""

    raw: str
    models: list[str]
    lead: _MergedSentence | None
    """The sentence that introduces it."""


@dataclass(slots=True)
class _Merged:
    blocks: list[tuple[MarkdownBlock, list[_MergedSentence]]]
    extra: list[_MergedSentence] = field(default_factory=lambda: [])
    extra_blocks: list[_ExtraBlock] = field(default_factory=lambda: [])

    def all(self) -> list[_MergedSentence]:
        """Return every sentence so far: base, additions and extras."""
        base = [s for _, sentences in self.blocks for s in sentences]
        return [*base, *(a for s in base for a in s.additions), *self.extra]


def merge_prose(answers: Sequence[Vote]) -> ProseVerdict:
    """Merge explanations; raise ``ValueError`` without an answer."""
    non_empty = [a for a in answers if a.text.strip()] or list(answers)
    if not non_empty:
        raise ValueError("merging needs at least one answer")
    ordered = sorted(non_empty, key=lambda a: -a.weight)
    base = ordered[0]
    if len(ordered) == 1:
        return ProseVerdict(base.text.strip(), (base.model,), 1.0)
    blocks = [split_blocks(a.text) for a in ordered]
    corpus = Corpus(sentence_of(s) for all_ in blocks for b in all_ for s in b.sentences)
    merged = _Merged([(b, _sentences(b, base.model)) for b in blocks[0]])
    _drop_repeated(merged)
    for other, its in zip(ordered[1:], blocks[1:], strict=True):
        _fold(merged, other, its, corpus)
    sentences = [s for _, sentences in merged.blocks for s in sentences]
    backed = sum(len(s.models) > 1 for s in sentences)
    agreement = round(backed / len(sentences), 3) if sentences else 0.0
    names = tuple(dict.fromkeys(a.model for a in ordered))
    return ProseVerdict(_render(merged), names, agreement)


def _sentences(block: MarkdownBlock, model: str) -> list[_MergedSentence]:
    return [_MergedSentence(s, sentence_of(s), [model]) for s in block.sentences]


def _drop_repeated(merged: _Merged) -> None:
    """Drop sentences that the base repeats."""
    seen: list[str] = []
    for _, sentences in merged.blocks:
        for sentence in list(sentences):
            words = sentence.norm.words
            if words in seen and len(words.split()) >= 4:
                sentences.remove(sentence)
            seen.append(words)


def _fold(merged: _Merged, answer: Vote, blocks: Sequence[MarkdownBlock], corpus: Corpus) -> None:
    """Merge one more answer."""
    there = merged.all()
    sentences_by_block = [_sentences(b, answer.model) for b in blocks]
    mine = [s.norm for sentences in sentences_by_block for s in sentences]
    rows = iter(corpus.relations(mine, [s.norm for s in there]))
    anchor: _MergedSentence | None = None
    placed: set[str] = set()
    for index, (block, its) in enumerate(zip(blocks, sentences_by_block, strict=True)):
        if block.kind in _WHOLE_KINDS:
            before = sentences_by_block[index - 1][-1:] if index else []
            _fold_whole(merged, block, answer.model, before[0] if before else None)
        for sentence in its:
            found, how = _nearest(there, next(rows))
            if found is None:
                if sentence.norm.words not in placed and _has_content(sentence.norm):
                    _place(merged, sentence, anchor)
                placed.add(sentence.norm.words)
                continue
            if how == "same" and answer.model not in found.models:
                found.models.append(answer.model)
            elif how == "contradicts":
                found.differing.append((answer.model, sentence.text))
            # Additions after a sentence that introduces a block belong after the block.
            anchor = None if found.norm.leads else found


def _has_content(sentence: Sentence) -> bool:
    """Return whether a sentence means something alone; "Sure!" and "In this code:" do not."""
    return len(sentence.stems - _COURTESY) > (1 if sentence.leads else 0) or not sentence.stems


def _nearest(
    there: Sequence[_MergedSentence], row: Sequence[tuple[Relation, float]]
) -> tuple[_MergedSentence | None, Relation]:
    """Return the nearest sentence that is the same or contradicts; "same" takes precedence."""
    best: _MergedSentence | None = None
    how: Relation = "other"
    top = 0.0
    for candidate, (relation_, score) in zip(there, row, strict=True):
        if relation_ == "other":
            continue
        rank = score + (1 if relation_ == "same" else 0)
        if best is None or rank > top:
            best, how, top = candidate, relation_, rank
    return best, how


def _place(merged: _Merged, sentence: _MergedSentence, anchor: _MergedSentence | None) -> None:
    """Put a new sentence after the one it followed in its source, else at the end."""
    base = [s for _, sentences in merged.blocks for s in sentences]
    if anchor is None or not any(anchor is s for s in base):
        merged.extra.append(sentence)
    else:
        anchor.additions.append(sentence)


def _fold_whole(
    merged: _Merged, block: MarkdownBlock, model: str, before: _MergedSentence | None
) -> None:
    """Drop a code block or table similar to a known one; else append it with its introduction."""
    fuzz: Any = import_module("rapidfuzz.fuzz")
    if any(
        fuzz.ratio(block.raw, b.raw) >= SAME_BLOCK_RATIO
        for b, _ in merged.blocks
        if b.kind == block.kind
    ):
        return
    for extra in merged.extra_blocks:
        if fuzz.ratio(block.raw, extra.raw) >= SAME_BLOCK_RATIO:
            extra.models.append(model)
            return
    if block.raw.strip("-* \n"):
        lead = (
            before if before is not None and before.norm.leads and _take(merged, before) else None
        )
        merged.extra_blocks.append(_ExtraBlock(block.raw, [model], lead))


def _take(merged: _Merged, sentence: _MergedSentence) -> bool:
    """Remove a placed sentence; return whether it was placed."""
    base = [s for _, sentences in merged.blocks for s in sentences]
    for additions in (merged.extra, *(s.additions for s in base)):
        for index, one in enumerate(additions):
            if one is sentence:
                del additions[index]
                return True
    return False


# -- rendering --------------------------------------------------------------------------


def _render(merged: _Merged) -> str:
    parts: list[str] = []
    for block, sentences in merged.blocks:
        if block.sentences and not sentences:
            continue
        if block.blank_before and parts:
            parts.append("")
        parts.append(_render_block(block, sentences))
    if merged.extra:
        parts += ["", "Also:", ""]
        parts += [f"- {s.text}{_mark(s)}{_differences(s)}" for s in merged.extra]
    for whole in merged.extra_blocks:
        heading = [whole.lead.text] if whole.lead is not None else []
        heading += [f"*(only {whole.models[0]})*"] if len(whole.models) == 1 else []
        parts += ["", " ".join(heading), "", whole.raw] if heading else ["", whole.raw]
    return "\n".join(parts).strip()


def _render_block(block: MarkdownBlock, sentences: Sequence[_MergedSentence]) -> str:
    if not sentences:
        return block.raw
    items: list[str] = []
    line: list[str] = []
    for index, sentence in enumerate(sentences):
        following = sentences[index + 1] if index + 1 < len(sentences) else None
        line.append(sentence.text + _mark_once(sentence, following) + _differences(sentence))
        for addition in sentence.additions:
            text = f"{addition.text}{_mark(addition)}{_differences(addition)}"
            if block.kind == "item":
                items.append(block.prefix + text)
            else:
                line.append(text)
    text = block.prefix + " ".join(line)
    return "\n".join([text, *items])


def _mark(sentence: _MergedSentence) -> str:
    """Return the mark with the only model that has the sentence."""
    alone = len(sentence.models) == 1 and not sentence.differing
    return f" *(only {sentence.models[0]})*" if alone else ""


def _mark_once(sentence: _MergedSentence, following: _MergedSentence | None) -> str:
    """Mark a run of sentences of the same single model once."""
    runs_on = following is not None and not sentence.additions and not sentence.differing
    if runs_on and following is not None and following.models == sentence.models:
        return ""
    return _mark(sentence)


def _differences(sentence: _MergedSentence) -> str:
    """Return the contradicting sentences with their models."""
    differing = "; ".join(f"{model}: “{text}”" for model, text in sentence.differing)
    return f" **(disagreement — {differing})**" if differing else ""
