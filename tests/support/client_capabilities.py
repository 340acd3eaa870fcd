"""The capabilities that editors send with ``initialize``."""

from __future__ import annotations

from typing import Any

TEXT_DOCUMENT: dict[str, Any] = {
    "synchronization": {"didSave": True},
    "hover": {"contentFormat": ["markdown", "plaintext"]},
    "completion": {"completionItem": {"resolveSupport": {"properties": ["documentation"]}}},
    "codeAction": {
        "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "refactor"]}},
        "resolveSupport": {"properties": ["edit", "command"]},
        "dataSupport": True,
    },
}
WORKSPACE: dict[str, Any] = {
    "applyEdit": True,
    "configuration": True,
    "workspaceEdit": {"documentChanges": True},
    "workspaceFolders": True,
}
CAPABILITIES: dict[str, dict[str, Any]] = {
    "neovim": {
        "general": {"positionEncodings": ["utf-8", "utf-16", "utf-32"]},
        "textDocument": {**TEXT_DOCUMENT, "inlineCompletion": {"dynamicRegistration": False}},
        "workspace": {**WORKSPACE, "didChangeConfiguration": {"dynamicRegistration": False}},
        "window": {
            "workDoneProgress": True,
            "showMessage": {},
            "showDocument": {"support": True},
        },
    },
    "vscode": {
        "general": {"positionEncodings": ["utf-16"]},
        "textDocument": {**TEXT_DOCUMENT, "inlineCompletion": {"dynamicRegistration": True}},
        "workspace": {**WORKSPACE, "didChangeConfiguration": {"dynamicRegistration": True}},
        "window": {
            "workDoneProgress": True,
            "showMessage": {},
            "showDocument": {"support": True},
        },
    },
    "plain": {
        "textDocument": {"completion": {}, "hover": {"contentFormat": ["plaintext"]}},
        "workspace": {"applyEdit": True},
    },
}
