"""The server's activity, to be displayed: busy, idle or offline, and text as it arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..models.wrappers import Observed
from .snooze import Snooze

if TYPE_CHECKING:
    from ..errors import EnsembleError, ProviderError
    from ..models.interface import Model
    from ..models.wrappers import ModelCall
    from ..types import Task


class Activity:
    """Reports state changes to ``on_status`` and each piece of an answer to ``on_text``."""

    def __init__(self) -> None:
        self.on_status: Callable[..., None] | None = None
        self.on_text: Callable[[str, str], None] | None = None
        """Called with ``(model, text)``."""
        self._lasting: dict[str, ProviderError] = {}
        """Failures, by model, that the user has to fix, until the model answers."""
        self.snooze = Snooze()
        """Whether automatic requests are quiet; every status says it."""

        self.asked: dict[Task, Sequence[str]] = {}
        """The models of each task's latest choice, best first."""

    def watched(self, model: Model) -> Model:
        """Wrap a model that is about to be asked, if its text is displayed."""
        return model if self.on_text is None else Observed(model, self.on_text)

    def busy(self, task: Task, model: str) -> None:
        """Report that a model is being asked."""
        self._report("busy", task=task, model=model)

    def idle(self, task: Task | None = None, model: str | None = None, **fields: Any) -> None:
        """Report that no model is being asked now."""
        error = next(iter(self._lasting.values()), None)
        problem = {"problem": error.problem, "message": str(error)} if error else {}
        self._report("idle", task=task, model=model, **problem, **fields)

    def notice(self, model: str, message: str) -> None:
        """Report what a model makes the user wait for; ``""`` when it is over."""
        if message:
            self._report("busy", model=model, message=f"{message} …")
        else:
            self._report("idle", model=model)

    def failed(self, errors: Sequence[EnsembleError]) -> None:
        """Report that no model answered, with the kind of the first error."""
        messages = " ".join(dict.fromkeys(map(str, errors)))
        self._report("offline", message=messages, problem=errors[0].problem)

    def finished(self, task: Task, model: str | None, errors: Sequence[ProviderError] = ()) -> None:
        """Report the end of a request and the model of its answer."""
        self._lasting |= {error.model: error for error in errors if not error.temporary}
        if errors and model is None:
            self.failed(errors)
        else:
            self.idle(task, model)

    def models_changed(self) -> None:
        """Forget the failures of models, which may work again."""
        self._lasting.clear()

    def ended(self, call: ModelCall) -> None:
        """Report the end of a call."""
        if call.status == "ok":
            self._lasting.pop(call.model, None)
            self.idle(call.task, call.model, latencyMs=round(call.total_ms or 0.0, 1))
        elif call.status == "cancelled":
            self.idle(call.task)

    def _report(self, state: str, **fields: Any) -> None:
        if self.on_status is not None:
            snoozed = self.snooze.active or None
            self.on_status(state, **fields, snoozed=snoozed, snoozedUntil=self.snooze.until_ms)
