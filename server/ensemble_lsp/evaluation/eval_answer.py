"""An answer of one model to one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..models.stream_collector import StreamCollector
from ..types import Usage


@dataclass(slots=True)
class EvalAnswer:
    """An answer with its scores and times in milliseconds."""

    text: str = ""
    """The text the editor would offer; empty if it would offer nothing."""
    written: int = 0
    """Characters that the model produced."""
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    usage: Usage | None = None
    first_ms: float | None = None
    total_ms: float = 0.0

    @classmethod
    def read(cls, stream: StreamCollector) -> EvalAnswer:
        """Return a collected stream as an answer, without its text and scores."""
        return cls(
            written=len(stream.text),
            usage=stream.usage,
            first_ms=stream.first_token_ms,
            total_ms=stream.total_ms or 0.0,
        )
