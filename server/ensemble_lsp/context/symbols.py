"""What stands at a place: functions, classes, calls, and what there asks for code."""

from .definitions import (
    Symbol,
    call_at,
    enclosing,
    in_string_or_comment,
    outline,
    symbol_at,
    uncomment,
)
from .generation_intent import Request, asks_for_code
from .nodes import SymbolKind

__all__ = [
    "Request",
    "Symbol",
    "SymbolKind",
    "asks_for_code",
    "call_at",
    "enclosing",
    "in_string_or_comment",
    "outline",
    "symbol_at",
    "uncomment",
]
