"""The prompt that one model gets for the next edit: what it may see, in its family's form."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..context.prompt_builder import complete_prompt
from ..context.redacted_documents import DocumentView, without_quoted
from ..context.workspace_index import WorkspaceContext
from ..models.interface import Profile
from ..models.token_estimates import CHARACTERS_PER_TOKEN
from ..types import Document, Position, Prompt, Snippet, Trigger
from .edit_history import EditHistory, Hunk
from .families import edit_prompt, family_named
from .prompting import EditDiagnostic, EditPrompt, EditRequest, RecentEdit

_MAX_CHARACTERS = 16_000
"""Characters of a prompt: a longer one costs time and gains little."""


@dataclass(frozen=True, slots=True)
class EditQuery:
    """One request for the next edit. Its positions are those of the document's snapshot."""

    document: Document
    cursor: Position
    trigger: Trigger = "automatic"
    diagnostics: tuple[EditDiagnostic, ...] = ()
    model: str | None = None
    """Ask only this model."""
    budget_ms: float | None = None
    """Overrides ``nextEdit.budgetMs`` for non-interactive callers (the CLI)."""

    @property
    def invoked(self) -> bool:
        """Whether the user asked for it."""
        return self.trigger == "invoked"


def model_prompt(
    query: EditQuery, profile: Profile, workspace: WorkspaceContext, history: EditHistory
) -> EditPrompt | None:
    """Return the prompt for a model; ``None`` if it may not see the file or cannot do this task.

    A remote model sees no excluded file and no secret, in the edits just made and the removed text too.
    """
    family = family_named(profile.edit_format)
    document = query.document
    if family is None or workspace.exclusion_reason(document, profile) is not None:
        return None
    view = workspace.view(document, profile)
    request = EditRequest(
        document,
        query.cursor,
        workspace.relative(document.path),
        _recent_edits(profile, workspace, history),
        _related(query, profile, workspace),
        _shown_diagnostics(query, view),
        redacted=None if view.redaction is None else view.document,
        redacted_cursor=view.position(query.cursor),
        characters=min(_MAX_CHARACTERS, int(profile.context_tokens * CHARACTERS_PER_TOKEN / 2)),
    )
    return edit_prompt(request, family, workspace.trees)


def _shown_diagnostics(query: EditQuery, view: DocumentView) -> tuple[EditDiagnostic, ...]:
    """Return the diagnostics without the document's secrets, which a tool's message may quote."""
    secrets = list(view.secrets(query.document.lines))
    return tuple(replace(d, message=without_quoted(d.message, secrets)) for d in query.diagnostics)


def prompt_of(edit: EditPrompt, profile: Profile) -> Prompt:
    """Return the prompt as every model takes it."""
    return Prompt(
        task="edit",
        language=edit.request.document.language,
        path=edit.request.path,
        max_tokens=max(16, min(edit.max_tokens, profile.context_tokens // 3)),
        stop=edit.stop,
        rendered=edit.rendered,
    )


def _recent_edits(
    profile: Profile, workspace: WorkspaceContext, history: EditHistory
) -> tuple[RecentEdit, ...]:
    """Return the edits just made, oldest first."""
    remote = not profile.local
    privacy = workspace.privacy
    hunks = history.for_remote(workspace.allowed, privacy.redact) if remote else history.recent()
    return tuple(RecentEdit(_path(hunk, workspace), hunk) for hunk in reversed(hunks))


def _path(hunk: Hunk, workspace: WorkspaceContext) -> str:
    return workspace.relative(Document(hunk.uri, 0, "", ("",)).path)


def _related(
    query: EditQuery, profile: Profile, workspace: WorkspaceContext
) -> tuple[Snippet, ...]:
    """Return the passages of other files that a completion there would be shown."""
    prompt = complete_prompt(
        query.document,
        query.cursor,
        profile=profile,
        workspace=workspace,
        mode="block",
        recent=False,
    )
    return prompt.related if prompt is not None else ()
