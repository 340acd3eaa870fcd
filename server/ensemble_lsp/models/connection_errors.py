"""The reason why a connection failed, and the advice: names, certificates, proxies, addresses."""

from __future__ import annotations

import os
import re
import socket
import ssl
import urllib.request
from collections.abc import Sequence
from urllib.parse import urlsplit

from ..installation import install_command

_TLS = re.compile(r"\bSSL|\bTLS|certificate")
_UNTRUSTED = re.compile(
    r"self[- ]signed|unable to get (local )?issuer|not trusted|unknown (ca|issuer)", re.I
)
_OTHER_HOST = re.compile(r"hostname mismatch|not valid for|doesn't match|name does not match", re.I)
_EXPIRED = re.compile(r"expired|not yet valid", re.I)


def connection_problem(
    chain: Sequence[BaseException], place: str, *, local: bool
) -> tuple[str, str]:
    """Return the fault and the advice for an exception and its causes.

    ``place``: host and port of the request. No credentials of an address are shown.
    """
    names = {cls.__name__ for error in chain for cls in type(error).__mro__}
    reason = " ".join(str(error) for error in chain)
    if any(isinstance(error, socket.gaierror) for error in chain) or "Name or service" in reason:
        return (
            f"the host of {place} is not known{_by_proxy(place, local)}",
            "check baseUrl and the network",
        )
    if any(isinstance(error, ssl.SSLError) for error in chain) or _TLS.search(reason):
        return _certificate_problem(reason, place)
    if bad := _bad_certificate_file():
        return bad
    if not local and (unusable := unusable_proxy(chain)):
        return unusable
    if names & {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError"}:
        return "baseUrl is not an address that can be asked", "check baseUrl"
    if "ProxyError" in names:
        return (
            f"the proxy does not let the request through{_by_proxy(place, local)}",
            "check the proxy's settings",
        )
    if local:
        return f"nothing answers at {place}", "start the server or change baseUrl"
    if by_proxy := _by_proxy(place, local):
        advice = "check the proxy, or add the host to NO_PROXY"
        return f"{place} cannot be reached{by_proxy}", advice
    return f"{place} cannot be reached", "check the network and baseUrl"


def unusable_proxy(chain: Sequence[BaseException]) -> tuple[str, str] | None:
    """Return the fault and the advice if the HTTP library cannot use the environment's proxies at all."""
    reason = " ".join(str(error) for error in chain)
    if "SOCKS proxy" in reason:
        fault = "the environment names a SOCKS proxy, for which a package is missing"
        return fault, f"run `{install_command('socksio')}`, or set HTTPS_PROXY and remove ALL_PROXY"
    bad = "proxy URL" in reason
    if "InvalidURL" in {type(error).__name__ for error in chain}:
        bad = bad or not all(map(_is_address, urllib.request.getproxies().values()))
    if not bad:
        return None
    return "the address of a proxy in the environment is wrong", "correct HTTPS_PROXY and ALL_PROXY"


def _is_address(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        return parts.port is None or bool(parts.hostname)
    except ValueError:
        return False


def _certificate_problem(reason: str, place: str) -> tuple[str, str]:
    if bad := _bad_certificate_file():
        return bad
    if _OTHER_HOST.search(reason):
        return f"the certificate of {place} is for another host (TLS)", "check the host in baseUrl"
    if _EXPIRED.search(reason):
        return (
            f"the certificate of {place} is not valid now (TLS)",
            "check the clock, or have it renewed",
        )
    if _UNTRUSTED.search(reason):
        return (
            f"the certificate of {place} is not trusted (TLS)",
            "check baseUrl, or set SSL_CERT_FILE to your organisation's authorities (a PEM file)",
        )
    return f"no secure connection to {place} (TLS)", "check baseUrl and the certificate"


def _bad_certificate_file() -> tuple[str, str] | None:
    """Return the problem of ``SSL_CERT_FILE``, which the library reads when it opens a connection."""
    path = os.environ.get("SSL_CERT_FILE")
    if not path:
        return None
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        return "the file that SSL_CERT_FILE names has no certificate", "correct SSL_CERT_FILE"
    except OSError:
        return "the file that SSL_CERT_FILE names cannot be read", "correct SSL_CERT_FILE"
    return None


def _by_proxy(place: str, local: bool) -> str:
    """Return words about the environment's proxy in front of a host; empty without one."""
    if local:
        return ""
    proxies = urllib.request.getproxies()
    address = proxies.get("https") or proxies.get("all") or proxies.get("http")
    if not address or urllib.request.proxy_bypass(place):
        return ""
    address = address if "://" in address else f"http://{address}"
    try:
        parts = urlsplit(address)
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        return " through the proxy of the environment"
    return f" through the environment's proxy, {host}"
