"""Compare the embedded engine with llama.vim on the same weights and the same llama.cpp.

Both write the same real functions (``benchmarks.functions``), key by key, in their own files. The rest of
the function below the cursor is missing, as while the user writes it. After some keystrokes the typist waits for
the ghost text. Before each function the typist rests, and each side may read ahead. The sides take turns,
function by function; the other side's process is idle meanwhile.

*ghost*: time from the last keystroke to the ghost text, p50 and p90; a pause without one counts with the
limit. *exact*: the first line of the ghost text is the rest of the function's line. *tokens*: tokens of prompts
that were read for each keystroke, reading ahead included. *CPU*: processor seconds of the engine for each
keystroke. ``python -m benchmarks.beside_llama_vim [--model qwen2.5-coder-0.5b] [--functions N]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psutil

from ensemble_lsp.app import AppContext, open_app
from ensemble_lsp.completion import Completer, CompletionRequest
from ensemble_lsp.providers.llamacpp.http_api import EngineClient, make_client
from ensemble_lsp.providers.llamacpp.server_process import Engine
from ensemble_lsp.settings import default_data_dir
from ensemble_lsp.types import Edit, Position, Span

from . import llama_server
from .common import percentile, save, table
from .functions import Written, functions
from .llama_vim import LlamaVim

KEY_SECONDS = 0.15
REST_SECONDS = 4.0
LIMIT_SECONDS = 8.0
LINES, PAUSES = 3, 4
"""Lines that are typed of a function, and how often the typist waits for the ghost text in them."""


@dataclass(frozen=True, slots=True)
class Session:
    """Keystrokes in one function: the text above, what is typed, the text below, and the pauses."""

    name: str
    before: str
    typed: str
    after: str
    pauses: frozenset[int]
    """Numbers of keystrokes after which the typist waits."""

    def text(self, keys: int) -> str:
        """The file after that many keystrokes."""
        return self.before + self.typed[:keys] + self.after

    def place(self, keys: int) -> tuple[int, int]:
        """The cursor's line and column after that many keystrokes."""
        above = self.before + self.typed[:keys]
        return above.count("\n"), len(above) - above.rfind("\n") - 1

    def strokes(self, *, whole: bool = False) -> Iterator[int]:
        """The characters typed after each keystroke, up to the last pause or the ``whole`` text.

        An editor indents a new line itself.
        """
        last = len(self.typed) if whole else max(self.pauses, default=0)
        for keys in range(1, last + 1):
            line = self.typed[:keys].rpartition("\n")[2]
            if line.strip() or not self.typed[keys : keys + 1].isspace():
                yield keys

    def expected(self, keys: int) -> str:
        """The rest of the line, or the first line that follows where it is complete."""
        return next((line for line in self.typed[keys:].split("\n") if line.strip()), "").strip()


@dataclass(slots=True)
class Figures:
    """Figures of one side."""

    seconds: list[float] = field(default_factory=list[float])
    exact: int = 0
    shown: int = 0
    keys: int = 0
    tokens: int = 0
    cpu: float = 0.0

    def clear(self) -> None:
        """Begin anew."""
        self.seconds.clear()
        self.exact = self.shown = self.keys = self.tokens = 0
        self.cpu = 0.0

    def summary(self) -> dict[str, float]:
        """Return the figures as they are shown."""
        pauses, keys = max(1, len(self.seconds)), max(1, self.keys)
        return {
            "pauses": len(self.seconds),
            "p50": percentile(self.seconds, 0.5),
            "p90": percentile(self.seconds, 0.9),
            "shown": self.shown / pauses,
            "exact": self.exact / pauses,
            "tokens": self.tokens / keys,
            "cpu": self.cpu / keys,
        }


class Side(Protocol):
    """One editor with one engine."""

    figures: Figures

    def enter(self, session: Session) -> None:
        """Open the file with the cursor in the function."""
        ...

    def typed(self, session: Session, keys: int) -> None:
        """Take one keystroke."""
        ...

    def tick(self) -> None:
        """Do what is done once a second while the typist rests."""
        ...

    def ghost(self) -> str | None:
        """Return the ghost text at the cursor."""
        ...

    async def leave(self) -> None:
        """Save the file, and wait until the engine is idle."""
        ...

    def cpu(self) -> float:
        """Return the engine's processor seconds so far."""
        ...


def sessions(count: int) -> list[Session]:
    """Return the keystrokes of that many functions, the same for every run."""
    chance = random.Random(7)
    found: list[Session] = []
    for number, written in enumerate(functions(count, lines=(8, 30))):
        found.append(_session(written, number, chance))
    return found


def _session(written: Written, number: int, chance: random.Random) -> Session:
    lines = written.text.splitlines(keepends=True)
    starts = [n for n in range(2, len(lines) - LINES) if lines[n].strip()]
    first = chance.choice(starts)
    typed = "".join(lines[first : first + LINES])
    inside = [
        k for k in range(4, len(typed) - 4) if typed[k - 1].strip() and typed[k : k + 3].strip()
    ]
    pauses = frozenset(chance.sample(inside, min(PAUSES, len(inside))))
    before = written.before + "".join(lines[:first])
    after = "\n" + written.after if written.after else ""
    return Session(f"{written.module}_{number}.py", before, typed, after, pauses)


async def write(side: Side, session: Session) -> None:
    """Write one function, and measure."""
    figures, begun = side.figures, side.cpu()
    side.enter(session)
    for _ in range(int(REST_SECONDS)):
        await asyncio.sleep(1)
        side.tick()
    for keys in session.strokes():
        start = time.perf_counter()
        side.typed(session, keys)
        figures.keys += 1
        if keys not in session.pauses:
            await asyncio.sleep(KEY_SECONDS)
            continue
        while side.ghost() is None and time.perf_counter() - start < LIMIT_SECONDS:
            await asyncio.sleep(0.005)
        ghost = side.ghost()
        figures.seconds.append(time.perf_counter() - start)
        figures.shown += ghost is not None
        first = next((line for line in (ghost or "").split("\n") if line.strip()), "").strip()
        figures.exact += bool(first) and first == session.expected(keys)
        await asyncio.sleep(KEY_SECONDS)
    await side.leave()
    figures.cpu += side.cpu() - begun


class Ours:
    """The server's completion with one embedded model."""

    def __init__(self, app: AppContext) -> None:
        self.figures = Figures()
        self._app, self._completer = app, Completer()
        self._tasks: set[asyncio.Task[None]] = set()
        self._uri, self._keys = "", 0
        self._ghost: str | None = None

    def enter(self, session: Session) -> None:
        """Open the file with the cursor in the function."""
        self._uri, self._keys = f"file:///bench/{session.name}", 0
        self._app.workspace.documents.open(self._uri, 1, "python", session.text(0))

    def typed(self, session: Session, keys: int) -> None:
        """Change the document and ask, as an editor does for each keystroke."""
        at = Position(*session.place(self._keys))
        edit = Edit(Span(at, at), session.typed[self._keys : keys])
        documents = self._app.workspace.documents
        _, document = documents.change(self._uri, keys + 1, [edit])
        self._keys, self._ghost = keys, None
        request = CompletionRequest(document, Position(*session.place(keys)), "automatic")
        task = asyncio.ensure_future(self._ask(request, keys))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, request: CompletionRequest, keys: int) -> None:
        offered = await self._completer.complete(self._app, request)
        if offered and keys == self._keys:
            self._ghost = offered[0].text

    def tick(self) -> None:
        """Do nothing: the server reads ahead by itself."""

    def ghost(self) -> str | None:
        """Return the ghost text at the cursor."""
        return self._ghost

    async def leave(self) -> None:
        """Close the file."""
        await asyncio.gather(*self._tasks)
        await self._completer.settled()
        self._app.workspace.documents.close(self._uri)
        self._completer.closed(self._uri)

    def cpu(self) -> float:
        """Return the engine's processor seconds so far."""
        return _cpu_of("child_process")


class Theirs:
    """llama.vim with llama.cpp's server."""

    def __init__(self, wire: EngineClient) -> None:
        self.figures = Figures()
        self._wire = wire
        self._plugin = LlamaVim(self._post)

    async def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._wire.ask("/infill", body)
        self.figures.tokens += answer.get("timings", {}).get("prompt_n", 0)
        return answer

    def enter(self, session: Session) -> None:
        """Open the file with the cursor in the function."""
        self._plugin.enter(session.name, session.text(0), session.place(0)[0])

    def typed(self, session: Session, keys: int) -> None:
        """Take one keystroke."""
        self._plugin.typed(session.text(keys), *session.place(keys))

    def tick(self) -> None:
        """Send a chunk ahead."""
        self._plugin.tick()

    def ghost(self) -> str | None:
        """Return the ghost text at the cursor."""
        return self._plugin.ghost

    async def leave(self) -> None:
        """Save the file."""
        self._plugin.saved()
        await self._plugin.settled()

    def cpu(self) -> float:
        """Return the engine's processor seconds so far."""
        return _cpu_of("llama_server")


def _cpu_of(command: str) -> float:
    """Return the processor seconds of the child with this in its command line; 0 before it runs."""
    for child in psutil.Process().children(recursive=True):
        if any(command in part for part in child.cmdline()):
            times = child.cpu_times()
            return times.user + times.system
    return 0.0


def count_tokens(figures: Figures) -> None:
    """Count the tokens that our engine reads, including those of requests that are dropped while it reads."""
    listen = EngineClient.listen

    async def counted(
        wire: EngineClient, path: str, body: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        read = 0
        try:
            async with aclosing(listen(wire, path, body)) as events:
                async for event in events:
                    if progress := event.get("prompt_progress"):
                        read = max(read, progress["processed"] - progress["cache"])
                    yield event
        finally:
            figures.tokens += read

    EngineClient.listen = counted


@asynccontextmanager
async def our_side(home: Path, model: Path) -> AsyncGenerator[Ours]:
    """Build the app with this model alone and the settings that a user gets."""
    config = home / "config.toml"
    config.write_text(
        f'[[models]]\nname = "engine"\nprovider = "llamacpp"\nmodel = {json.dumps(str(model))}\n'
        f"[complete]\nbudgetMs = {int(LIMIT_SECONDS * 1000)}\n"
    )
    app = await open_app(config_path=config, data_dir=home / "data", env={})
    try:
        side = Ours(app)
        count_tokens(side.figures)
        yield side
    finally:
        await app.close()


@asynccontextmanager
async def their_side(home: Path, model: Path) -> AsyncGenerator[Theirs]:
    """Start llama.cpp's server as llama.vim advises."""
    command = (sys.executable, llama_server.__file__)
    engine = Engine("llama.vim", home / "llama.log", command=command)
    async with make_client() as client, engine.use(model, 0) as endpoint:
        yield Theirs(EngineClient(client, endpoint, "llama.vim"))
    await engine.close()


async def run(model: Path, count: int) -> dict[str, dict[str, float]]:
    """Write every function on both sides, in turn."""
    result: dict[str, dict[str, float]] = {}
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        theirs = await stack.enter_async_context(their_side(home, model))
        ours = await stack.enter_async_context(our_side(home, model))
        sides: dict[str, Side] = {"ensemble-lsp": ours, "llama.vim": theirs}
        for number, session in enumerate(sessions(count + 1)):
            for name in sorted(sides, reverse=bool(number % 2)):
                await write(sides[name], session)
                if number == 0:  # the model was loaded
                    sides[name].figures.clear()
                    continue
                result[name] = sides[name].figures.summary()
                print(number, name, {k: round(v, 2) for k, v in result[name].items()}, flush=True)
            save("beside-llama-vim", {"functions": number, "sides": result})
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", help="of `models add`, or a path")
    parser.add_argument("--functions", type=int, default=50)
    args = parser.parse_args()
    model = Path(args.model)
    if not model.is_file():
        model = default_data_dir() / "models" / f"{args.model}.gguf"
    if not model.is_file():
        parser.error(f"{model} is missing: run `ensemble-lsp models add {args.model}`")
    result = asyncio.run(run(model, args.functions))
    keys = ("pauses", "p50", "p90", "shown", "exact", "tokens", "cpu")
    rows = [[name, *(result[name][key] for key in keys)] for name in result]
    header = [
        "",
        "pauses",
        "ghost p50, s",
        "p90, s",
        "shown",
        "exact",
        "tokens a key",
        "CPU s a key",
    ]
    table("writing functions on the same weights", header, rows)


if __name__ == "__main__":
    main()
