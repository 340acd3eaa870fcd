"""A document and a place → the prompt a model is asked, cut to its window.

For a remote model an excluded file gives no prompt, passages of excluded files are left out, and
secrets are replaced everywhere. For a local model nothing is withheld.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..models.interface import Profile
from ..types import Document, Position, Prompt, Snippet, Span, Task
from .completion_mode import CompletionMode
from .context_window import ContextWindow, context_window, cut_end, cut_lines, estimate_tokens
from .symbols import Symbol, enclosing, outline
from .workspace_index import WorkspaceContext

__all__ = ["WorkspaceContext", "complete_prompt", "explain_prompt", "generate_prompt"]

COMPLETE_TOKENS = 2000
"""The longest prompt of a completion: a longer one costs time and gains little."""
LONG_TOKENS = 6000
"""The longest prompt of the other tasks."""

_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_OUTERMOST = re.compile(r"[A-Za-z_@]")
_MOST_DEFINITIONS = 6


@dataclass(frozen=True, slots=True)
class _Budget:
    """The tokens a prompt may have, shared out, and those of the answer."""

    total: int
    answer: int

    @classmethod
    def of(cls, profile: Profile, most: int, answer: int) -> _Budget:
        """Within a model's window; a quarter of it stays free, for estimates that err."""
        answer = max(16, min(answer, profile.context_tokens // 3))
        return cls(max(128, min(most, profile.context_tokens * 3 // 4 - answer)), answer)

    def share(self, part: float) -> int:
        """That part of the prompt's tokens."""
        return int(self.total * part)


@dataclass(frozen=True, slots=True)
class _Scene:
    """Who is asked, and from where."""

    profile: Profile
    workspace: WorkspaceContext
    budget: _Budget


def complete_prompt(
    document: Document,
    position: Position,
    *,
    profile: Profile,
    workspace: WorkspaceContext,
    mode: CompletionMode,
    max_lines: int = 12,
) -> Prompt | None:
    """The prompt for a completion at a position; ``None`` where the model may not see the file."""
    if workspace.exclusion_reason(document, profile) is not None:
        return None
    position = document.clamp(position)
    multiline = mode == "block"
    budget = _Budget.of(profile, COMPLETE_TOKENS, min(1024, 24 * max_lines) if multiline else 64)
    shown = context_window(document, position, budget.share(0.55), budget.share(0.18))
    prompt = Prompt(
        task="complete",
        language=document.language,
        path=workspace.relative(document.path),
        prefix=_plain(shown.prefix),
        suffix=_plain(shown.suffix),
        multiline=multiline,
        max_tokens=budget.answer,
    )
    if profile.free:
        # It predicts from the documents themselves, which it finds by their path.
        return replace(prompt, path=document.path)
    scene = _Scene(profile, workspace, budget)
    prompt = replace(
        prompt,
        symbol=_above(document, position, shown, workspace),
        imports=_imports(document, shown, scene),
        related=_related(document, position, shown, scene, 0.22),
    )
    return _guarded(prompt, profile, workspace)


def _above(
    document: Document, position: Position, shown: ContextWindow, workspace: WorkspaceContext
) -> str:
    """The signature of what the cursor lies in, where that begins above the window."""
    # What begins above it has no line in the window without indentation; then nothing is parsed.
    if not shown.first or any(map(_OUTERMOST.match, document.lines[shown.first : position.line])):
        return ""
    inside = enclosing(document, position, workspace.trees)
    return inside.signature if inside and inside.span.start.line < shown.first else ""


def explain_prompt(
    document: Document, span: Span, *, profile: Profile, workspace: WorkspaceContext
) -> Prompt | None:
    """The prompt to explain a span of code; ``None`` where the model may not see the file.

    With it go the signatures of what the code calls, from the file and from its imports.
    """
    if workspace.exclusion_reason(document, profile) is not None:
        return None
    budget = _Budget.of(profile, LONG_TOKENS, 800)
    prompt = _about("explain", document, span, _Scene(profile, workspace, budget))
    called = _definitions(document, span, prompt.selection, workspace, budget.share(0.06))
    return _guarded(replace(prompt, related=(*called, *prompt.related)), profile, workspace)


def generate_prompt(
    document: Document,
    span: Span,
    instruction: str,
    *,
    indent: str = "",
    profile: Profile,
    workspace: WorkspaceContext,
) -> Prompt | None:
    """The prompt to write code at a place; ``None`` where the model may not see the file."""
    if workspace.exclusion_reason(document, profile) is not None:
        return None
    budget = _Budget.of(profile, LONG_TOKENS, 1500)
    prompt = _about("generate", document, span, _Scene(profile, workspace, budget))
    instruction = cut_end(instruction, budget.share(0.2))
    prompt = replace(prompt, instruction=instruction, indent=indent)
    return _guarded(prompt, profile, workspace)


def _about(task: Task, document: Document, span: Span, scene: _Scene) -> Prompt:
    """A prompt with a selection and what stands round it."""
    budget, workspace = scene.budget, scene.workspace
    span = Span(document.clamp(span.start), document.clamp(span.end))
    # Nothing selected: its share goes to what stands before the place.
    before = context_window(document, span.start, budget.share(0.6 if span.empty else 0.2), 0)
    after = context_window(document, span.end, 0, budget.share(0.1))
    shown = ContextWindow(before.prefix, after.suffix, before.first, after.last)
    return Prompt(
        task=task,
        language=document.language,
        path=workspace.relative(document.path),
        prefix=_plain(shown.prefix),
        suffix=_plain(shown.suffix),
        selection=_plain(_cut(document.slice(span), budget.share(0.4))),
        symbol=_around(document, span, workspace),
        imports=_imports(document, shown, scene),
        related=_related(document, span.start, shown, scene, 0.18),
        max_tokens=budget.answer,
    )


def _around(document: Document, span: Span, workspace: WorkspaceContext) -> str:
    """The signature of what a span lies in, which is not the selected definition itself."""
    inside: Symbol | None = enclosing(document, span.start, workspace.trees)
    if inside is not None and inside.span.start == span.start:
        inside = enclosing(document, span.start, workspace.trees, kind="class")
    if inside is None or inside.span.start == span.start:
        return ""
    return inside.signature


def _imports(document: Document, shown: ContextWindow, scene: _Scene) -> str:
    """The file's import lines that the window does not show."""
    lines = scene.workspace.imports.lines(document, shown.first)
    return _plain(cut_lines(lines, scene.budget.share(0.05)))


def _related(
    document: Document, position: Position, shown: ContextWindow, scene: _Scene, part: float
) -> tuple[Snippet, ...]:
    """Signatures of imports (at most half of the budget), then similar passages, best first."""
    profile, workspace, tokens = scene.profile, scene.workspace, scene.budget.share(part)
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
    similar = workspace.related.related(
        document,
        position,
        tokens - sum(estimate_tokens(s.text) for s in signatures),
        shown=(shown.first, shown.last),
        allowed=None if profile.local else workspace.allowed,
    )
    return tuple(
        Snippet(workspace.relative(s.path), _plain(s.text), s.score)
        for s in (*signatures, *similar)
    )


def _definitions(
    document: Document, span: Span, code: str, workspace: WorkspaceContext, tokens: int
) -> tuple[Snippet, ...]:
    """The signatures, with docstrings, of what code calls and its own file defines elsewhere."""
    names = set(_CALL.findall(code))
    found: list[str] = []
    for symbol in outline(document, workspace.trees, near=span.start) if names else ():
        if symbol.name in names and not span.start <= symbol.span.start <= span.end:
            said = symbol.docstring.split("\n\n")[0]
            found.append(f"{symbol.signature}\n    {said}" if said else symbol.signature)
        if len(found) == _MOST_DEFINITIONS:
            break
    text = cut_lines("\n".join(found) + "\n", tokens)
    return (Snippet(workspace.relative(document.path), text, 1.0),) if text.strip() else ()


def _guarded(prompt: Prompt, profile: Profile, workspace: WorkspaceContext) -> Prompt:
    """The prompt without secrets, for a model that is not on this machine."""
    if profile.local:
        return prompt

    def clean(text: str) -> str:
        return workspace.privacy.redact(text)[0] if text else text

    prefix, selection, suffix = prompt.prefix, prompt.selection, prompt.suffix
    seam = workspace.privacy.redact_seam
    if selection:
        prefix, selection = seam(prefix, selection)
        selection, suffix = seam(selection, suffix)
    else:
        prefix, suffix = seam(prefix, suffix)
    return replace(
        prompt,
        prefix=clean(prefix),
        suffix=clean(suffix),
        selection=clean(selection),
        instruction=clean(prompt.instruction),
        symbol=clean(prompt.symbol),
        imports=clean(prompt.imports),
        related=tuple(replace(s, text=clean(s.text)) for s in prompt.related),
    )


def _cut(text: str, tokens: int) -> str:
    """As many whole lines as fit, or of one long line its beginning."""
    return cut_lines(text, tokens) or cut_end(text, tokens)


def _plain(text: str) -> str:
    """With the line ends models know."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
