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
from .renamed_mentions import keywords, mentions
from .reserved_words import RESERVED
from .roles import Role, is_import, role_of, scope_of
from .search import EditContext, Proposal, is_import_line, span_of
from .token_changes import TokenChange, changes_of, token_changes

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_RENAMES = 6
_MAX_PLACES = 4
"""Occurrences, the nearest first, that are looked at for one rename."""
_MENTIONED = 0.8
"""Confidence in a place in a text, or a keyword, for the new name of a definition."""
_BARE_MEMBERS = frozenset({"java", "csharp", "cpp", "ruby", "kotlin"})
"""Languages whose methods name the members of their class without a sign."""
_MAX_NEW = 12
"""Places of the new name, of which those in texts do not count; more are not looked at."""
_MANY_SITES = 4
"""Places of a name on two lines that are as much evidence as three lines."""
_RECEIVERS = ("self.", "this.", "this->")
_DEFINED = r"\b(?:def|class|fn|func|function|interface|struct|enum|trait|type)\s+(?:\([^)]*\)\s*)?{0}(?![\w$])"
_BOUND = (
    _DEFINED + r"|\b(?:let|const|var|mut|as|val|static(?=\s+\w+\s*:))\s+{0}(?![\w$])"
    r"|^\s*(?:from|import|use)\b.*(?<![\w$]){0}(?![\w$])|^\s*{0}\s*(?::[^=]+)?=[^=]|(?<![\w$.]){0}\s*:="
)
_CALLED = re.compile(r"\w+\s*\(")
_IMPORTED = re.compile(r"(?:^import\s+|[\s,{])(\w+)$")
_SET = re.compile(r"\s*(?::[^=]+)?=(?!=)")
_CONSTRUCTORS = (b"__init__", b"constructor", b"initialize", b"__construct")
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
        if not (self.role in _ALIKE or is_import(self.node) or self.is_own_attribute):
            return False
        return _rest_of_definition(self.change.right) == _rest_of_definition(self.change.old_right)

    @property
    def roles_that_follow(self) -> set[Role]:
        """The roles of the places that follow if the name is defined here."""
        roles: set[Role] = {*_ALIKE.get(self.role, ("name", "definition"))}
        if self.role == "member" and self.region.document.language in _BARE_MEMBERS:
            roles.add("name")
        if self.node.parent is not None and self.node.parent.type == "property_signature":
            roles.add("keyword")  # of an object
        return roles

    @property
    def is_own_attribute(self) -> bool:
        """Whether it is an attribute that a constructor sets."""
        left = "".join(self.change.left)
        if self.role != "attribute" or left not in _RECEIVERS:
            return False
        is_set = _SET.match("".join(self.change.right)) is not None
        function = scope_of(self.node)
        name = function.child_by_field_name("name") if function is not None else None
        return is_set and name is not None and name.text in _CONSTRUCTORS

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


def aliases(context: EditContext) -> Iterator[Proposal]:
    """Yield the uses of an imported name that the latest edits gave another name."""
    for hunk in context.hunks[:_MAX_RENAMES]:
        for change in changes_of(hunk):
            words = [token for token in change.new if not token.isspace()]
            if hunk.uri != context.document.uri or change.old or words[:1] != ["as"]:
                continue
            left = "".join(change.left).rstrip()
            named = _IMPORTED.search(left)
            if named is None or len(words) != 2 or not is_import_line(change.line.new):
                continue
            lines = context.document.lines
            places = context.occurrences(named[1])
            uses = [place for place in places if not is_import_line(lines[place.line])]
            for place in _with_role(context, uses, {"name"}):
                rule = "an import got another name"
                yield Proposal(span_of(place, named[1]), words[1], "rename", 0.9, rule)


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
    defining = [site for site in sites if site.defines]
    if any(site.is_own_attribute for site in defining) and _is_bound(context, rename.old, places):
        return
    places = _in_scope(context, places, defining)
    new_places = _in_scope(context, context.occurrences(rename.new), defining)
    if len(new_places) <= _MAX_NEW:
        new_places = [place for place in new_places if not _is_text(context, place)]
    if (places and _is_bound(context, rename.old, places)) or _are_passed_over(sites, places):
        return
    evidence = _evidence(rename, sites, unused_before=len(new_places) <= len(sites))
    if evidence is None:
        return
    for place in _with_role(context, places, evidence.roles):
        edit = span_of(place, rename.old), rename.new
        yield Proposal(*edit, "rename", evidence.confidence, evidence.rule)
    if any(site.line.order == context.hunks[0].order for site in rename.sites):
        yield from _mentioned(context, rename, defining, places)


def _in_scope(
    context: EditContext, places: Sequence[Position], defining: Sequence[_Site]
) -> list[Position]:
    """Return the places where a name is the one that was renamed, as far as that is known."""
    scopes = [site.scope for site in defining]
    scope = scopes[0] if scopes and all(scopes) else None
    if scope is not None:
        places = [place for place in places if scope.start <= place < scope.end]
    if any(site.is_own_attribute for site in defining):
        places = [place for place in places if _has_receiver(context, place)]
    return list(places)


def _mentioned(
    context: EditContext, rename: _Rename, defining: Sequence[_Site], places: Sequence[Position]
) -> Iterator[Proposal]:
    """Yield the texts, comments and keywords that name a definition, if it was renamed for sure."""
    if not defining or not _is_sure(rename, defining):
        return
    meant = mentions(context, rename.old, places, defining[0].node)
    for place in (*meant, *keywords(context, rename.old, defining[0].node)):
        edit = span_of(place, rename.old), rename.new
        yield Proposal(*edit, "rename", _MENTIONED, "a definition was renamed")


def _are_passed_over(sites: Sequence[_Site], places: Sequence[Position]) -> bool:
    """Return whether the user replaced the name above and below a place, and not its definition."""
    edited = [site.change.line.number for site in sites]
    between = any(min(edited) < place.line < max(edited) for place in places)
    return between and not any(site.defines for site in sites)


def _is_sure(rename: _Rename, defining: Sequence[_Site]) -> bool:
    """Return whether the name was replaced twice, or nothing else changed where it is defined."""
    return rename.count >= 2 or any(site.is_all_that_changed for site in defining)


def _evidence(
    rename: _Rename, sites: Sequence[_Site], *, unused_before: bool
) -> _RenameEvidence | None:
    """Return what the replaced names say about the others; ``unused_before``: the new name did not occur."""
    roles: set[Role] = {site.role for site in sites}
    defining = [site for site in sites if site.defines]
    if defining and _is_sure(rename, defining) and (unused_before or rename.count >= 3):
        for site in defining:
            roles.update(site.roles_that_follow)
        if rename.count == 1:
            roles.discard("member")  # another class has it
        confidence = 0.92 if unused_before else 0.85
        return _RenameEvidence(roles, confidence, "a definition was renamed")
    if rename.count < 3 and not (rename.count == 2 and len(rename.sites) >= _MANY_SITES):
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


def _is_text(context: EditContext, place: Position) -> bool:
    return context.role(place) in ("text", "comment")


def _has_receiver(context: EditContext, place: Position) -> bool:
    line = context.document.line(place.line)
    called = _CALLED.match(line, place.column) is not None
    return line[: place.column].endswith(_RECEIVERS) and not called


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
