"""Discovery: keys, servers on this machine, weights, recall; in that order, fast, and harmless."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.provider_spec import LocalServer, specs
from ensemble_lsp.providers.llamacpp import catalogue
from ensemble_lsp.registry import port_owner
from ensemble_lsp.registry.discovery import discover
from ensemble_lsp.registry.port_owner import belongs_to_another_person


class Answers:
    """A server on this machine that answers GET requests with bytes, or never."""

    def __init__(self, **by_path: object) -> None:
        self.by_path = by_path
        self.asked: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        self.asked.append(path)
        assert "Authorization" not in head
        answer = self.by_path.get(path.strip("/").replace("/", "_"), 404)
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        elif isinstance(answer, bytes):
            writer.write(answer)
        elif answer == 404:
            writer.write(b"HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")
        else:
            body = json.dumps(answer).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()


@asynccontextmanager
async def serving(*answers: Answers):
    async with AsyncExitStack() as stack:
        for answer in answers:
            server = await asyncio.start_server(answer.serve, "127.0.0.1", 0)
            answer.port = server.sockets[0].getsockname()[1]
            stack.callback(server.close)
        yield


def listed(*ids: str, **more) -> dict:
    return {"object": "list", "data": [{"id": i, "object": "model", **more} for i in ids]}


async def found_at(
    answers: Answers, tmp_path, name="Ollama", paths=("/v1/models",), context_path=""
):
    async with serving(answers):
        server = LocalServer(name, answers.port, paths, context_path)
        return [f for f in await discover({}, tmp_path, servers=[server]) if f.settings.base_url]


async def test_with_nothing_there_is_recall(tmp_path):
    found = await discover({}, tmp_path, servers=[])
    assert [(f.settings.name, f.settings.provider) for f in found] == [("recall", "recall")]


async def test_keys_in_the_environment_bring_their_providers_small_model(tmp_path):
    env = {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2"}
    found = await discover(env, tmp_path, servers=[])
    assert [f.settings.name for f in found] == ["gpt", "claude", "recall"]
    gpt = found[0].settings
    assert (gpt.api_key_env, gpt.base_url) == ("OPENAI_API_KEY", None)
    assert gpt.input_price > 0 and gpt.context_tokens
    assert found[0].why == "the environment has OPENAI_API_KEY"
    assert not any("sk-" in repr(f) for f in found)


async def test_the_models_begun_with_are_ones_the_sdks_know():
    from typing import get_args

    from anthropic.types.model import Model
    from openai.types import ChatModel

    known = {"openai": get_args(ChatModel), "anthropic": get_args(get_args(Model)[0])}
    assert {name for name, spec in specs().items() if spec.starter} == set(known)
    for name, models in known.items():
        assert specs()[name].default_model in models


async def test_an_empty_key_is_none(tmp_path):
    found = await discover({"OPENAI_API_KEY": " "}, tmp_path, servers=[])
    assert [f.settings.name for f in found] == ["recall"]


async def test_a_key_beside_an_address_goes_to_that_address_and_to_no_other(tmp_path):
    env = {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "https://proxy.example/v1"}
    assert (await discover(env, tmp_path, servers=[]))[
        0
    ].settings.base_url == "https://proxy.example/v1"
    env["OPENAI_BASE_URL"] = "not an address"
    assert [f.settings.name for f in await discover(env, tmp_path, servers=[])] == ["recall"]


async def test_a_servers_models_are_taken_code_first_and_three_at_most(tmp_path):
    ids = ["llama3.2:3b", "gemma3:4b", "nomic-embed-text", "devstral:24b", "phi4:14b"]
    found = await found_at(Answers(v1_models=listed(*ids)), tmp_path)
    assert [f.settings.name for f in found] == ["devstral:24b", "llama3.2:3b", "gemma3:4b"]
    assert found[0].why.startswith("Ollama serves it on port ")
    profile = make_profile(found[0].settings)
    assert profile.local and profile.backend


async def test_models_of_a_servers_cloud_come_last_and_are_remote(tmp_path):
    ids = ["gpt-oss:120b-cloud", "alias-of-code", "llama3.2:3b"]
    tags = {"models": [{"name": "alias-of-code", "remote_host": "https://ollama.com:443"}]}
    found = await found_at(
        Answers(v1_models=listed(*ids, owned_by="library"), api_tags=tags), tmp_path
    )
    cloud = ["alias-of-code", "gpt-oss:120b-cloud"]
    assert [f.settings.model for f in found] == ["llama3.2:3b", *cloud]
    assert [make_profile(f.settings).local for f in found] == [True, False, False]
    assert found[1].why.endswith("from a service elsewhere")


async def test_what_runs_here_precedes_what_a_proxy_offers(tmp_path):
    proxy = Answers(v1_models=listed("coder", owned_by="anthropic"))
    info = Answers(v1_models=listed("coder-2"), model_info={"data": [{"model_name": "coder-2"}]})
    plain = Answers(v1_models=listed("plain", owned_by="llamacpp"))
    async with serving(proxy, info, plain):
        servers = [LocalServer("S", each.port) for each in (proxy, info, plain)]
        found = await discover({}, tmp_path, servers=servers)
    assert [f.settings.name for f in found] == ["plain", "recall", "coder", "coder-2"]
    assert [make_profile(f.settings).local for f in found] == [True, True, False, False]


async def test_a_model_that_fills_in_the_middle_completes_so_and_chats_for_the_rest(tmp_path):
    found = await found_at(Answers(v1_models=listed("qwen2.5-coder:7b")), tmp_path)
    by_name = {f.settings.name: f.settings for f in found}
    assert list(by_name) == ["qwen2.5-coder:7b", "qwen2.5-coder:7b chat"]
    completes, chats = by_name.values()
    assert (completes.api, completes.tasks) == ("completions", ("complete",))
    assert make_profile(completes).fim != "none"
    assert (chats.api, chats.tasks) == ("auto", ("explain", "generate", "edit"))
    assert make_profile(completes).backend == make_profile(chats).backend


async def test_a_base_model_is_not_asked_to_chat(tmp_path):
    found = await found_at(Answers(v1_models=listed("qwen2.5-coder:1.5b-base")), tmp_path)
    assert [f.settings.tasks for f in found] == [("complete",)]


async def test_llama_cpp_tells_its_window_and_is_named_by_its_file(tmp_path):
    answers = Answers(
        v1_models=listed("/models/My-Model.Q4_K_M.gguf"),
        props={"default_generation_settings": {"n_ctx": 16384}},
    )
    (model,) = await found_at(answers, tmp_path, "llama.cpp", context_path="/props")
    assert model.settings.name == "My-Model.Q4_K_M"
    assert model.settings.model == "/models/My-Model.Q4_K_M.gguf"
    assert model.settings.context_tokens == 16384


async def test_lm_studio_tells_what_kind_its_models_are(tmp_path):
    answers = Answers(
        api_v0_models={
            "data": [
                {"id": "text-mxbai", "type": "embeddings"},
                {"id": "gemma", "type": "llm", "loaded_context_length": 12000},
            ]
        }
    )
    (model,) = await found_at(answers, tmp_path, "LM Studio", ("/api/v0/models", "/v1/models"))
    assert (model.settings.name, model.settings.context_tokens) == ("gemma", 12000)


async def test_the_next_list_is_asked_where_a_server_has_not_the_first(tmp_path):
    answers = Answers(v1_models=listed("gemma"))
    found = await found_at(answers, tmp_path, "LM Studio", ("/api/v0/models", "/v1/models"))
    assert [f.settings.name for f in found] == ["gemma"]


async def test_the_same_model_on_two_servers_gets_two_names(tmp_path):
    one, two = Answers(v1_models=listed("gemma")), Answers(v1_models=listed("gemma"))
    async with serving(one, two):
        servers = [LocalServer("Ollama", one.port), LocalServer("LM Studio", two.port)]
        found = await discover({}, tmp_path, servers=servers)
    assert [f.settings.name for f in found] == ["gemma", "gemma 2", "recall"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00" * 100,
        b"HTTP/1.0 200 OK\r\n\r\n<html>hello</html>",
        b"HTTP/1.0 200 OK\r\ncontent-length: 99\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000,
        b"HTTP/1.0 200 OK\r\n\r\n\xff\xfe",
        b"x" * 3_000_000,
        [],
        {"data": "x"},
        {"data": [1, {"id": 5}, {"id": ""}, {"id": "a\nb"}, {}]},
    ],
)
async def test_whatever_else_listens_there_is_no_model_server(tmp_path, answer):
    assert await found_at(Answers(v1_models=answer), tmp_path) == []


async def test_a_port_where_nobody_listens_and_one_that_never_answers_cost_little(tmp_path):
    never, good = Answers(v1_models=asyncio.Event()), Answers(v1_models=listed("gemma"))
    async with serving(never, good):
        servers = [LocalServer("x", 1), *(LocalServer("y", a.port) for a in (never, never, good))]
        start = time.perf_counter()
        found = await discover({}, tmp_path, servers=servers)
        assert time.perf_counter() - start < 2
        never.by_path["v1_models"].set()
    assert [f.settings.name for f in found] == ["gemma", "recall"]


async def test_installed_weights_are_found_before_recall(tmp_path, monkeypatch):
    asked = []

    def installed(data_dir):
        asked.append(data_dir)
        return [catalogue.packaged_model("smollm2")]

    monkeypatch.setattr(catalogue, "installed", installed)
    found = await discover({}, tmp_path, servers=[])
    assert [f.settings.name for f in found] == ["smollm2", "recall"]
    assert (found[0].settings.provider, found[0].settings.model) == ("llamacpp", "smollm2")
    assert asked == [tmp_path]


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 {user} 0 1 1\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's tables")
@pytest.mark.parametrize(
    ("user", "port", "state", "others"),
    [
        (1234, 11434, "0A", True),
        (0, 11434, "0A", False),
        (999, 11434, "0A", False),
        (65534, 11434, "0A", False),
        (1001, 11434, "0A", False),
        (1234, 11435, "0A", False),
        (1234, 11434, "01", False),
    ],
)
def test_a_port_of_another_person_is_known(
    tmp_path, monkeypatch, user: int, port: int, state: str, others: bool
):
    monkeypatch.setattr(os, "getuid", lambda: 1001)
    tables = tmp_path / "tcp", tmp_path / "tcp6", tmp_path / "missing"
    mine = ROW.format(address="0100007F", port=80, state="0A", user=1001)
    for table, address in zip(tables, ("0100007F", "0" * 32), strict=False):
        table.write_text(
            HEAD + mine + ROW.format(address=address, port=port, state=state, user=user)
        )
        assert belongs_to_another_person(11434, (table,)) is others
    assert belongs_to_another_person(11434, tables) is others


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs two users")
async def test_the_server_of_another_person_is_not_used(tmp_path, monkeypatch):
    answers = Answers(v1_models=listed("evil-coder"))
    assert [f.settings.name for f in await found_at(answers, tmp_path)] == ["evil-coder"]
    monkeypatch.setattr(port_owner, "_PEOPLE", range(1))
    monkeypatch.setattr(os, "getuid", lambda: 1001)
    asked = len(answers.asked)
    assert await found_at(answers, tmp_path) == []
    assert len(answers.asked) == asked
