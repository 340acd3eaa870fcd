"""The ``anthropic`` provider: Anthropic's messages API, and servers that speak it."""

from ...provider_spec import FineTuningSupport, ProviderSpec, StarterModel

SPEC = ProviderSpec(
    name="anthropic",
    title="Anthropic",
    build="ensemble_lsp.providers.anthropic.anthropic_model:AnthropicModel.build",
    rank=20,
    key_variable="ANTHROPIC_API_KEY",
    base_url="https://api.anthropic.com",
    base_url_variable="ANTHROPIC_BASE_URL",
    hosts=("api.anthropic.com",),
    endpoints={"messages": "/v1/messages"},
    web_pages={
        "console.anthropic.com": "https://api.anthropic.com",
        "platform.claude.com": "https://api.anthropic.com",
        "claude.ai": "https://api.anthropic.com",
    },
    foreign_endpoints={r"/v1/(complete|models)$": "set the address without that part"},
    default_model="claude-haiku-5-5",
    previews_requests=True,
    starter=StarterModel("claude", input_price=0.10, output_price=0.50, context_tokens=100_000),
    fine_tuning=FineTuningSupport(reason="Anthropic has no public fine-tuning endpoint"),
)
