"""Predict texts at a cursor: the rest of the line, checked against the text there, then further lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .beam_search import Path, SearchContext, below_score, following, rest_of_line
from .context_trie import Contexts
from .cursor import CONTEXT, CursorContext, indentation
from .tokens import break_step, is_break

SURE_BREAK = 0.8
"""Minimum probability of an indentation that is deeper than the typed one."""
SURE_LINE = 0.65
"""Minimum probability of each further line of a block; all together need half of it."""
SURE_START = 0.45
"""Minimum confidence in the rest of the line for predicting further lines."""
REPEATED = 4
"""Minimum tokens of a line that is not proposed if it equals the line above."""
BLOCK_WORK = 14
"""Steps of the search for each further line."""

_CONFIDENCE = (1.132, 2.079, 0.631, -1.153, 0.265, -0.674, 0.135, 2.262, 0.696)
"""Weights of ``_features``."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A text to insert at the cursor."""

    text: str
    confidence: float
    """About the probability that the rest of the line is exactly right, 0 to 1."""
    sources: int
    """The fewest occurrences that support a token of the rest of the line."""
    features: tuple[float, ...] = ()
    """The inputs of the confidence, for fitting it again."""


def predict(
    cursor: CursorContext, workspace: Contexts, own: Contexts | None, max_lines: int, limit: int
) -> list[Prediction]:
    """Return the likeliest texts, best first; the best one includes further lines that are probable enough."""
    scene = _scene(cursor, workspace, own)
    scene, more = _with_indentation(cursor, scene)
    paths = rest_of_line(scene)
    known = [(path, text) for path in paths if (text := _text(cursor, scene, path))]
    weights = [math.exp(path.score - paths[0].score) for path in paths]
    found: list[Prediction] = []
    for path, text in known:
        share = math.exp(path.score - paths[0].score) / sum(weights)
        sources = min(step.places for step in path.steps)
        x = _features(scene, path, share)
        found.append(Prediction(more + text, _confidence(x), sources, x))
    chosen = found[:limit]
    if chosen and max_lines > 1 and not scene.has_tail and chosen[0].confidence >= SURE_START:
        indent = cursor.indent + len(more.expandtabs(4))
        text = _block(scene, known[0][0], indent, cursor.tabs, max_lines)
        # Further lines contain their whole indentation, so they need no ``more``.
        chosen[0] = replace(chosen[0], text=chosen[0].text + text)
    return chosen


def _scene(cursor: CursorContext, workspace: Contexts, own: Contexts | None) -> SearchContext:
    context = [*cursor.context, *cursor.typed][-CONTEXT:]
    return SearchContext(
        workspace,
        own,
        context,
        cursor.half,
        cursor.near,
        cursor.after,
        cursor.depth,
        cursor.outer,
    )


def _with_indentation(cursor: CursorContext, scene: SearchContext) -> tuple[SearchContext, str]:
    """Return the indentation that an empty line needs beyond the typed one."""
    if not cursor.fresh or cursor.tail.strip() or not cursor.context:
        return scene, ""
    steps = [s for s in following(scene, scene.context[:-1]) if is_break(s.token)]
    if not steps or steps[0].probability < SURE_BREAK:
        return scene, ""
    missing = cursor.above_indent + break_step(steps[0].token) - cursor.indent
    if missing <= 0:
        return scene, ""
    below = scene.after
    if below:
        # The step to the line below is counted from the indentation proposed.
        mark = below[0][: len(below[0]) - len(below[0].lstrip("\n"))]
        below = (f"{mark}{break_step(below[0]) - missing}", *below[1:])
    context = [*scene.context[:-1], steps[0].token]
    return replace(scene, context=context, after=below), indentation(missing, cursor.tabs)


def _text(cursor: CursorContext, scene: SearchContext, path: Path) -> str:
    """Return the path as text to insert; empty if it adds nothing."""
    text = "".join(step.token for step in path.steps)[len(cursor.half) :]
    if cursor.fresh:
        text = text.lstrip(" \t")
    if not text.strip() or _is_repetition(cursor, scene, path):
        return ""
    end = path.end.token if path.end is not None else ""
    if scene.has_tail and end.startswith(" ") and not cursor.tail[0].isspace():
        text += " "
    return text


def _is_repetition(cursor: CursorContext, scene: SearchContext, path: Path) -> bool:
    """Return whether the line would repeat the line above or below."""
    if scene.has_tail:
        return False
    line = (*cursor.typed[1:], *[step.token.lstrip(" \t") for step in path.steps])
    if scene.after and break_step(scene.after[0]) == 0:
        below = tuple(token.lstrip(" \t") for token in scene.after[1:])
        if line == below:
            return True
    same_block = break_step(scene.context[-len(cursor.typed)]) == 0
    return same_block and len(line) >= REPEATED and line == cursor.last


def _confidence(x: Sequence[float]) -> float:
    """Return a logistic function of the features, fitted to masked lines by ``benchmarks/recall_quality.py --fit``."""
    z = sum(weight * value for weight, value in zip(_CONFIDENCE, x, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))


def _features(scene: SearchContext, path: Path, share: float) -> tuple[float, ...]:
    """Return the inputs of the confidence.

    One; logarithms of the share among all continuations found, of the probability as counted,
    of the number of tokens, and of the first token's places; the least token probability; how well
    what follows the cursor fits; the longest context in tokens, up to ten.
    """
    steps = [*path.steps, path.end] if path.end is not None else list(path.steps)
    counted = sum(math.log(max(step.probability, 1e-6)) for step in steps)
    return (
        1.0,
        math.log(max(share, 1e-6)),
        counted,
        math.log(len(steps)),
        math.log(max(1, steps[0].places)),
        min(step.probability for step in steps),
        path.score - counted,
        min(10, steps[0].order) / 10,
        float(len(scene.after) > 1),
    )


def _block(scene: SearchContext, path: Path, indent: int, tabs: bool, max_lines: int) -> str:
    """Return further lines: until the indentation ends, a blank line, or a low probability."""
    text, together, start = "", 1.0, indent
    below = [token.lstrip(" \t") for token in scene.after[1:]]
    context = scene.after_steps(path.steps)
    for _ in range(max_lines - 1):
        here = replace(scene, context=context, half="", depth=path.depth, outer=0, after=())
        breaks = [s for s in following(here, context) if is_break(s.token)]
        if not breaks or breaks[0].token.startswith("\n\n"):
            break
        indent += break_step(breaks[0].token)
        if indent < start:
            break
        line = replace(here, context=[*context, breaks[0].token])
        paths = rest_of_line(line, BLOCK_WORK)
        if not paths or not paths[0].steps:
            break
        path = paths[0]
        likely = math.exp(path.score) * breaks[0].probability
        together *= likely
        bare = [step.token.lstrip(" \t") for step in path.steps]
        if likely < SURE_LINE or together < SURE_LINE / 2 or bare == below:
            break
        if scene.after and below_score(here, scene.after[1:]) > path.score:
            break
        text += (
            "\n" + indentation(indent, tabs) + "".join(s.token for s in path.steps).lstrip(" \t")
        )
        context = line.after_steps(path.steps)[-CONTEXT:]
    return text
