"""The benchmark's llama.vim: it asks and shows as the plug-in does."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.beside_llama_vim import sessions
from benchmarks.engine_prompts import count
from benchmarks.llama_vim import LlamaVim, similarity

from tests.support.waiting import until


class Server:
    """Answers ``/infill`` with the same text, and keeps the requests."""

    def __init__(self, content: str) -> None:
        self.content = content
        self.bodies: list[dict[str, Any]] = []
        self.free = asyncio.Event()
        self.free.set()

    async def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer once it is free."""
        self.bodies.append(body)
        await self.free.wait()
        return {"content": self.content}


def file(lines: int) -> str:
    """A file of different lines."""
    return "".join(f"line_{n} = {n}\n" for n in range(lines))


async def test_it_asks_with_the_lines_around_and_shows_the_answer() -> None:
    server = Server("(1)")
    plugin = LlamaVim(server.post)
    text = file(400) + "call" + "\n" + file(100)
    plugin.enter("a.py", text, 400)
    plugin.typed(text, 400, 4)
    await until(lambda: plugin.ghost is not None)
    await plugin.settled()
    first = server.bodies[0]
    assert plugin.ghost == "(1)"
    assert (first["prompt"], first["n_predict"], first["t_max_predict_ms"]) == ("call", 128, 250)
    assert first["input_prefix"].startswith("line_144 ")
    assert first["input_suffix"].count("\n") == 65
    assert server.bodies[1]["prompt"] == "call(1)", "a request for the place behind the shown text"
    assert server.bodies[1]["t_max_predict_ms"] == 1000


async def test_text_typed_as_shown_comes_from_the_cache() -> None:
    server = Server("(1)")
    plugin = LlamaVim(server.post)
    plugin.typed("call\n", 0, 4)
    await until(lambda: plugin.ghost is not None)
    await plugin.settled()
    plugin.typed("call(\n", 0, 5)
    assert plugin.ghost == "1)"
    await plugin.settled()


async def test_one_request_at_a_time_and_the_next_for_the_latest_text() -> None:
    server = Server("x")
    plugin = LlamaVim(server.post)
    server.free.clear()
    plugin.typed("a\n", 0, 1)
    await until(lambda: len(server.bodies) == 1)
    plugin.typed("ab\n", 0, 2)
    plugin.typed("abc\n", 0, 3)
    await asyncio.sleep(0)
    assert len(server.bodies) == 1
    server.free.set()
    await until(lambda: plugin.ghost is not None)
    await plugin.settled()
    assert server.bodies[1]["prompt"] == "abc"


async def test_chunks_are_sent_ahead_only_while_the_typist_rests() -> None:
    server = Server("")
    plugin = LlamaVim(server.post)
    plugin.enter("a.py", file(50), 20)
    await asyncio.sleep(0.2)
    plugin.typed(file(50), 20, 3)
    plugin.tick()
    await plugin.settled()
    assert not any(body["n_predict"] == 0 for body in server.bodies)
    plugin.saved()
    plugin.tick()
    await plugin.settled()
    ahead = server.bodies[-1]
    assert ahead["n_predict"] == 0
    assert ahead["input_extra"][0]["filename"] == "a.py"


async def test_an_answer_that_repeats_the_line_below_is_not_shown() -> None:
    server = Server("next = 1")
    plugin = LlamaVim(server.post)
    plugin.typed("a = 1\n\nnext = 1\n", 1, 0)
    await until(lambda: server.bodies != [])
    await plugin.settled()
    assert plugin.ghost is None


def test_similarity_counts_common_words() -> None:
    assert similarity(("a b",), ("a b",)) == 1.0
    assert similarity(("a b",), ("c d",)) == 0.0


def test_sessions_are_the_same_each_time_and_continue_their_function() -> None:
    first, second = sessions(5), sessions(5)
    assert first == second
    for session in first:
        assert session.pauses <= set(session.strokes())
        place = max(session.pauses)
        line, column = session.place(place)
        rest = session.text(len(session.typed)).split("\n")[line][column:]
        assert rest.strip() == session.expected(place)


def test_the_engine_reads_little_more_than_what_is_typed() -> None:
    read = count(5)
    assert read["kept"]["keystroke"] < 3
    assert read["kept"]["line"] < read["line"]["line"] / 4 < read["llama.vim"]["line"]
