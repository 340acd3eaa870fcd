"""A workspace in a folder, and the models that its prompts are for."""

from __future__ import annotations

from pathlib import Path

from ensemble_lsp.context.documents import read
from ensemble_lsp.context.workspace_index import WorkspaceContext
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.settings import PrivacySettings

REMOTE = Profile("gpt", "openai", "gpt-x", context_tokens=100_000)
LOCAL = Profile("llama", "llamacpp", "x.gguf", context_tokens=4096, local=True)
RECALL = Profile("recall", "recall", "recall", local=True, free=True)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


async def opened(root: Path, *names: str, exclude: tuple[str, ...] = ()) -> WorkspaceContext:
    workspace = WorkspaceContext(PrivacySettings(exclude=exclude))
    await workspace.set_folders([root])
    await workspace.guard()
    for name in names:
        workspace.opened(await read(root / name))
    await workspace.settle()
    return workspace
