"""Policies: each is a model that wraps a model, so that an adapter holds none.

``TimeLimit`` (no answer in time), ``Limited`` (places in a queue), ``CircuitBreaker`` (a provider
that fails is left alone for a while), ``Metered`` (what a call took and cost), ``Failover`` (the
next model answers), ``Draining`` (closed when the last answer has ended), ``Unavailable`` (says
why), ``Watched`` (somebody reads along).

All close the stream inside at once when they are closed themselves.
"""

from .breaker import BreakerState, CircuitBreaker
from .concurrency import Limited, Scheduler
from .draining import Draining, Unavailable
from .failover import Failover
from .metering import Call, Metered, estimate_usage
from .observer import Watched
from .timeout import TimeLimit

__all__ = [
    "BreakerState",
    "Call",
    "CircuitBreaker",
    "Draining",
    "Failover",
    "Limited",
    "Metered",
    "Scheduler",
    "TimeLimit",
    "Unavailable",
    "Watched",
    "estimate_usage",
]
