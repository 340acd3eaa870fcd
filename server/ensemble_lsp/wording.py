"""Small helpers for sentences that users read."""

from __future__ import annotations

import math
from collections.abc import Sequence


def join_names(names: Sequence[str], conjunction: str = "and") -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``; empty for no names."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {conjunction} {names[-1]}"


def plural(count: int, noun: str, plural_noun: str = "") -> str:
    """Return the count with its noun: ``1 case``, ``2,000 cases``."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def dollars(value: float) -> str:
    """Return an amount in US dollars: with cents, or two significant digits below ten cents."""
    if value == 0:
        return "$0"
    if value >= 0.1:
        return f"${value:,.2f}"
    # Never an exponent.
    return f"${value:.{min(9, 1 - math.floor(math.log10(value)))}f}"
