"""Errors that the program raises on purpose. Each message is one sentence that says what to do.

EnsembleError
├── SettingsError                 a setting or an argument is wrong
├── UnknownModelError             no model has that name
├── NoModelError                  no model can do the task now
├── DocumentError                 a file cannot be used (binary, not open, out of range)
├── HistoryError                  the local database cannot be used
├── WeightsError                  a packaged model's weights cannot be downloaded
├── FineTuningError               training data is invalid or a fine-tuning job failed
└── ProviderError                 a model did not answer
    ├── AuthenticationError       the key is missing, wrong or not allowed
    ├── QuotaExceededError        no credit left, or the plan does not allow the request
    ├── RateLimitedError          too many requests; retry_after in seconds if the provider gives it
    ├── ModelNotFoundError        the provider does not know the model
    ├── ContextTooLongError       the prompt does not fit the model's window
    ├── BadRequestError           the provider rejects the request
    ├── ConnectionFailedError     no connection: refused, DNS, TLS, cut
    ├── TimedOutError             no answer in time
    ├── ServiceUnavailableError   5xx and 529: the provider has a problem
    ├── ContentFilteredError      the model or a content filter declined
    └── InvalidResponseError      the response is not an answer: HTML, a broken stream, empty
"""

from __future__ import annotations

from typing import Literal

Problem = Literal["key", "credit", "budget", "limit", "offline", "model", "noModel", "other"]
"""The kind of an error, by which an editor offers the button that fixes it."""


class EnsembleError(Exception):
    """Base class; ``str(error)`` is meant for the user."""

    problem: Problem = "other"


class SettingsError(EnsembleError):
    """A setting or an argument is wrong."""


class UnknownModelError(EnsembleError):
    """No model has that name."""


class NoModelError(EnsembleError):
    """No model can do the task now."""

    problem = "noModel"


class DocumentError(EnsembleError):
    """A file cannot be used."""


class HistoryError(EnsembleError):
    """The local database cannot be used."""


class WeightsError(EnsembleError):
    """A packaged model's weights cannot be downloaded or fail their checksum."""


class FineTuningError(EnsembleError):
    """Training data is invalid, or a fine-tuning job failed or was refused."""


def advice_first(model: str, fault: str, advice: str) -> str:
    """Return a message about a model that begins with what to do: a client may show only its start."""
    return f"{advice[0].upper()}{advice[1:]}. {model}: {fault}."


class ProviderError(EnsembleError):
    """A model did not answer. ``model`` is its configured name."""

    temporary: bool = False
    """Whether the same request may succeed later, or with another provider, without user action."""
    trips_breaker: bool = True
    """Whether the error counts against the provider in its circuit breaker."""
    was_sent: bool = True
    """Whether a request was sent; False if an open circuit breaker failed it first."""

    def __init__(self, model: str, message: str) -> None:
        super().__init__(message)
        self.model = model


class AuthenticationError(ProviderError):
    """The key is missing, wrong or not allowed."""

    problem = "key"


class QuotaExceededError(ProviderError):
    """No credit is left, or the plan does not allow the request."""

    problem = "credit"


class RateLimitedError(ProviderError):
    """Too many requests. ``retry_after`` is in seconds, if the provider gives it."""

    problem = "limit"
    temporary = True

    def __init__(self, model: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(model, message)
        self.retry_after = retry_after


class ModelNotFoundError(ProviderError):
    """The provider does not know the model."""

    problem = "model"


class ContextTooLongError(ProviderError):
    """The prompt does not fit the model's window."""

    trips_breaker = False


class BadRequestError(ProviderError):
    """The provider rejects the request."""

    trips_breaker = False


class ConnectionFailedError(ProviderError):
    """The connection failed: refused, DNS, TLS, or closed before an answer."""

    problem = "offline"
    temporary = True


class TimedOutError(ProviderError):
    """No answer in time."""

    temporary = True


class ServiceUnavailableError(ProviderError):
    """The provider has a problem: 5xx, 529. ``retry_after`` is in seconds, if the provider gives it."""

    temporary = True

    def __init__(self, model: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(model, message)
        self.retry_after = retry_after


class ContentFilteredError(ProviderError):
    """The model or a content filter declined."""

    trips_breaker = False


class InvalidResponseError(ProviderError):
    """The response is not an answer: HTML, a broken stream, or empty."""

    temporary = True
