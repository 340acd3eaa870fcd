"""Policies as wrappers: each is a model around a model, so an adapter holds no policy.

Closing a wrapper's stream closes the inner stream at once.

- ``Timeout`` limits the time of an answer.
- ``ConcurrencyLimit`` queues requests for a backend; completions go first.
- ``CircuitBreaker`` pauses a provider that fails.
- ``Metered`` reports time, tokens and cost of each call.
- ``Draining`` closes a removed model after its last answer; ``Unavailable`` replaces one that cannot start.
- ``PrivacyGate`` redacts every prompt that leaves this machine.
- ``Observed`` reports each piece of text to an observer.
"""

from .breaker import BreakerState, CircuitBreaker
from .concurrency import ConcurrencyLimit, Scheduler
from .draining import Draining, Unavailable
from .metering import Metered, ModelCall
from .observer import Observed
from .privacy_gate import PrivacyGate
from .timeout import Timeout

__all__ = [
    "BreakerState",
    "CircuitBreaker",
    "ConcurrencyLimit",
    "Draining",
    "Metered",
    "ModelCall",
    "Observed",
    "PrivacyGate",
    "Scheduler",
    "Timeout",
    "Unavailable",
]
