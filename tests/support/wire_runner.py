"""Runs wire cases through the real server: one process, one added model and one replay a case."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .lsp_client import LspClient, LspError, running_server
from .wire_cases import CaseDocument, WireCase
from .wire_replay import WireReplay

CONFIG = """
discover = false
[complete]
budgetMs = 8000
debounceMs = 5
threshold = 0.0
[explain]
hoverWaitMs = 8000
"""
WATCHED = 1.5
"""Seconds for which no request may come where a case allows none."""
_ENDINGS = {
    "python": "py", "javascript": "js", "typescript": "ts", "rust": "rs", "ruby": "rb", "shellscript": "sh",
    "markdown": "md", "csharp": "cs", "kotlin": "kt", "javascriptreact": "jsx", "typescriptreact": "tsx",
}  # fmt: skip


@dataclass
class WireResult:
    """The outcome of one case."""

    case: WireCase
    faults: list[str] = field(default_factory=list[str])

    @property
    def right(self) -> bool:
        """Whether text, requests and messages are as the case wants them."""
        return not self.faults

    def __str__(self) -> str:
        return f"{self.case.id} ({self.case.kind}): " + "; ".join(self.faults)


class WireRunner:
    """One server that answers case after case."""

    def __init__(self, client: LspClient, workspace: Path) -> None:
        self._client = client
        self._workspace = workspace
        self._number = 0

    async def run(self, case: WireCase, timeout: float = 40.0) -> WireResult:
        """Play a case; a fault is a sentence, never an exception."""
        self._number += 1
        result = WireResult(case)
        try:
            async with WireReplay(case) as replay:
                await asyncio.wait_for(self._play(case, replay, result), timeout)
        except (LspError, asyncio.TimeoutError, AssertionError) as error:
            result.faults.append(f"{type(error).__name__}: {error}")
        return result

    async def _play(self, case: WireCase, replay: WireReplay, result: WireResult) -> None:
        client, name = self._client, f"wire{self._number}"
        shown = len(client.notifications)
        errors: list[str] = []
        try:
            await client.command("ensemble.addModel", replay.settings(name))
        except LspError as error:
            errors.append(error.message)
        uri = self._open(case.document, f"{case.id}")
        others = [self._open(each, f"{case.id}-{n}") for n, each in enumerate(case.files)]
        try:
            if errors:
                self._judge(case, None, result)
                result.faults += [f"the model was refused: {e}" for e in errors if result.faults]
            else:
                if case.before is not None:
                    await self._before(*case.before, case.id)
                await self._ask(case, replay, result, uri, errors)
            if case.message is not None:
                await self._check_message(case.message, shown, errors, name, result)
        finally:
            for each in (uri, *others):
                client.close_document(each)
            with contextlib.suppress(LspError):
                await client.command("ensemble.removeModel", {"name": name})
        result.faults += replay.problems()

    def _open(self, document: CaseDocument, stem: str) -> str:
        ending = _ENDINGS.get(document.language, document.language)
        path = self._workspace / (document.path or f"{stem}.{ending}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document.text, encoding="utf-8", newline="")
        return self._client.open(path.as_uri(), document.text, document.language)

    async def _before(self, document: CaseDocument, times: int, stem: str) -> None:
        uri = self._open(document, f"{stem}-before")
        for _ in range(times):
            with contextlib.suppress(LspError):
                await self._inline(uri, document.start, "invoked", {})
        self._client.close_document(uri)

    async def _inline(
        self, uri: str, start: int, trigger: str, options: Any
    ) -> list[dict[str, Any]]:
        kind = 1 if trigger == "invoked" else 2
        params = {**self._client.at(uri, start), "context": {"triggerKind": kind}}
        if options:
            params["formattingOptions"] = dict(options)
        return (await self._client.request("textDocument/inlineCompletion", params, 30))["items"]

    async def _ask(
        self, case: WireCase, replay: WireReplay, result: WireResult, uri: str, errors: list[str]
    ) -> None:
        if case.pause is not None:
            return await self._check_pause(case, replay, result, uri)
        got: str | None = None
        for _ in range(case.requests):
            try:
                got = await getattr(self, f"_{case.task}")(case, uri)
            except LspError as error:
                errors.append(error.message)
            if got:
                break
        self._judge(case, got, result)

    def _judge(self, case: WireCase, got: str | None, result: WireResult) -> None:
        if case.task != "explain":
            if not case.accepts(got):
                result.faults.append(f"got {got!r}, expected {case.expected!r}")
        elif case.expected is None:
            if got is not None:
                result.faults.append(f"got {got!r}, expected no answer")
        else:
            if case.expected not in (got or ""):
                result.faults.append(f"got {got!r}, which lacks {case.expected!r}")
            result.faults += [
                f"got {got!r} with {each!r}" for each in case.lacks if each in (got or "")
            ]

    async def _complete(self, case: WireCase, uri: str) -> str | None:
        items = await self._inline(uri, case.document.start, case.trigger, case.options)
        if not items:
            return None
        text, item = case.document.text, items[0]
        start = self._client.offset(text, item["range"]["start"])
        end = self._client.offset(text, item["range"]["end"])
        return text[:start] + item["insertText"] + text[end:]

    async def _generate(self, case: WireCase, uri: str) -> str | None:
        document = case.document
        arguments = {
            "uri": uri,
            "range": self._client.range(document.text, document.start, document.end),
            "size": 1,
            **({"instruction": case.instruction} if case.instruction else {}),
            **({"formattingOptions": dict(case.options)} if case.options else {}),
        }
        await self._client.command("ensemble.generate", arguments)
        text = self._client.text(uri)
        return text if text != document.text else None

    async def _explain(self, case: WireCase, uri: str) -> str | None:
        document = case.document
        place = self._client.range(document.text, document.start, document.end)
        answer = await self._client.command("ensemble.explain", {"uri": uri, "range": place})
        return answer["markdown"]

    async def _check_pause(
        self, case: WireCase, replay: WireReplay, result: WireResult, uri: str
    ) -> None:
        """Keep asking, and measure how long the provider is left alone after its first failure."""
        assert case.pause is not None
        least, most = case.pause
        begun = time.monotonic()
        got: str | None = None
        first: float | None = None
        waiting = WATCHED if least >= 60 else (most or least + 3) + 2
        posts = 0
        while (now := time.monotonic()) - begun < waiting + (first - begun if first else 0):
            with contextlib.suppress(LspError):
                got = await getattr(self, f"_{case.task}")(case, uri) or got
            posts = sum(r.method == "POST" for r in replay.requests)
            if posts and first is None:
                first = time.monotonic()
            if posts > 1 or got:
                break
            await asyncio.sleep(0.1)
        paused = time.monotonic() - (first or now)
        if least >= 60:
            if posts != 1:
                result.faults.append(f"{posts} requests, expected one and a long pause")
            return
        if posts < 2:
            result.faults.append(f"no second request within {waiting:.0f} s")
        elif paused < least - 0.3 or (most is not None and paused > most + 1.0):
            result.faults.append(
                f"the second request came after {paused:.1f} s, not {least} to {most}"
            )
        self._judge(case, got, result)

    async def _check_message(
        self, pattern: str, shown: int, errors: list[str], name: str, result: WireResult
    ) -> None:
        texts = list(errors)
        for _, params in self._client.notifications[shown:]:
            if isinstance(params, dict):
                texts += [str(v) for k, v in params.items() if k in ("message", "value")]
        with contextlib.suppress(LspError):
            models = await self._client.command("ensemble.models")
            texts += [str(model.get("reason")) for model in models if model["name"] == name]
        if not any(re.search(pattern, text, re.IGNORECASE) for text in texts):
            result.faults.append(f"no message matches {pattern!r}; there are {texts}")


@contextlib.asynccontextmanager
async def wire_runner(folder: Path) -> AsyncIterator[WireRunner]:
    """A running server, initialized as VS Code does it, with no model configured."""
    workspace = folder / "workspace"
    workspace.mkdir()
    (folder / "config.toml").write_text(CONFIG)
    env = {"WIRE_KEY": "wire-key-of-no-service"}
    async with running_server(folder, "vscode", env=env) as client:
        await client.initialize(workspace)
        yield WireRunner(client, workspace)
