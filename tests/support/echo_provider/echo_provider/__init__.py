"""A provider in a package of its own: it answers every prompt with the same text."""

from ensemble_lsp.provider_spec import ProviderSpec

SPEC = ProviderSpec(
    name="echo",
    title="Echo",
    build="echo_provider.echo_model:EchoModel",
    needs_model=False,
    default_model="echo-1",
    local=True,
    tasks=("complete",),
)
