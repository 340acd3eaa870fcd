"""The configured and discovered models of a running server."""
