"""llama.vim's completion, without its editor: when it asks, with which context, and what it shows.

Follows version a1c8e6e (January 2026) of https://github.com/ggml-org/llama.vim with its default settings:
256 lines before and 64 after the cursor, a ring of 16 chunks of 64 lines that is sent ahead while the user
rests, a cache of 250 answers, a request at a time that is never cancelled (the next one waits 100 ms),
and a speculative request for the place behind a shown answer.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

N_PREFIX, N_SUFFIX, N_PREDICT = 256, 64, 128
RING_CHUNKS, RING_CHUNK_SIZE, RING_SCOPE = 16, 64, 1024
MAX_LINE_SUFFIX, MAX_CACHE_KEYS = 8, 250
_MARK = "\u00ce"

Chunk = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LocalContext:
    """The text around a place: whole lines above, the cursor's line up to it, the rest."""

    prefix: str
    middle: str
    suffix: str
    indent: int
    tail: str

    def keys(self) -> list[str]:
        """The cache keys of an answer there: also without the first lines, for when the view moves."""
        prefix, keys = self.prefix, [self.prefix + self.middle + _MARK + self.suffix]
        for _ in range(3):
            prefix = prefix.partition("\n")[2]
            if not prefix:
                break
            keys.append(prefix + self.middle + _MARK + self.suffix)
        return keys


@dataclass(slots=True)
class Buffer:
    """The open file and the cursor; ``y`` counts lines from 0."""

    name: str = ""
    lines: list[str] = field(default_factory=lambda: [""])
    y: int = 0
    x: int = 0

    def around(self, size: int) -> Chunk:
        """The lines around the cursor."""
        return tuple(self.lines[max(0, self.y - size // 2) : self.y + size // 2 + 1])


class LlamaVim:
    """One editor with the plug-in. ``post`` sends a request to ``/infill`` and returns the answer."""

    def __init__(self, post: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
        self._post = post
        self._buffer = Buffer()
        self._chunks: list[tuple[Chunk, str]] = []
        self._queued: list[tuple[Chunk, str]] = []
        self._cache: OrderedDict[str, str] = OrderedDict()
        self._job: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._last_move = 0.0
        self._picked_at = -9999
        self._indent_last = -1
        self._chance = random.Random(1)
        self._normal = True
        self.ghost: str | None = None
        """The text that is shown at the cursor."""

    # -- the editor's events --------------------------------------------------------------------

    def enter(self, name: str, text: str, y: int) -> None:
        """Open a file, in normal mode."""
        self._buffer, self._normal, self.ghost = Buffer(name, text.split("\n"), y), True, None
        around = self._buffer.around(RING_CHUNK_SIZE)
        asyncio.get_running_loop().call_later(0.1, self._pick, around, True)

    def typed(self, text: str, y: int, x: int) -> None:
        """Take the text and the cursor after a keystroke in insert mode."""
        self._buffer = Buffer(self._buffer.name, text.split("\n"), y, x)
        self._normal, self._last_move, self.ghost = False, time.monotonic(), None
        self._try_hint()
        self._ask(None)

    def saved(self) -> None:
        """Save the file and leave insert mode."""
        self._normal = True
        self._pick(self._buffer.around(RING_CHUNK_SIZE), True)

    def tick(self) -> None:
        """Send a queued chunk ahead, once a second, while the user rests."""
        rests = self._normal or time.monotonic() - self._last_move >= 3.0
        if not rests or not self._queued:
            return
        if len(self._chunks) == RING_CHUNKS:
            del self._chunks[0]
        self._chunks.append(self._queued.pop(0))
        task = asyncio.ensure_future(self._send_ahead())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def settled(self) -> None:
        """Wait for every request that was sent."""
        if self._timer:
            self._timer.cancel()
        tasks = [*self._background, *([self._job] if self._job else [])]
        await asyncio.gather(*tasks)

    # -- the ring of chunks ---------------------------------------------------------------------

    def _pick(self, text: Chunk, evict: bool) -> None:
        if len(text) < 3:
            return
        if len(text) + 1 >= RING_CHUNK_SIZE:
            start = self._chance.randint(0, max(0, len(text) - RING_CHUNK_SIZE // 2))
            text = text[start : start + RING_CHUNK_SIZE // 2 + 1]
        if any(chunk == text for chunk, _ in self._chunks + self._queued):
            return
        for kept in (self._queued, self._chunks):
            near = [n for n, (chunk, _) in enumerate(kept) if n and similarity(chunk, text) > 0.9]
            if near and not evict:
                return
            for number in reversed(near):
                del kept[number]
        if len(self._queued) == 16:
            del self._queued[0]
        self._queued.append((text, self._buffer.name))

    def _extra(self) -> list[dict[str, Any]]:
        return [{"text": "\n".join(c) + "\n", "filename": name} for c, name in self._chunks]

    async def _send_ahead(self) -> None:
        await self._post(
            {
                "id_slot": 0, "input_prefix": "", "input_suffix": "", "input_extra": self._extra(),
                "prompt": "", "n_predict": 0, "temperature": 0.0, "samplers": [], "stream": False,
                "cache_prompt": True, "t_max_prompt_ms": 1, "t_max_predict_ms": 1,
            }
        )  # fmt: skip

    # -- requests -------------------------------------------------------------------------------

    def _ask(self, previous: list[str] | None) -> None:
        loop = asyncio.get_running_loop()
        if self._job is not None:
            if self._timer:
                self._timer.cancel()
            self._timer = loop.call_later(0.1, self._ask, previous)
            return
        local = self._local(previous)
        if len(local.tail) > MAX_LINE_SUFFIX:
            return
        keys = local.keys()
        if any(key in self._cache for key in keys):
            return
        self._indent_last = local.indent
        here = self._buffer.around(RING_CHUNK_SIZE)
        start = self._chance.randint(0, max(0, len(here) - RING_CHUNK_SIZE // 2))
        here = here[start : start + RING_CHUNK_SIZE // 2 + 1]
        self._chunks = [
            kept for n, kept in enumerate(self._chunks) if not n or similarity(kept[0], here) <= 0.5
        ]
        body = {
            "id_slot": 0, "input_prefix": local.prefix, "input_suffix": local.suffix,
            "input_extra": self._extra(), "prompt": local.middle, "n_predict": N_PREDICT, "stop": [],
            "n_indent": local.indent, "top_k": 40, "top_p": 0.90,
            "samplers": ["top_k", "top_p", "infill"], "stream": False, "cache_prompt": True,
            "t_max_prompt_ms": 500, "t_max_predict_ms": 1000 if previous else 250,
        }  # fmt: skip
        self._job = asyncio.ensure_future(self._answer(body, keys))
        if previous is None and abs(self._buffer.y - self._picked_at) > 32:
            self._pick_far()

    def _pick_far(self) -> None:
        lines, y = self._buffer.lines, self._buffer.y
        self._pick(tuple(lines[max(0, y - RING_SCOPE) : max(1, y - N_PREFIX)]), False)
        self._pick(tuple(lines[y + N_SUFFIX : y + N_SUFFIX + RING_CHUNK_SIZE]), False)
        self._picked_at = y

    async def _answer(self, body: dict[str, Any], keys: list[str]) -> None:
        try:
            content = str((await self._post(body)).get("content", ""))
        finally:
            self._job = None
        for key in keys:
            self._cache[key] = content
            self._cache.move_to_end(key)
        while len(self._cache) > MAX_CACHE_KEYS:
            self._cache.popitem(last=False)
        if self.ghost is None:
            self._try_hint()

    def _local(self, previous: list[str] | None) -> LocalContext:
        lines, y, x = self._buffer.lines, self._buffer.y, self._buffer.x
        line, below = lines[y], "\n".join(lines[y + 1 : y + 1 + N_SUFFIX])
        if not previous:
            above = lines[max(0, y - N_PREFIX) : y]
            head, tail = (line[:x], line[x:]) if line.strip() else ("", "")
            indent = len(line) - len(line.lstrip()) if line.strip() else 0
        else:
            above = lines[max(0, y - N_PREFIX + len(previous) - 1) : y]
            whole = [line + previous[0], *previous[1:]]
            above, head, tail = [*above, *whole[:-1]], whole[-1], ""
            indent = self._indent_last
        prefix, suffix = "\n".join(above) + "\n", f"{tail}\n{below}\n"
        return LocalContext(prefix, head, suffix, indent, tail)

    # -- what is shown --------------------------------------------------------------------------

    def _try_hint(self) -> None:
        local = self._local(None)
        before = local.prefix + local.middle
        found = self._cache.get(before + _MARK + local.suffix)
        best = 0
        for count in range(1, 129) if found is None else ():
            answer = self._cache.get(before[:-count] + _MARK + local.suffix, "")
            rest = answer[count:] if answer.startswith(before[-count:]) else ""
            if rest and (found is None or len(rest) > best):
                found, best = rest, len(rest)
        if found is None:
            return
        shown = self._rendered(found)
        if shown is not None:
            self.ghost = "\n".join(shown)
            self._ask(shown)

    def _rendered(self, answer: str) -> list[str] | None:
        """Return the lines to show; ``None`` if they repeat the text below or hold nothing."""
        lines, y, x = self._buffer.lines, self._buffer.y, self._buffer.x
        content = answer.split("\n")
        while content and not content[-1]:
            content.pop()
        if not content:
            return None
        line = lines[y]
        if not line.strip():
            lead = min(len(content[0]) - len(content[0].lstrip()), len(line))
            line, content[0] = content[0][:lead], content[0][lead:]
        head, tail = line[:x], line[x:]
        if len(content) > 1 and not content[0] and content[1:] == lines[y + 1 : y + len(content)]:
            return None
        if content == [tail] or _repeats_below(head, content, lines, y):
            return None
        return content if "".join(content).strip() else None


def _repeats_below(head: str, content: list[str], lines: list[str], y: int) -> bool:
    below = y + 1
    while below < len(lines) - 1 and not lines[below].strip():
        below += 1
    if below >= len(lines) or head + content[0] != lines[below]:
        return False
    if len(content) == 2:
        return below + 1 < len(lines) and lines[below + 1].startswith(content[1])
    return content[1:] == lines[below + 1 : below + len(content)]


def similarity(one: Chunk, other: Chunk) -> float:
    """Return how similar two chunks are, from 0 to 1."""
    first, second = ([w for w in re.split(r"\W+", "\n".join(c)) if w] for c in (one, other))
    if not first and not second:
        return 1.0
    words = set(first)
    return 2 * sum(w in words for w in second) / (len(first) + len(second))
