"""An argument that was added or removed: the same at the other calls, and at the calls of a changed function."""

from __future__ import annotations

import re
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...types import Document, Span
from ..edit_history import Hunk
from .calls import (
    CallSite,
    Signature,
    call_at,
    calls_in,
    signatures_in,
    with_argument,
    without_argument,
)
from .hunk_documents import regions_of
from .regions import Regions
from .reserved_words import RESERVED
from .roles import role_of, scope_of
from .search import EditContext, Proposal

_FIRST_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_TEXT = re.compile(r"""\"[^\"]*\"|'[^']*'""")
_MAX_HUNKS = 12
_MAX_CALLS = 6
_MAX_NAMES = 4


@dataclass(frozen=True, slots=True)
class _Change:
    """One argument that was added to, or removed from, a call."""

    name: str
    added: bool
    keyword: str
    index: int
    """Among the positional arguments; -1 for a keyword."""
    count: int
    """Positional arguments before the change."""
    text: str
    after: str = field(default="", compare=False)
    """The identity of the argument before it."""


@dataclass(frozen=True, slots=True)
class _Redefinition:
    """A function whose parameters changed."""

    old: Signature
    new: Signature


def arguments(context: EditContext) -> Iterator[Proposal]:
    """Yield the calls that lack an argument, or have one too many, after the latest edits."""
    calls: OrderedDict[_Change, int] = OrderedDict()
    redefined: dict[str, _Redefinition] = {}
    for hunk in context.hunks[:_MAX_HUNKS]:
        if context.late:
            return
        for function in _redefinitions(hunk, context.regions):
            redefined.setdefault(function.new.name, function)
        for change in _call_changes(hunk, context.regions):
            calls[change] = calls.get(change, 0) + 1
    sites: dict[str, list[CallSite]] = {}
    names = [*redefined, *(change.name for change in calls)]
    for name in list(dict.fromkeys(names))[:_MAX_NAMES]:
        sites[name] = list(_calls_of(context, name))
    for function in redefined.values():
        yield from _follow_definition(context, function, sites.get(function.new.name, []), calls)
    for change, count in calls.items():
        function = redefined.get(change.name)
        if count >= 2 or (function is not None and _requires(function.new, change)):
            yield from _follow_calls(context, change, count, sites.get(change.name, []))


def _requires(function: Signature, change: _Change) -> bool:
    """Return whether calls of a function need an argument that was added, or may not have one that was removed."""
    if not change.added:
        return True
    index = function.index(change.keyword) if change.keyword else change.index
    return 0 <= index < len(function.parameters) and function.parameters[index].required


# -- what was changed --------------------------------------------------------------------------


def _redefinitions(hunk: Hunk, regions: Regions) -> Iterator[_Redefinition]:
    parsed = regions_of(hunk, regions)
    if parsed is None or not (hunk.removed and hunk.added):
        return
    (old, new), first = parsed, len(hunk.above)
    before = {s.name: s for s in signatures_in(old, first, first + len(hunk.removed) - 1)}
    for signature in signatures_in(new, first, first + len(hunk.added) - 1):
        known = before.get(signature.name)
        if known is not None and known.parameters != signature.parameters:
            yield _Redefinition(known, signature)


def _call_changes(hunk: Hunk, regions: Regions) -> Iterator[_Change]:
    parsed = regions_of(hunk, regions)
    if parsed is None:
        return
    (old, new), first = parsed, len(hunk.above)
    before: dict[str, list[CallSite]] = defaultdict(list)
    for call in calls_in(old, first, len(hunk.removed)):
        before[call.callee].append(call)
    for call in calls_in(new, first, len(hunk.added)):
        known = before.get(call.callee)
        if known and (change := _difference(known.pop(0), call)) is not None:
            yield change


def _difference(old: CallSite, new: CallSite) -> _Change | None:
    """Return the one argument that a call has more or less than before."""
    growth = len(new.arguments) - len(old.arguments)
    if abs(growth) != 1 or old.spread or new.spread:
        return None
    longer, shorter = (new, old) if growth > 0 else (old, new)
    rest = [argument.identity for argument in shorter.arguments]
    for index, argument in enumerate(longer.arguments):
        others = [a.identity for a in (*longer.arguments[:index], *longer.arguments[index + 1 :])]
        if others == rest:
            place = -1 if argument.keyword else index
            text = argument.text if growth > 0 or not argument.keyword else ""
            before = longer.arguments[index - 1].identity if index else ""
            return _Change(
                new.name, growth > 0, argument.keyword, place, old.positional, text, before
            )
    return None


# -- the places that follow --------------------------------------------------------------------


def _calls_of(context: EditContext, name: str) -> Iterator[CallSite]:
    count = 0
    for place in context.by_distance(context.occurrences(name)):
        found = context.regions.name_at(context.document, place)
        call = call_at(*found) if found is not None else None
        if call is not None and not call.spread:
            yield call
            count += 1
            if count == _MAX_CALLS:
                return


def _follow_calls(
    context: EditContext, change: _Change, count: int, sites: Sequence[CallSite]
) -> Iterator[Proposal]:
    """Yield the other calls of a function that one argument was added to or removed from."""
    confidence = 0.85 if count > 2 else 0.75
    rule = "an argument was " + ("added" if change.added else "removed")
    for call in sites:
        if not change.added:
            edit = _removed(call, change.keyword, change.text)
        elif _has_value(context, call, change.text):
            edit = _added(context.document, call, change)
        else:
            edit = None
        if edit is not None:
            yield Proposal(*edit, "argument", confidence, rule)


def _has_value(context: EditContext, call: CallSite, text: str) -> bool:
    """Return whether the names in an added argument are known where a call is."""
    value = text.partition("=")[2] or text
    names = [name for name in _FIRST_NAME.findall(_TEXT.sub("", value)) if name not in RESERVED]
    return all(name == "self" or _is_visible(context, call, name) for name in names)


def _added(document: Document, call: CallSite, change: _Change) -> tuple[Span, str] | None:
    if any(argument.keyword == change.keyword for argument in call.arguments if change.keyword):
        return None
    if change.keyword:
        places = [i for i, a in enumerate(call.arguments) if a.identity == change.after]
        return with_argument(
            document, call, places[0] + 1 if places else len(call.arguments), change.text
        )
    if call.positional != change.count or any(a.text == change.text for a in call.arguments):
        return None
    return with_argument(document, call, change.index, change.text)


def _removed(call: CallSite, keyword: str, text: str) -> tuple[Span, str] | None:
    for index, argument in enumerate(call.arguments):
        if (keyword and argument.keyword == keyword) or (not keyword and argument.text == text):
            return without_argument(call, index)
    return None


def _follow_definition(
    context: EditContext,
    function: _Redefinition,
    sites: Sequence[CallSite],
    calls: OrderedDict[_Change, int],
) -> Iterator[Proposal]:
    """Yield the calls of a function that has one parameter more or less."""
    old, new = function.old, function.new
    removed = [p for p in old.parameters if new.index(p.name) < 0]
    added = [p for p in new.parameters if old.index(p.name) < 0]
    if len(removed) + len(added) != 1:
        return
    if removed:
        for call in sites:
            edit = _without_parameter(call, old, removed[0].name)
            if edit is not None:
                yield Proposal(*edit, "argument", 0.85, "a parameter was removed")
        return
    if not added[0].required or any(change.name == new.name for change in calls):
        return
    for call in sites:
        if _is_visible(context, call, added[0].name):
            edit = _with_parameter(context.document, call, new, added[0].name)
            if edit is not None:
                yield Proposal(*edit, "argument", 0.8, "a parameter was added")


def _without_parameter(call: CallSite, old: Signature, name: str) -> tuple[Span, str] | None:
    by_keyword = _removed(call, name, "")
    if by_keyword is not None:
        return by_keyword
    index = old.index(name)
    if any(a.span.start.line < a.span.end.line for a in call.arguments):
        return None  # a function that is written in the call: its code belongs elsewhere now
    required = sum(p.required and not p.keyword_only for p in old.parameters)
    if old.parameters[index].keyword_only or call.positional <= index:
        return None
    return without_argument(call, index) if len(call.arguments) >= required else None


def _with_parameter(
    document: Document, call: CallSite, new: Signature, name: str
) -> tuple[Span, str] | None:
    index = new.index(name)
    parameter = new.parameters[index]
    if any(argument.identity == name for argument in call.arguments):
        return None
    if parameter.keyword_only:
        return with_argument(document, call, len(call.arguments), f"{name}={name}")
    if call.positional < index or call.positional + 1 > len(new.parameters):
        return None
    return with_argument(document, call, index, name)


def _is_visible(context: EditContext, call: CallSite, name: str) -> bool:
    """Return whether a name is known at a call: defined above in the caller, or outside of all functions."""
    region = context.regions.around(context.document, call.span.start.line)
    node = region.node_at(call.span.start) if region is not None else None
    scope = scope_of(node) if node is not None else None
    start = region.span(scope).start if region is not None and scope is not None else None
    for place in context.occurrences(name):
        local = start is not None and start <= place < call.span.start
        if not local and context.document.lines[place.line][:1].isspace():
            continue
        found = context.regions.name_at(context.document, place)
        if found is None or role_of(found[1]) != "definition":
            continue
        if local or scope_of(found[1]) is None:
            return True
    return False
