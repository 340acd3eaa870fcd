"""Every error the program raises on purpose. Each message is one sentence that says what to do.

EnsembleError
├── SettingsError            a setting or an argument is wrong
├── UnknownModelError        no model has that name
├── NoModelError             no model can do the task now
├── DocumentError            a file cannot be worked on (binary, not open, out of range)
├── HistoryError             the local database cannot be used
├── WeightsError             a packaged model's weights cannot be fetched
├── TuningError              training data or a fine-tuning job is not as it should be
└── ProviderError            a model did not answer
    ├── WrongKeyError        missing, wrong or forbidden key
    ├── NoQuotaError         no credit left, or the plan does not allow it
    ├── RateLimitedError     too many requests; retry_after seconds where the provider says so
    ├── ModelNotFoundError   the provider does not know the model
    ├── ContextTooLongError  the prompt does not fit
    ├── BadRequestError      the provider refuses the request as it stands
    ├── CannotConnectError   no connection: refused, DNS, TLS, cut
    ├── TimedOutError        no answer in time
    ├── OverloadedError      5xx, 529: the provider's own trouble
    ├── RefusedError         the model or a content filter declined
    └── BadAnswerError       an answer that is none: HTML, broken stream, empty
"""

from __future__ import annotations


class EnsembleError(Exception):
    """Base of all; ``str(error)`` is meant for the user."""


class SettingsError(EnsembleError):
    """A setting or an argument is wrong."""


class UnknownModelError(EnsembleError):
    """No model has that name."""


class NoModelError(EnsembleError):
    """No model can do the task now."""


class DocumentError(EnsembleError):
    """A file cannot be worked on."""


class HistoryError(EnsembleError):
    """The local database cannot be used."""


class WeightsError(EnsembleError):
    """A packaged model's weights cannot be fetched, or are not what they should be."""


class TuningError(EnsembleError):
    """Training data cannot be used, or a fine-tuning job failed or was refused."""


class ProviderError(EnsembleError):
    """A model did not answer. ``model`` is its configured name."""

    temporary: bool = False
    """Whether the same request may succeed later or elsewhere without the user doing anything."""
    counts: bool = True
    """Whether it speaks against the provider (circuit breaker); a refused request does not."""
    asked: bool = True
    """Whether the provider was asked at all; an open circuit breaker answers for it, at no cost."""

    def __init__(self, model: str, message: str) -> None:
        super().__init__(message)
        self.model = model


class WrongKeyError(ProviderError):
    """Missing, wrong or forbidden key."""


class NoQuotaError(ProviderError):
    """No credit left, or the plan does not allow it."""


class RateLimitedError(ProviderError):
    """Too many requests. ``retry_after`` is in seconds, where the provider says."""

    temporary = True

    def __init__(self, model: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(model, message)
        self.retry_after = retry_after


class ModelNotFoundError(ProviderError):
    """The provider does not know the model."""


class ContextTooLongError(ProviderError):
    """The prompt does not fit the model's window."""

    counts = False


class BadRequestError(ProviderError):
    """The provider refuses the request as it stands."""

    counts = False


class CannotConnectError(ProviderError):
    """No connection: refused, DNS, TLS, cut before an answer."""

    temporary = True


class TimedOutError(ProviderError):
    """No answer in time."""

    temporary = True


class OverloadedError(ProviderError):
    """The provider's own trouble: 5xx, 529."""

    temporary = True


class RefusedError(ProviderError):
    """The model or a content filter declined."""

    counts = False


class BadAnswerError(ProviderError):
    """An answer that is none: HTML, a broken stream, nothing at all."""

    temporary = True
