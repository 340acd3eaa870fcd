"""When are enough answers there? As soon as those still to come cannot change the outcome.

Not "cannot" as in logic, which would wait for nearly all: an answer still to come changes it only if it says
just what another one says, and that gets the rarer the longer the answers are (``odds_of_agreeing``, measured),
and rarer still once what has come of it says otherwise (``streams.PARTED``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import combinations, pairwise, product

from ..sandbox.check_results import CheckResults
from ..types import Completion
from .canonical_form import canonical
from .code import Rule, VotingParameters, ballot_of, clusters_of
from .divergence import MATCH_FACTOR, have_diverged, partial_tokens, tokens_of
from .votes import Vote, vote_weight

RISK = 0.01
"""Chance that waiting would have changed the outcome, at most, at each look."""
_MATCH_PROBABILITY = ((0, 0.5), (40, 0.3), (80, 0.18), (150, 0.08), (300, 0.02), (600, 0.004))
"""By length in characters of canonical text: how often two models give equal code."""

Tokens = tuple[str, ...]
Clean = Callable[[str], str]
RunChecks = Callable[[str], Awaitable[CheckResults | None]]


class EarlyStopping:
    """Tells ``asking.ask`` when to stop, and keeps the answers made ready for the verdict.

    ``clean`` is what is done to an answer before it counts; ``attempt`` runs the prompt's examples on
    it. Both are done once an answer, off the event loop.
    """

    def __init__(
        self,
        language: str,
        weights: Mapping[str, float],
        clean: Clean | None = None,
        attempt: RunChecks | None = None,
        *,
        rule: Rule = "weighted",
        tuning: VotingParameters | None = None,
    ) -> None:
        self._language = language
        self._weights = weights
        self._clean = clean
        self._attempt = attempt
        self._rule = rule
        self._tuning = tuning or VotingParameters()
        self._ready: dict[int, Vote] = {}

    async def __call__(self, completions: Sequence[Completion], running: Mapping[str, str]) -> bool:
        """Whether the models still running are not needed any more; of each what has come so far."""
        answers = await self.votes(completions)
        if not running:
            return True
        if self._rule == "seed":
            return False
        weights = [self._weights.get(name, 0.5) for name in running]
        if is_decided(answers, weights, self._tuning):
            return True
        if not is_decided(answers, weights, self._tuning, optimistic=True):
            return False
        coming = await asyncio.to_thread(lambda: [self._partial(text) for text in running.values()])
        return any(coming) and is_decided(answers, weights, self._tuning, coming)

    def _partial(self, text: str) -> tuple[str, ...]:
        if not text.strip():
            return ()
        return partial_tokens(self._clean(text) + "\n" if self._clean else text, self._language)

    async def votes(
        self, completions: Sequence[Completion], *, patience: float | None = None
    ) -> list[Vote]:
        """The usable answers so far, cleaned, normalised and tried.

        ``patience``: seconds that trials are waited for; what is not tried by then counts untried.
        """
        deadline = None if patience is None else asyncio.get_running_loop().time() + patience
        for index in range(len(self._ready), len(completions)):
            self._ready[index] = await self._prepare(completions[index], deadline)
        return [a for a in self._ready.values() if a.text.strip()]

    async def _prepare(self, completion: Completion, deadline: float | None) -> Vote:
        def work() -> tuple[str, str | None]:
            text = self._clean(completion.text) if self._clean else completion.text
            return text, canonical(text, self._language) if text.strip() else None

        text, form = await asyncio.to_thread(work)
        trial = None
        if self._attempt is not None and form is not None:
            left = None if deadline is None else deadline - asyncio.get_running_loop().time()
            with contextlib.suppress(asyncio.TimeoutError):
                trial = await asyncio.wait_for(self._attempt(text), left)
        weight = self._weights.get(completion.model, 0.5)
        return Vote(completion.model, text, weight, form, trial)


def is_decided(
    answers: Sequence[Vote],
    running: Sequence[float],
    tuning: VotingParameters,
    partial: Sequence[Tokens] = (),
    *,
    optimistic: bool = False,
) -> bool:
    """Whether answers of models with these weights would, but for ``RISK``, change nothing.

    ``coming``: what has come of each so far (``streams.so_far``), where that is known. ``hoping``: as if all of
    them had parted from each other and from what is there; where even that settles nothing, no stream need be read.
    """
    if not any(a.form is not None for a in answers):
        return False
    ballot = ballot_of(answers)
    clusters = clusters_of(ballot, tuning)
    first, *others = clusters
    trial = first.best.checks
    if trial is not None and trial.pass_rate < 1:
        return False
    here = list({a.model: a.weight for a, _ in ballot.eligible}.values())
    leading = len(first.group().models)
    if _similarity_may_decide(leading, here, running, tuning):
        return False
    votes = [vote_weight(weight, tuning.log_alternatives) for weight in running]
    if any(vote >= first.weight for vote in votes):
        return False
    if trial is not None and trial.total:
        # What keeps the promises too behaves like the first, whatever it looks like.
        return True
    streams = list(zip(votes, partial or [()] * len(votes), strict=True))
    rivals = [(c.weight, tokens_of(c.best.text) if partial else ()) for c in others]
    ties = [*product(streams, rivals), *combinations(streams, 2)]
    likely = sum(
        MATCH_FACTOR if optimistic or have_diverged(mine, theirs) else 1.0
        for (vote, mine), (other, theirs) in ties
        if vote + other >= first.weight
    )
    return likely * match_probability(len(first.best.text)) <= RISK


def _similarity_may_decide(
    leading: int, here: Sequence[float], running: Sequence[float], tuning: VotingParameters
) -> bool:
    """Whether likeness would choose, whichever of those still running turn out not to parse."""
    close = [w for w in running if max(*here, w) - min(*here, w) <= tuning.near_equal_margin]
    able = [*here, *close]
    few = leading < 3 and 2 * leading <= len(able)
    return few and len(able) > 1 and max(here) - min(here) <= tuning.near_equal_margin


def match_probability(length: int) -> float:
    """How often two models give equal code, by its length in characters."""
    for (low, one), (high, other) in pairwise(_MATCH_PROBABILITY):
        if length < high:
            return one + (other - one) * (length - low) / (high - low)
    return _MATCH_PROBABILITY[-1][1]
