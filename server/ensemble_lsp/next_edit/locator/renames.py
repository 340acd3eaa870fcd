"""A renamed name: the same name at the other places of its scope."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from ...syntax.trees import ParsedRegion
from ...types import Position, Span
from .reserved_words import RESERVED
from .roles import Role, is_import, role_of, scope_of
from .search import EditContext, Proposal, span_of
from .token_changes import TokenChange, token_changes

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_RENAMES = 6
_MAX_PLACES = 4
"""Occurrences, the nearest first, that are looked at for one rename."""
_DEFINED = r"\b(?:def|class|fn|func|function|interface|struct|enum|trait|type)\s+(?:\([^)]*\)\s*)?{0}(?![\w$])"
_BOUND = (
    _DEFINED + r"|\b(?:let|const|var|mut|as|static|val)\s+{0}(?![\w$])"
    r"|^\s*(?:from|import|use)\b.*(?<![\w$]){0}(?![\w$])|^\s*{0}\s*(?::[^=]+)?=[^=]|(?<![\w$.]){0}\s*:="
)
_ALIKE: dict[Role, tuple[Role, ...]] = {
    "definition": ("definition", "name"),
    "member": ("member", "attribute"),
}
"""The roles of the places that follow when a definition is renamed."""


@dataclass(frozen=True, slots=True)
class _Rename:
    """One name that was replaced by another, at one or more places."""

    old: str
    new: str
    sites: tuple[TokenChange, ...]

    @property
    def count(self) -> int:
        """The number of lines where it was replaced."""
        return len({(site.line.uri, site.line.order, site.line.number) for site in self.sites})


@dataclass(frozen=True, slots=True)
class _Site:
    """A place in this document where the name was replaced."""

    change: TokenChange
    region: ParsedRegion
    node: Node

    @property
    def role(self) -> Role:
        return role_of(self.node)

    @property
    def defines(self) -> bool:
        """Whether the name is defined here, and nothing of its definition changed but the name."""
        if not (self.role in _ALIKE or is_import(self.node)):
            return False
        return _rest_of_definition(self.change.right) == _rest_of_definition(self.change.old_right)

    @property
    def is_all_that_changed(self) -> bool:
        """Whether only names were replaced in the line."""
        return all(change.names for change in token_changes(self.change.line))

    @property
    def scope(self) -> Span | None:
        """The function that a local name is known in."""
        scope = scope_of(self.node) if self.role == "definition" else None
        return None if scope is None else self.region.span(scope)


@dataclass(frozen=True, slots=True)
class _RenameEvidence:
    """The reason to replace a name at its other places."""

    roles: set[Role]
    """The roles of the places to replace."""
    confidence: float
    rule: str


def renames(context: EditContext) -> Iterator[Proposal]:
    """Yield the other places of names that were just renamed."""
    tried: int = 0
    for rename in _renames(context.token_changes):
        if tried == _MAX_RENAMES or context.late:
            return
        places = context.occurrences(rename.old)
        if not places:
            continue
        sites = [site for change in rename.sites if (site := _site(context, change)) is not None]
        if sites and all(site.role in ("text", "comment") for site in sites):
            continue
        tried += 1
        if sites:
            yield from _in_this_file(context, rename, sites, places)
        elif _defined_elsewhere(rename):
            yield from _imported(context, rename, places)


def _renames(changes: Sequence[TokenChange]) -> Iterator[_Rename]:
    found: OrderedDict[tuple[str, str], list[TokenChange]] = OrderedDict()
    for change in changes:
        if (names := change.names) is not None:
            found.setdefault(names, []).append(change)
    replaced: set[str] = set()
    for (old, new), sites in found.items():
        # A name that was replaced twice has its latest replacement, and no rename is turned back.
        if old in RESERVED or new in RESERVED or old in replaced or (new, old) in found:
            continue
        replaced.add(old)
        yield _Rename(old, new, tuple(sites))


def _in_this_file(
    context: EditContext, rename: _Rename, sites: Sequence[_Site], places: Sequence[Position]
) -> Iterator[Proposal]:
    new_places = context.occurrences(rename.new)
    scopes = [site.scope for site in sites if site.defines]
    scope = scopes[0] if scopes and all(scopes) else None
    if scope is not None:
        places = [place for place in places if scope.start <= place < scope.end]
        new_places = [place for place in new_places if scope.start <= place < scope.end]
    if not places or _is_bound(context, rename.old, places) or _are_passed_over(sites, places):
        return
    evidence = _evidence(rename, sites, unused_before=len(new_places) <= len(sites))
    if evidence is None:
        return
    for place in _with_role(context, places, evidence.roles):
        edit = span_of(place, rename.old), rename.new
        yield Proposal(*edit, "rename", evidence.confidence, evidence.rule)


def _are_passed_over(sites: Sequence[_Site], places: Sequence[Position]) -> bool:
    """Return whether the user replaced the name above and below a place, and not its definition."""
    edited = [site.change.line.number for site in sites]
    between = any(min(edited) < place.line < max(edited) for place in places)
    return between and not any(site.defines for site in sites)


def _evidence(
    rename: _Rename, sites: Sequence[_Site], *, unused_before: bool
) -> _RenameEvidence | None:
    """Return what the replaced names say about the others; ``unused_before``: the new name did not occur."""
    roles: set[Role] = {site.role for site in sites}
    defining = [site for site in sites if site.defines]
    sure = rename.count >= 2 or any(site.is_all_that_changed for site in defining)
    if defining and sure and (unused_before or rename.count >= 3):
        for site in defining:
            roles.update(_ALIKE.get(site.role, ("name", "definition")))
        if rename.count == 1:
            roles.discard("member")  # another class has it
        confidence = 0.92 if unused_before else 0.85
        return _RenameEvidence(roles, confidence, "a definition was renamed")
    if rename.count < 3:
        return None
    if unused_before:
        roles.discard("name")
    return _RenameEvidence(roles, 0.75, "a name was replaced three times")


def _imported(
    context: EditContext, rename: _Rename, places: Sequence[Position]
) -> Iterator[Proposal]:
    """Yield the import of a name whose definition was renamed in another file."""
    if context.occurrences(rename.new):
        return
    for place in context.by_distance(places):
        found = context.regions.name_at(context.document, place)
        if found is not None and role_of(found[1]) == "definition" and is_import(found[1]):
            rule = "a definition in another file was renamed"
            yield Proposal(span_of(place, rename.old), rename.new, "rename", 0.85, rule)


def _with_role(
    context: EditContext, places: Sequence[Position], roles: set[Role]
) -> Iterator[Position]:
    """Yield the nearest places with one of the roles, never in a string or a comment."""
    count = 0
    for place in context.by_distance(places):
        role = context.role(place)
        if role not in roles or role in ("text", "comment"):
            continue
        yield place
        count += 1
        if count == _MAX_PLACES:
            return


def _site(context: EditContext, change: TokenChange) -> _Site | None:
    if change.line.uri != context.document.uri or change.line.number < 0:
        return None
    position = Position(change.line.number, change.column)
    if context.document.line(position.line) != change.line.new:
        return None  # changed again since
    found = context.regions.name_at(context.document, position)
    return None if found is None else _Site(change, *found)


def _defined_elsewhere(rename: _Rename) -> bool:
    pattern = re.compile(_DEFINED.format(re.escape(rename.old)))
    return any(pattern.search(site.line.old) for site in rename.sites)


def _is_bound(context: EditContext, name: str, places: Sequence[Position]) -> bool:
    """Return whether the name is still defined at one of the places."""
    pattern = re.compile(_BOUND.format(re.escape(name)))
    lines = dict.fromkeys(place.line for place in places)
    return any(pattern.search(context.document.lines[line]) for line in lines)


def _rest_of_definition(right: Sequence[str]) -> str:
    """Return the tokens after a defined name up to the end of its type."""
    depth = 0

    def inside(text: str) -> bool:
        nonlocal depth
        depth += (text in "([{<") - (text in ")]}>")
        return depth > 0 or (depth == 0 and text not in ",=;")

    rest = "".join(takewhile(inside, right))
    return rest.replace(" ", "") if rest.lstrip().startswith(":") else ""
