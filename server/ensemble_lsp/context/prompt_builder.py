"""Builds the prompt for a document and a place, within the model's context window.

For a remote model, an excluded file gives no prompt, passages of excluded files are omitted, and
secrets are replaced in the documents before anything is cut from them. A local model sees everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..models.interface import Profile
from ..models.token_estimates import estimate_tokens
from ..syntax.trees import Trees
from ..types import Document, Position, Prompt, Snippet, Span, Task
from .completion_mode import CompletionMode
from .context_window import ContextWindow, context_window, cut_end, cut_lines
from .redacted_documents import DocumentView, without_quoted
from .symbols import Symbol, enclosing, outline
from .workspace_index import WorkspaceContext

__all__ = ["WorkspaceContext", "complete_prompt", "explain_prompt", "generate_prompt"]

MAX_COMPLETE_TOKENS = 2000
"""Token limit for completion prompts: longer ones cost time and gain little."""
MAX_TOKENS = 6000
"""Token limit for the other tasks' prompts."""

_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_OUTERMOST = re.compile(r"[A-Za-z_@]")
_MAX_DEFINITIONS = 6


@dataclass(frozen=True, slots=True)
class _Budget:
    """The token budgets of a prompt and its answer."""

    total: int
    answer: int

    @classmethod
    def of(cls, profile: Profile, limit: int, answer: int) -> _Budget:
        """Return the budgets within a model's window; a quarter stays free for estimation errors."""
        answer = max(16, min(answer, profile.context_tokens // 3))
        return cls(max(128, min(limit, profile.context_tokens * 3 // 4 - answer)), answer)

    def share(self, part: float) -> int:
        """Return a share of the prompt's budget."""
        return int(self.total * part)


@dataclass(frozen=True, slots=True)
class _PromptTarget:
    """The model that is asked, with its workspace and budget."""

    profile: Profile
    workspace: WorkspaceContext
    budget: _Budget
    trees: Trees
    """The trees of the document that the model sees."""


def complete_prompt(
    document: Document,
    position: Position,
    *,
    profile: Profile,
    workspace: WorkspaceContext,
    mode: CompletionMode,
    max_lines: int = 12,
    recent: bool = True,
) -> Prompt | None:
    """Return the prompt for a completion; ``None`` if the model may not see the file.

    ``recent``: with the code that was edited last elsewhere.
    """
    if workspace.exclusion_reason(document, profile) is not None:
        return None
    address, position = document.uri, document.clamp(position)
    # A free model predicts from the indexed documents, the cells of a notebook among them.
    cell = None if profile.free else workspace.in_notebook(document)
    if cell is not None:
        document, position = cell.script, cell.position(position)
    view = workspace.view(document, profile)
    document, position = view.document, view.position(position)
    multiline = mode == "block"
    budget = _Budget.of(
        profile, MAX_COMPLETE_TOKENS, min(1024, 24 * max_lines) if multiline else 64
    )
    shown = context_window(document, position, budget.share(0.55), budget.share(0.18))
    prompt = Prompt(
        task="complete",
        language=document.language,
        path=workspace.relative(document.path),
        prefix=_unix_newlines(shown.prefix),
        suffix=_unix_newlines(shown.suffix),
        multiline=multiline,
        max_tokens=budget.answer,
        stop=() if cell is None else (f"\n{cell.mark}",),
    )
    if profile.free:
        # It finds them by their path; that of a cell is its notebook's.
        return replace(prompt, path=address if address in workspace.notebooks else document.path)
    target = _PromptTarget(profile, workspace, budget, workspace.trees_of(view))
    return replace(
        prompt,
        symbol=_signature_above(document, position, shown, target.trees),
        imports=_imports(document, shown, target),
        related=_related(document, position, shown, target, 0.22, recent=recent and cell is None),
    )


def _signature_above(
    document: Document, position: Position, shown: ContextWindow, trees: Trees
) -> str:
    """Return the signature of the enclosing definition if it begins above the window."""
    # An unindented line in the window means that no definition above it is still open.
    if not shown.first or any(map(_OUTERMOST.match, document.lines[shown.first : position.line])):
        return ""
    inside = enclosing(document, position, trees)
    return inside.signature if inside and inside.span.start.line < shown.first else ""


def explain_prompt(
    document: Document,
    span: Span,
    instruction: str = "",
    *,
    profile: Profile,
    workspace: WorkspaceContext,
) -> Prompt | None:
    """Return the prompt to explain a span, or what the instruction asks about it; ``None`` if the model may not see it.

    It includes the signatures of the functions that the code calls. A ``question`` replaces the request
    for an explanation.
    """
    if workspace.exclusion_reason(document, profile) is not None:
        return None
    budget = _Budget.of(profile, MAX_TOKENS, 800)
    document, span = _with_cells(document, _clamped(document, span), workspace)
    view = workspace.view(document, profile)
    target = _PromptTarget(profile, workspace, budget, workspace.trees_of(view))
    span = view.span(span)
    prompt = _with_selection("explain", view.document, span, target)
    called = _definitions(view.document, span, prompt.selection, target, budget.share(0.06))
    instruction = _without_secrets(instruction, document, view, target)
    return replace(prompt, related=(*called, *prompt.related), instruction=instruction)


def generate_prompt(
    document: Document,
    span: Span,
    instruction: str,
    *,
    indent: str = "",
    profile: Profile,
    workspace: WorkspaceContext,
) -> Prompt | None:
    """Return the prompt to write code at a place; ``None`` if the model may not see the file."""
    if workspace.exclusion_reason(document, profile) is not None:
        return None
    budget = _Budget.of(profile, MAX_TOKENS, 1500)
    document, span = _with_cells(document, _clamped(document, span), workspace)
    view = workspace.view(document, profile)
    target = _PromptTarget(profile, workspace, budget, workspace.trees_of(view))
    prompt = _with_selection("generate", view.document, view.span(span), target)
    instruction = _without_secrets(instruction, document, view, target)
    return replace(prompt, instruction=instruction, indent=indent)


def _with_cells(
    document: Document, span: Span, workspace: WorkspaceContext
) -> tuple[Document, Span]:
    """Return a document and a span; for a cell, the script of its notebook and the span in it."""
    cell = workspace.in_notebook(document)
    return (document, span) if cell is None else (cell.script, cell.span(span))


def _without_secrets(
    instruction: str, document: Document, view: DocumentView, target: _PromptTarget
) -> str:
    """Return an instruction as the model may see it, cut to its share.

    A tool's message may quote the document's secrets, which look like nothing outside of their line.
    """
    if not target.profile.local:
        # Before it is cut: a part of a secret may not look like one.
        instruction = without_quoted(instruction, view.secrets(document.lines))
        instruction, _ = target.workspace.privacy.redact(instruction)
    return cut_end(instruction, target.budget.share(0.2))


def _with_selection(task: Task, document: Document, span: Span, target: _PromptTarget) -> Prompt:
    """Return a prompt with a selection and the text around it."""
    budget, workspace = target.budget, target.workspace
    # Without a selection, its share goes to the text before the place.
    before = context_window(document, span.start, budget.share(0.6 if span.empty else 0.2), 0)
    after = context_window(document, span.end, 0, budget.share(0.1))
    shown = ContextWindow(before.prefix, after.suffix, before.first, after.last)
    return Prompt(
        task=task,
        language=document.language,
        path=workspace.relative(document.path),
        prefix=_unix_newlines(shown.prefix),
        suffix=_unix_newlines(shown.suffix),
        selection=_unix_newlines(_fit(document.slice(span), budget.share(0.4))),
        symbol=_outer_signature(document, span, target.trees),
        imports=_imports(document, shown, target),
        related=_related(document, span.start, shown, target, 0.18),
        max_tokens=budget.answer,
    )


def _outer_signature(document: Document, span: Span, trees: Trees) -> str:
    """Return the signature of the definition around a span, other than the selected one."""
    inside: Symbol | None = enclosing(document, span.start, trees)
    if inside is not None and inside.span.start == span.start:
        inside = enclosing(document, span.start, trees, kind="class")
    if inside is None or inside.span.start == span.start:
        return ""
    return inside.signature


def _imports(document: Document, shown: ContextWindow, target: _PromptTarget) -> str:
    """Return the file's import lines that are above the window."""
    lines = target.workspace.imports.lines(document, shown.first)
    return _unix_newlines(cut_lines(lines, target.budget.share(0.05)))


def _related(
    document: Document,
    position: Position,
    shown: ContextWindow,
    target: _PromptTarget,
    part: float,
    *,
    recent: bool = False,
) -> tuple[Snippet, ...]:
    """Return signatures of imports (at most half of the budget), then similar passages, best first.

    What was edited last has a quarter of what they leave.
    """
    profile, workspace, tokens = target.profile, target.workspace, target.budget.share(part)
    if tokens < 40:
        return ()
    signatures: list[Snippet] = []
    left = tokens // 2
    for each in workspace.signatures(document, profile):
        text = cut_lines(each.text, left)
        if not text:
            break
        left -= estimate_tokens(text)
        signatures.append(replace(each, text=text))
    left = tokens - sum(estimate_tokens(s.text) for s in signatures)
    edited = _recently_edited(document, shown, target, left // 4) if recent else ()
    similar = workspace.related.related(
        document,
        position,
        left - sum(estimate_tokens(s.text) for s in edited),
        shown=(shown.first, shown.last),
        passages_of=workspace.passages_of(profile),
    )
    return tuple(
        Snippet(workspace.relative(s.path), _unix_newlines(s.text), s.score)
        for s in (*signatures, *similar, *_not_in(edited, similar))
    )


def _recently_edited(
    document: Document, shown: ContextWindow, target: _PromptTarget, tokens: int
) -> tuple[Snippet, ...]:
    """Return the passages edited last that fit, outside of the lines that the prompt has."""
    workspace = target.workspace
    if workspace.recently_edited is None:
        return ()
    found: list[Snippet] = []
    lines = shown.first, shown.last
    for each in workspace.recently_edited(workspace, document, lines, target.profile):
        size = estimate_tokens(each.text)
        if size <= tokens:
            tokens -= size
            found.append(each)
    return tuple(found)


def _not_in(edited: Sequence[Snippet], similar: Sequence[Snippet]) -> Iterator[Snippet]:
    """Yield the passages of which no other has every line."""
    for each in edited:
        lines = set(each.text.splitlines())
        if not any(lines <= set(s.text.splitlines()) for s in similar if s.path == each.path):
            yield each


def _definitions(
    document: Document, span: Span, code: str, target: _PromptTarget, tokens: int
) -> tuple[Snippet, ...]:
    """Return signatures and docstrings of the functions that the code calls, from its own file."""
    names = set(_CALL.findall(code))
    found: list[str] = []
    for symbol in outline(document, target.trees, near=span.start) if names else ():
        if symbol.name in names and not span.start <= symbol.span.start <= span.end:
            summary = symbol.docstring.split("\n\n")[0]
            found.append(f"{symbol.signature}\n    {summary}" if summary else symbol.signature)
        if len(found) == _MAX_DEFINITIONS:
            break
    text = cut_lines("\n".join(found) + "\n", tokens)
    path = target.workspace.relative(document.path)
    return (Snippet(path, text, 1.0),) if text.strip() else ()


def _clamped(document: Document, span: Span) -> Span:
    return Span(document.clamp(span.start), document.clamp(span.end))


def _fit(text: str, tokens: int) -> str:
    """Return the whole lines that fit, or the start of one long line."""
    return cut_lines(text, tokens) or cut_end(text, tokens)


def _unix_newlines(text: str) -> str:
    """Return the text with line feeds as its only line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
