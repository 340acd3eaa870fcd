"""The reason why a connection failed names what the user can correct."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import httpx2
import pytest

from ensemble_lsp.models.connection_errors import connection_problem
from ensemble_lsp.models.error_mapping import Source, translate

PLACE = "llm.corp.example:443"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def problem(error: BaseException, *, local: bool = False) -> str:
    return ": ".join(connection_problem([error], PLACE, local=local))


def unverified(reason: str) -> ssl.SSLError:
    text = f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason} (_ssl.c:1006)"
    return ssl.SSLCertVerificationError(1, text)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (unverified("self-signed certificate in certificate chain"), ("is not trusted", "SSL_CERT_FILE")),
        (unverified("unable to get local issuer certificate"), ("is not trusted", "SSL_CERT_FILE")),
        (unverified("Hostname mismatch, certificate is not valid for 'x'"), ("is for another host",)),
        (unverified("certificate has expired"), ("is not valid now", "clock")),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), ("no secure connection",)),
        (socket.gaierror(-2, "Name or service not known"), ("host of", "is not known")),
        (ConnectionRefusedError(111, "refused"), ("cannot be reached: check the network",)),
    ],
)  # fmt: skip
def test_a_failure_says_what_to_correct(error: BaseException, words: tuple[str, ...]) -> None:
    text = problem(error)
    assert all(word in text for word in words), text
    assert PLACE in text


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read"), ("no certificate\n", "has no certificate")]
)
def test_an_unusable_file_of_authorities_is_named_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, words: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError as error:
        text = problem(error)
    assert f"the file that SSL_CERT_FILE names {words}" in text


def test_the_environments_proxy_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.corp.example:3128")
    text = problem(ConnectionRefusedError(111, "refused"))
    assert "through the environment's proxy, proxy.corp.example:3128" in text
    assert "NO_PROXY" in text and "secret" not in text
    # Neither a host that the proxy does not serve nor a model on this machine is reached through it.
    monkeypatch.setenv("no_proxy", "corp.example")
    assert "proxy" not in problem(ConnectionRefusedError(111, "refused"))
    monkeypatch.delenv("no_proxy")
    local = problem(ConnectionRefusedError(111, "refused"), local=True)
    assert local == f"nothing answers at {PLACE}: start the server or change baseUrl"


def test_a_proxy_with_an_impossible_address_is_mentioned_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:no-number")
    assert "through the proxy of the environment" in problem(ConnectionRefusedError(111, "x"))


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("socks5://me:secret@127.0.0.1:1080", ("SOCKS proxy", "socksio", "ALL_PROXY")),
        ("ftp://me:secret@127.0.0.1:9", ("address of a proxy", "HTTPS_PROXY")),
        ("http://me:secret/x@127.0.0.1:9", ("address of a proxy", "HTTPS_PROXY")),
    ],
)
def test_a_proxy_that_the_library_cannot_use_is_not_blamed_on_the_model(
    monkeypatch: pytest.MonkeyPatch, proxy: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    source = Source("far", "m", "https://llm.corp.example/v1", "", "", False)
    with pytest.raises(Exception) as caught:
        httpx2.AsyncClient()
    text = str(translate(caught.value, source))
    assert all(word in text for word in words), text
    assert "baseUrl" not in text and "secret" not in text


def test_a_proxy_without_a_scheme_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "me:secret@proxy.corp.example:3128")
    text = problem(ConnectionRefusedError(111, "refused"))
    assert "proxy, proxy.corp.example:3128" in text and "secret" not in text
