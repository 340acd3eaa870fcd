"""Addresses of requests: the parts of the user's ``baseUrl``.

People paste a base address, a whole endpoint, or Azure's deployment with its query; all mean the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ..errors import SettingsError
from ..provider_spec import ProviderSpec, spec_of, specs
from ..settings import ModelSettings


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a model's address."""

    base: str
    """Scheme, host and path, without the endpoint's own path and without a slash at the end."""
    query: str = ""
    """Sent with every request; without the question mark."""
    api: str = ""
    """The API to use: the setting, else what the address tells."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def root(self) -> str:
        """The base without a version, for a server's own paths beside ``/v1``."""
        return re.sub(r"/v\d+$", "", self.base)

    def path(self, path: str) -> str:
        """Return a path below the base, with the query."""
        return f"{path}?{self.query}" if self.query else path


def address_of(settings: ModelSettings) -> Address:
    """Return where a model's requests go: the setting, else the provider's own; never the environment's."""
    spec = spec_of(settings.provider)
    url = (settings.base_url or "").strip()
    if not url or not spec.base_url:
        return Address(
            (url or spec.base_url).rstrip("/"), api=_api(settings, spec, spec.base_url, "")
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        return Address(url, api=_api(settings, spec, "", ""))
    path = parts.path.rstrip("/")
    found, path = _without_endpoint(spec, path)
    own = urlsplit(spec.base_url).path
    if not own:
        path = path.removesuffix("/v1")
    # At these hosts nothing is below the provider's usual path.
    elif path in ("", own) and (other := _path_of_host(spec, parts.hostname or "")):
        path = other
    base = f"{parts.scheme}://{parts.netloc}{path or own}"
    return Address(base, parts.query, _api(settings, spec, base, found))


def _path_of_host(spec: ProviderSpec, host: str) -> str:
    known = spec.path_of_host.items()
    return next((path for name, path in known if f".{host}".endswith(f".{name}")), "")


def check_address(settings: ModelSettings) -> None:
    """Raise ``SettingsError`` with one sentence for an address that cannot work."""
    spec = spec_of(settings.provider)
    if not settings.base_url or not spec.base_url:
        return
    try:
        parts = urlsplit(settings.base_url)
        parts.port  # noqa: B018  (raises for a port that is not a number)
    except ValueError:
        raise SettingsError(f"{settings.name}: baseUrl is not an address; check it.") from None
    if problem := _problem(spec, parts):
        raise SettingsError(f"{settings.name}: {problem}.")


def _problem(spec: ProviderSpec, parts: SplitResult) -> str:
    if parts.fragment:
        return "baseUrl is the address of a web page (#…); set the address of the API"
    host, path = parts.hostname or "", parts.path.rstrip("/")
    for page, remedy in spec.web_pages.items():
        page_host, _, page_path = page.partition("/")
        if host == page_host and f"{path}/".startswith(f"/{page_path}"):
            return f"baseUrl is the address of a web page; set {remedy}"
    for ending, remedy in spec.foreign_endpoints.items():
        if re.search(ending, path):
            return f"baseUrl ends in {path.rsplit('/', 1)[-1]}, which is another API; {remedy}"
    if _endpoint(spec, path):
        return ""
    for other in specs().values():
        if other.name != spec.name and _endpoint(other, path):
            return f"baseUrl is an endpoint of {other.title}; set provider to {other.name}"
    return ""


def _without_endpoint(spec: ProviderSpec, path: str) -> tuple[str, str]:
    """Return the API whose endpoint a path ends in, and the path before it."""
    found = _endpoint(spec, path)
    return (found, path.removesuffix(spec.endpoints[found])) if found else ("", path)


def _endpoint(spec: ProviderSpec, path: str) -> str:
    endings = sorted(spec.endpoints.items(), key=lambda item: -len(item[1]))
    return next((api for api, ending in endings if path.endswith(ending)), "")


def _api(settings: ModelSettings, spec: ProviderSpec, url: str, found: str) -> str:
    if settings.api != "auto":
        return settings.api
    if found:
        return found
    host = urlsplit(url).hostname or ""
    for known_host, model, api in spec.api_of_host:
        if f".{host}".endswith(f".{known_host}") and re.search(model, settings.model):
            return api
    return next(iter(spec.endpoints), "")
