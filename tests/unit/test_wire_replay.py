"""The replay of recorded wires: bytes as written, predicates that choose, cases that are checked."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.wire_cases import CURSOR, KINDS
from tests.support.wire_replay import WIRES, WireCase, WireReplay, load_cases

HEAD = {"content-type": "text/event-stream"}
CASE: dict[str, Any] = {
    "id": "one",
    "service": "x",
    "kind": "sse",
    "task": "complete",
    "source": "a page",
    "model": {"provider": "openai", "model": "m", "baseUrl": "/v1?api-version=1"},
    "document": {"language": "python", "text": "x = ¦\n"},
    "exchange": [{"reply": {"headers": HEAD, "body": ["data: 1\n\n"]}}],
    "expected": "x = 1\n",
}
ALL = load_cases(WIRES)


def loaded(folder: Path, *cases: dict[str, Any]) -> list[WireCase]:
    lines = [json.dumps(case) for case in cases]
    (folder / "x.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return load_cases(folder)


def case(folder: Path, *exchange: dict[str, Any], **more: Any) -> WireCase:
    return loaded(folder, {**CASE, "exchange": list(exchange), **more})[0]


async def post(replay: WireReplay, body: Any, path: str = "/v1/chat/completions") -> Any:
    async with httpx2.AsyncClient() as client:
        return await client.post(replay.origin + path, json=body)


async def test_bytes_arrive_as_they_are_written(tmp_path: Path) -> None:
    pieces: list[Any] = ["data: a\n", {"hex": "f09f"}, {"pause": 0.05}, {"hex": "9880"}, "\r\n\n"]
    wanted = "data: a\n😀\r\n\n".encode()
    for framing in ("chunked", "length", "close"):
        step = {"reply": {"headers": HEAD, "body": pieces, "framing": framing}}
        async with WireReplay(case(tmp_path, step)) as replay, httpx2.AsyncClient() as client:
            async with client.stream("POST", replay.origin + "/v1/x", json={}) as response:
                parts = [part async for part in response.aiter_raw()]
            assert response.headers["content-type"] == HEAD["content-type"]
            assert ("content-length" in response.headers) is (framing == "length")
            assert b"".join(parts) == wanted
            assert any(part.endswith(b"\xf0\x9f") for part in parts), "the pause parts the pieces"


async def test_chunks_are_the_pieces(tmp_path: Path) -> None:
    body = ["a", "bc"]
    async with WireReplay(case(tmp_path, {"reply": {"body": body}})) as replay:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(replay.origin[-5:]))
        request = b"POST /v1 HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(request + b"2\r\n{}\r\n0\r\n\r\n")
        head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert head == b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked"
        assert rest == b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
        assert replay.requests[0].json == {}


@pytest.mark.parametrize("end", ["cut", "reset"])
@pytest.mark.parametrize("framing", ["chunked", "length"])
async def test_a_cut_is_seen_as_one(tmp_path: Path, end: str, framing: str) -> None:
    step = {"reply": {"headers": HEAD, "body": ["data: 1\n\n"], "end": end, "framing": framing}}
    async with WireReplay(case(tmp_path, step)) as replay:
        with pytest.raises(httpx2.TransportError):
            await post(replay, {})


async def test_a_reply_may_hang(tmp_path: Path) -> None:
    step = {"reply": {"headers": HEAD, "body": ["data: 1\n\n"], "end": "hang"}}
    async with WireReplay(case(tmp_path, step)) as replay, httpx2.AsyncClient() as client:
        async with client.stream("POST", replay.origin, json={}) as response:
            part = await anext(aiter(response.aiter_raw()))
            assert part == b"data: 1\n\n"
            assert not replay.requests[0].finished


async def test_predicates_choose_the_step(tmp_path: Path) -> None:
    def step(status: int, **more: Any) -> dict[str, Any]:
        return {"reply": {"status": status, "body": ["x"], "framing": "length"}, **more}

    steps = [
        step(400, when={"has": {"messages": [{"role": "system"}]}, "least": {"max_tokens": 65}}),
        step(401, when={"any": [{"has": {"think": False}}, {"text": "/no_think"}]}),
        step(429, when={"path": "/v1/responses", "query": {"v": "1"}}, times=1),
        step(403, when={"headers": {"api-key": None}, "but": [{"lacks": ["a.0.b"]}]}),
        step(200, when={"has": {"stream": True}, "lacks": ["stop"]}, expect={"most": {"n": 1}}),
    ]
    async with WireReplay(case(tmp_path, *steps)) as replay:
        system = [{"role": "user"}, {"role": "system", "content": "s"}]
        asked: list[tuple[Any, str, int]] = [
            ({"messages": system, "max_tokens": 65}, "/", 400),
            ({"messages": system, "max_tokens": 64, "think": False}, "/", 401),
            ({"prompt": "x /no_think"}, "/", 401),
            ({"think": 0}, "/v1/responses?v=1", 429),
            ({"stream": True, "n": 1}, "/v1/responses?v=1", 200),
            ({"a": [{"b": None}]}, "/", 403),
        ]
        for body, path, status in asked:
            assert (await post(replay, body, path)).status_code == status, body
        assert [r.step for r in replay.requests] == [0, 1, 1, 2, 4, 3]
        assert replay.unexpected == []
        assert (await post(replay, {"stream": True, "n": 2})).status_code == 200
        assert (await post(replay, {"stream": True, "stop": []})).status_code == 404
        assert ["n is not at most 1" in replay.unexpected[0], len(replay.unexpected)] == [True, 2]


async def test_a_look_up_that_no_step_answers_is_no_fault(tmp_path: Path) -> None:
    props = {"when": {"method": "GET", "path": "/props"}, "reply": {"body": ["{}"]}}
    async with WireReplay(case(tmp_path, props)) as replay, httpx2.AsyncClient() as client:
        assert (await client.get(replay.origin + "/props")).json() == {}
        assert (await client.get(replay.origin + "/v1/models")).status_code == 404
        assert replay.problems() == []
        assert [r.path for r in replay.requests] == ["/props", "/v1/models"]


async def test_problems_name_what_was_not_sent_and_what_must_not_be(tmp_path: Path) -> None:
    step = {"when": {"has": {"stream": False}}, "reply": {"body": ["{}"]}, "required": True}
    good = {"reply": {"body": ["{}"]}}
    sent = [{"has": {"reasoning_effort": "low"}}]
    never = [{"has": {"max_tokens": 1}}]
    async with WireReplay(case(tmp_path, step, good, sent=sent, never=never)) as replay:
        await post(replay, {"max_tokens": 1})
        assert len(replay.problems()) == 3
    async with WireReplay(case(tmp_path, step, good, sent=sent, never=never)) as replay:
        await post(replay, {"stream": False, "reasoning_effort": "low"})
        assert replay.problems() == []


async def test_settings_and_waiting(tmp_path: Path) -> None:
    async with WireReplay(case(tmp_path, {"reply": {"body": ["{}"]}})) as replay:
        assert replay.settings("a") == {
            "name": "a",
            "provider": "openai",
            "model": "m",
            "baseUrl": f"{replay.origin}/v1?api-version=1",
        }
        with pytest.raises(TimeoutError):
            await replay.until(lambda r: r.requests, timeout=0.05)
        waiting = asyncio.create_task(replay.until(lambda r: r.requests and r.requests[0].finished))
        await post(replay, {})
        await waiting


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"knid": "sse"}, "knid"),
        ({"kind": "new"}, "kind"),
        ({"source": " "}, "source"),
        ({"service": "y"}, "service"),
        ({"document": {"language": "c", "text": "no mark"}}, "substring"),
        ({"document": {"language": "c", "text": "¦¦"}}, "more than one mark"),
        ({"exchange": [{"reply": {"body": [], "endd": "cut"}}]}, "endd"),
        ({"exchange": [{"reply": {"end": "soon"}}]}, "soon"),
        ({"exchange": [{"when": {"hass": 1}, "reply": {}}]}, "hass"),
    ],
)
def test_a_wrong_case_is_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=r"x\.jsonl:1") as caught:
        loaded(tmp_path, {**CASE, **change})
    assert says in str(caught.value)


def test_an_id_is_unique(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x\.jsonl:2: the id one is in x\.jsonl:1"):
        loaded(tmp_path, CASE, CASE)


def test_marks_repetitions_and_results(tmp_path: Path) -> None:
    text = ["a", {"repeat": "b,", "times": 3}, "⟦c⟧d"]
    document = {"language": "python", "text": text}
    one = loaded(tmp_path, {**CASE, "document": document, "expected": text[1:2], "also": [None]})[0]
    assert (one.document.before, one.document.after) == ("ab,b,b,", "d")
    assert one.document.text[one.document.start : one.document.end] == "c"
    assert one.document.marked == "ab,b,b,⟦c⟧d"
    assert one.document.replaced("X", 7, 8) == "ab,b,b,Xd"
    assert one.accepts("b,b,b,")
    assert one.accepts(None)
    assert not one.accepts("")


def test_the_data_set_is_as_large_and_as_wide_as_promised() -> None:
    assert len(ALL) >= 200
    assert len({one.service for one in ALL}) >= 14
    assert {one.kind for one in ALL} == KINDS
    assert {one.task for one in ALL} == {"complete", "explain", "generate"}


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.id)
def test_a_case_is_coherent(one: WireCase) -> None:
    results = [result for result in (one.expected, *one.also) if result is not None]
    assert CURSOR not in "".join(results)
    assert one.exchange
    assert results or one.message or one.also or one.expected is None
    if one.task == "explain":
        assert one.document.start < one.document.end
        return
    for result in results:
        assert result.startswith(one.document.before), "text before the place is never changed"
        _, newline, below = one.document.after.partition("\n")
        assert result.endswith(newline + below), "lines below the place are never changed"
        assert result != one.document.text
    for step in one.exchange:
        assert 200 <= step.reply.status < 600
        kind = step.reply.headers.get("content-type", "")
        if (
            "json" in kind
            and step.reply.end == "clean"
            and not step.reply.body.startswith(b"data:")
        ):
            lines = step.reply.body.splitlines() if "ndjson" in kind else [step.reply.body]
            assert [json.loads(line) for line in lines]


def events(body: bytes) -> Iterator[Any]:
    """The JSON values of a reply, read as leniently as its services write them."""
    body = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
    text = body.decode(errors="replace").lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield json.loads(text)
        except ValueError:  # one object a line
            yield from map(json.loads, text.splitlines())
        return
    for event in text.split("\n\n"):
        lines = [line[5:].strip() for line in event.split("\n") if line.startswith("data:")]
        lines = [line for line in lines if line not in ("", "[DONE]", "ping", "keep-alive")]
        try:
            yield from [json.loads(line) for line in lines]
        except ValueError:
            yield json.loads("\n".join(lines))


def words(value: Any) -> Iterator[str]:
    """Every text in a reply that could be a part of the answer, in order."""
    if isinstance(value, list):
        for each in value:
            yield from words(each)
    elif isinstance(value, dict) and not ("finish_reason" in value and value.get("index")):
        for name, each in value.items():
            if name == "text" and "delta" in value:
                continue  # the same text twice
            if isinstance(each, str) and name in ("content", "text", "delta"):
                yield each
            elif not isinstance(each, str):
                yield from words(each)


def bare(text: str) -> str:
    """Without white space, with halves of a character joined."""
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(joined.split())


def wanted(one: WireCase) -> str:
    """The expected text without the document round it."""
    text = one.expected or ""
    if one.task == "explain":
        return text
    text = text[one.document.start :]
    ends = zip(reversed(text), reversed(one.document.after), strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return text[: len(text) - same]


@pytest.mark.parametrize("one", [c for c in ALL if c.expected is not None], ids=lambda one: one.id)
def test_some_reply_holds_the_expected_text(one: WireCase) -> None:
    said = [bare("".join(words(list(events(step.reply.body))))) for step in one.exchange]
    assert any(bare(wanted(one)) in text for text in said), said
