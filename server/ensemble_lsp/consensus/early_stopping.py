"""Early stopping: end the fan-out once the missing answers are unlikely to change the outcome.

A missing answer changes it only if it equals another one. That is rarer the longer the answers are
(``match_probability``, measured), and rarer still once its stream has diverged (``divergence.MATCH_FACTOR``).
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
"""Highest accepted probability, at each check, that waiting would change the outcome."""
_MATCH_PROBABILITY = ((0, 0.5), (40, 0.3), (80, 0.18), (150, 0.08), (300, 0.02), (600, 0.004))
"""Measured share of model pairs that give equal code, by its length in characters."""

Tokens = tuple[str, ...]
Clean = Callable[[str], str]
RunChecks = Callable[[str], Awaitable[CheckResults | None]]


class EarlyStopping:
    """The stop check for ``fan_out.query_all``; it keeps the prepared votes for the consensus.

    ``clean`` post-processes an answer; ``run_checks`` runs the prompt's examples and the tests on it. Both run once
    for each answer, off the event loop.
    """

    def __init__(
        self,
        language: str,
        weights: Mapping[str, float],
        clean: Clean | None = None,
        run_checks: RunChecks | None = None,
        *,
        rule: Rule = "weighted",
        tuning: VotingParameters | None = None,
    ) -> None:
        self._language = language
        self._weights = weights
        self._clean = clean
        self._run_checks = run_checks
        self._rule = rule
        self._tuning = tuning or VotingParameters()
        self._ready: dict[int, Vote] = {}

    async def __call__(self, completions: Sequence[Completion], running: Mapping[str, str]) -> bool:
        """Return whether the running models can be stopped, given their partial texts."""
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
        """Return the usable answers so far as votes, cleaned, normalised and checked.

        Checks that take longer than ``patience`` seconds are left out.
        """
        deadline = None if patience is None else asyncio.get_running_loop().time() + patience
        for index in range(len(self._ready), len(completions)):
            self._ready[index] = await self._prepare(completions[index], deadline)
        return [a for a in self._ready.values() if a.text.strip()]

    async def _prepare(self, completion: Completion, deadline: float | None) -> Vote:
        def prepare() -> tuple[str, str | None]:
            text = self._clean(completion.text) if self._clean else completion.text
            return text, canonical(text, self._language) if text.strip() else None

        text, form = await asyncio.to_thread(prepare)
        checks = None
        if self._run_checks is not None and form is not None:
            left = None if deadline is None else deadline - asyncio.get_running_loop().time()
            with contextlib.suppress(asyncio.TimeoutError):
                checks = await asyncio.wait_for(self._run_checks(text), left)
        weight = self._weights.get(completion.model, 0.5)
        return Vote(completion.model, text, weight, form, checks)


def is_decided(
    answers: Sequence[Vote],
    running: Sequence[float],
    tuning: VotingParameters,
    partial: Sequence[Tokens] = (),
    *,
    optimistic: bool = False,
) -> bool:
    """Return whether answers of models with the weights in ``running`` would change the outcome with at most ``RISK``.

    ``partial`` has the tokens of each stream so far, if known. ``optimistic`` assumes that all streams have diverged;
    if even that does not decide, there is no need to read them.
    """
    if not any(a.form is not None for a in answers):
        return False
    ballot = ballot_of(answers)
    clusters = clusters_of(ballot, tuning)
    first, *others = clusters
    checks = first.best.checks
    if checks is not None and checks.pass_rate < 1:
        return False
    here = list({a.model: a.weight for a, _ in ballot.eligible}.values())
    leading = len(first.group().models)
    if _similarity_may_decide(leading, here, running, tuning):
        return False
    votes = [vote_weight(weight, tuning.log_alternatives) for weight in running]
    if any(vote >= first.weight for vote in votes):
        return False
    if checks is not None and checks.total:
        # Any other answer that passes the checks behaves like the first, whatever its text.
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
    """Return whether similarity might decide, whichever of the running answers do not parse."""
    close = [w for w in running if max(*here, w) - min(*here, w) <= tuning.near_equal_margin]
    able = [*here, *close]
    few = leading < 3 and 2 * leading <= len(able)
    return few and len(able) > 1 and max(here) - min(here) <= tuning.near_equal_margin


def match_probability(length: int) -> float:
    """Return the probability that two models give equal code, by its length in characters."""
    for (low, one), (high, other) in pairwise(_MATCH_PROBABILITY):
        if length < high:
            return one + (other - one) * (length - low) / (high - low)
    return _MATCH_PROBABILITY[-1][1]
