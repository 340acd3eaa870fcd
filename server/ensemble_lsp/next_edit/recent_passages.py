"""The code that the user edited last, in other files and elsewhere in this one, as passages for completions."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from ..types import Document, Snippet
from .edit_history import EditHistory, Hunk

if TYPE_CHECKING:
    from ..context.content_exclusion import PrivacyFilter
    from ..context.workspace_index import WorkspaceContext
    from ..models.interface import Profile

_HUNKS = 12
"""The latest ones, which are looked at."""
_REDACTED = 64


class RecentPassages:
    """Yields the new text of the latest edits, the latest first. Removed text is in none of them.

    The edit at the cursor is left out, so that the passages stay the same while the user types.
    """

    def __init__(self, history: EditHistory) -> None:
        self._history = history
        self._redacted: OrderedDict[Hunk, Hunk] = OrderedDict()
        self._filter: PrivacyFilter | None = None

    def __call__(
        self,
        workspace: WorkspaceContext,
        document: Document,
        shown: tuple[int, int],
        profile: Profile,
    ) -> tuple[Snippet, ...]:
        """Return the passages for a model; ``shown`` are the lines of the document that its prompt has.

        A remote model sees no excluded file and no secret.
        """
        found: list[Snippet] = []
        for hunk in self._history.recent(_HUNKS):
            if not hunk.added or (hunk.uri == document.uri and _is_near(hunk, shown)):
                continue
            text = self._text(hunk, workspace, profile)
            if text.strip():
                found.append(Snippet(Document(hunk.uri, 0, "", ("",)).path, text))
        return tuple(found)

    def _text(self, hunk: Hunk, workspace: WorkspaceContext, profile: Profile) -> str:
        """Return a hunk's new text as a model may see it; empty for an excluded file."""
        if profile.local:
            return hunk.updated
        if not workspace.allowed(hunk.uri):
            return ""
        return self._without_secrets(hunk, workspace).updated

    def _without_secrets(self, hunk: Hunk, workspace: WorkspaceContext) -> Hunk:
        """Return a hunk without secrets; the text around it is searched once with the same settings."""
        if workspace.privacy is not self._filter:
            self._filter = workspace.privacy
            self._redacted.clear()
        redacted = self._redacted.pop(hunk, None) or hunk.redacted(workspace.privacy.redact)
        self._redacted[hunk] = redacted
        while len(self._redacted) > _REDACTED:
            self._redacted.popitem(last=False)
        return redacted


def _is_near(hunk: Hunk, shown: tuple[int, int]) -> bool:
    """Return whether a hunk is among the lines, or where it is is not known."""
    first, last = shown
    return not hunk.tracked or (hunk.line <= last and hunk.line + len(hunk.added) >= first)
