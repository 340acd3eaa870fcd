"""Find the likeliest rest of the line: blended counts, and a beam search over tokens.

A token's probability starts at the shortest context and is corrected by each longer one, the
document's own counts after the workspace's: interpolation as Witten and Bell's, in a nested cache as
in Hellendoorn and Devanbu, "Are deep neural networks the best choice for modeling source code?"
(2017). The text after the cursor is evidence too: a continuation scores higher if those tokens are
likely to follow it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from .context_trie import Contexts, Level
from .tokens import CUT, bracket, break_step, is_break

FLOOR = 1e-4
"""Probability of a token before any count."""
ESCAPE = 0.5
"""Weight of the shorter context, in occurrences, for each different token that followed the longer one."""
NEGLIGIBLE = 0.06
"""Shorter contexts are skipped if they cannot change a probability by more than this."""
NEAR = 3.0
"""Factor on the probability of a token that occurs near the cursor."""
END = 0.75
"""Weight, from 0 to 1, of a line end that leads to the indentation of the line below."""
BELOW = 0.1
"""Weight of the evidence of what follows the cursor."""
BELOW_TOKENS = 2
UNBALANCED = 0.02
"""Factor for a line that closes a bracket that is not open."""
UNCLOSED = 0.05
"""Factor for a line that opens a bracket although the line below is not indented."""
FEW = 8
"""Tokens considered at each step."""
WORK = 20
"""Steps of one search; bounds the time."""
AHEAD = 0.15
"""Bonus per token in the choice of the next path, so that long lines are completed."""
MARGIN = 2.5
"""A path this far below the best complete one, in natural logarithms, is dropped."""
HOPELESS = 6.5
"""A path below this score is dropped."""
FINISHED = 6
"""Complete continuations compared at the end."""
LONGEST = 80
"""Maximum tokens of a continuation."""


class BeamStep(NamedTuple):
    """One predicted token."""

    token: str
    probability: float
    order: int
    """Tokens of the longest context that it followed."""
    places: int
    """Number of times it followed that context."""


@dataclass(frozen=True, slots=True)
class SearchContext:
    """The text around the cursor as tokens."""

    workspace: Contexts
    document: Contexts | None
    context: list[str]
    """Bare complete tokens before the cursor, from some lines above it."""
    half: str = ""
    """The beginning of the next token."""
    near: frozenset[str] = frozenset()
    """Bare tokens around the cursor."""
    after: tuple[str, ...] = ()
    """Tokens after the cursor: the rest of its line, if any, then the next line that is not blank."""
    depth: int = 0
    """Brackets that are open at the cursor."""
    outer: int = 0
    """Brackets that were open where its line begins."""

    @property
    def has_tail(self) -> bool:
        """Whether its line has text after the cursor."""
        return bool(self.after) and not is_break(self.after[0])

    def after_steps(self, steps: Sequence[BeamStep], *more: str) -> list[str]:
        """The context after some steps."""
        return [*self.context, *[s.token.lstrip(" \t") for s in steps], *more]


class Path(NamedTuple):
    """A continuation, from the cursor on."""

    score: float
    """Natural logarithm of its probability, up to a constant."""
    steps: tuple[BeamStep, ...]
    depth: int
    """Brackets open at its end."""
    lowest: int
    """The fewest brackets that were open on the way."""
    end: BeamStep | None = None
    """The line's end, if it has been reached."""


def following(scene: SearchContext, context: Sequence[str], half: str = "") -> list[BeamStep]:
    """Return the likeliest next tokens that begin with ``half``, best first."""
    levels = _levels(scene, context, half)
    steps = [_step(token, levels) for token in _candidates(levels)]
    near = scene.near
    weights = [s.probability * (NEAR if s.token.lstrip(" \t") in near else 1.0) for s in steps]
    share = math.fsum(s.probability for s in steps) / (math.fsum(weights) or 1.0)
    steps = [
        BeamStep(s.token, min(1.0, w * share), s.order, s.places)
        for s, w in zip(steps, weights, strict=True)
    ]
    steps.sort(key=lambda s: (-s.probability, s.token))
    return steps


def rest_of_line(scene: SearchContext, work: int = WORK) -> list[Path]:
    """Return the likeliest continuations up to the end of the line or the text after the cursor, best first.

    Scores hold the evidence of what follows the cursor. Empty continuations are among them.
    """
    first = Path(0.0, (), scene.depth, scene.depth)
    alive, done = [(0.0, 0, first)], list[Path]()
    bar = -HOPELESS
    for turn in range(work):
        if not alive:
            break
        _, _, path = heapq.heappop(alive)
        if path.score < bar:
            continue
        context = scene.after_steps(path.steps) if path.steps else scene.context
        steps = following(scene, context, "" if path.steps else scene.half)
        if ended := _ending(scene, path, steps):
            done.append(ended)
            bar = max(bar, ended.score - MARGIN)
        if len(path.steps) < LONGEST:
            for i, longer in enumerate(_longer(path, steps, bar)):
                urgency = -longer.score - AHEAD * len(longer.steps)
                heapq.heappush(alive, (urgency, turn * 4 * FEW + i, longer))
    done = heapq.nlargest(FINISHED, done, key=_score)
    return sorted((_with_evidence(scene, p) for p in done), key=_score, reverse=True)


def _score(path: Path) -> float:
    return path.score


def _levels(scene: SearchContext, context: Sequence[str], half: str) -> list[tuple[Level, float]]:
    """Return levels from the shortest context to the longest, each with the weight of the shorter ones."""
    levels = scene.workspace.levels(context)
    own = scene.document
    if own is not None:
        levels += own.levels(context)
        if half.strip() or not levels:
            levels.append(Level(0, own.vocabulary, own.size))
        levels.sort(key=_order)
    kept: list[tuple[Level, float]] = []
    left = 1.0
    for level in reversed(levels):
        chosen = _begin_with(half, level) if half else level
        if not chosen.total:
            continue
        back = ESCAPE * len(chosen.follow)
        kept.append((chosen, back))
        left *= back / (chosen.total + back)
        if left < NEGLIGIBLE:
            break
    kept.reverse()
    return kept


def _order(level: Level) -> int:
    return level.order


def _begin_with(half: str, level: Level) -> Level:
    follow = {t: n for t, n in level.follow.items() if t.startswith(half)}
    return Level(level.order, follow, sum(follow.values()))


def _candidates(levels: Sequence[tuple[Level, float]]) -> list[str]:
    found: dict[str, None] = {}
    for (_, follow, _), _ in reversed(levels):
        if len(follow) > FEW:
            found.update(dict.fromkeys(heapq.nlargest(FEW, follow, key=lambda t: (follow[t], t))))
        else:
            found.update(dict.fromkeys(follow))
        if len(found) >= FEW:
            break
    return list(found)


def _step(token: str, levels: Sequence[tuple[Level, float]]) -> BeamStep:
    p, order, places = FLOOR, 0, 0
    for (length, follow, total), back in levels:
        n = follow.get(token, 0)
        p = (n + back * p) / (total + back)
        if n:
            order, places = length, n
    return BeamStep(token, p, order, places)


def _longer(path: Path, steps: Sequence[BeamStep], bar: float) -> list[Path]:
    grown: list[Path] = []
    for step in steps:
        score = path.score + math.log(step.probability)
        if score < bar:
            break
        bare = step.token.lstrip(" \t")
        if bare == CUT or is_break(bare):
            continue
        depth = path.depth + bracket(bare)
        grown.append(Path(score, (*path.steps, step), depth, min(path.lowest, depth)))
    return grown


def _ending(scene: SearchContext, path: Path, steps: Sequence[BeamStep]) -> Path | None:
    """Return the continuation that ends here, if it may end here."""
    if scene.has_tail:
        wanted = scene.after[0].lstrip(" \t")
        ends = [s for s in steps if s.token.lstrip(" \t") == wanted]
        if path.depth != scene.depth or path.lowest < scene.depth:
            return None
    else:
        ends = [s for s in steps if is_break(s.token)]
    if not ends:
        return None
    probability = math.fsum(s.probability for s in ends)
    if not scene.has_tail and scene.after:
        below = break_step(scene.after[0])
        fits = math.fsum(s.probability for s in ends if break_step(s.token) == below)
        probability = (1 - END) * probability + END * fits
        if path.depth > scene.outer and below <= 0:
            probability *= UNCLOSED
    if path.lowest < 0:
        probability *= UNBALANCED
    end = BeamStep(ends[0].token, probability, ends[0].order, ends[0].places)
    return path._replace(score=path.score + math.log(max(probability, 1e-6)), end=end)


def _with_evidence(scene: SearchContext, path: Path) -> Path:
    """Return the path with its score adjusted by how well the tokens after the cursor follow it."""
    if len(scene.after) < 2:
        return path
    here = replace(scene, context=scene.after_steps(path.steps, scene.after[0].lstrip(" \t")))
    return path._replace(score=path.score + BELOW * below_score(here, scene.after[1:]))


def below_score(scene: SearchContext, tokens: Sequence[str]) -> float:
    """Return the natural logarithm of the probability that the first of these tokens come next."""
    context = list(scene.context)
    score = 0.0
    for token in tokens[:BELOW_TOKENS]:
        score += math.log(_step(token, _levels(scene, context, "")).probability)
        context.append(token.lstrip(" \t"))
    return score
