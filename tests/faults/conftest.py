"""The same users, editors and providers as in tests/server, made to go wrong."""

from tests.server.conftest import home, provider, uri

__all__ = ["home", "provider", "uri"]
