"""The ``openai`` provider: OpenAI, and every server that speaks one of its APIs."""

from ...provider_spec import FineTuningSupport, LocalServer, ProviderSpec, StarterModel

SPEC = ProviderSpec(
    name="openai",
    title="OpenAI and compatible servers",
    build="ensemble_lsp.providers.openai.openai_model:OpenAIModel.build",
    rank=10,
    key_variable="OPENAI_API_KEY",
    base_url="https://api.openai.com/v1",
    base_url_variable="OPENAI_BASE_URL",
    hosts=("api.openai.com",),
    default_model="gpt-6-luna",
    fim_apis=("completions", "fim", "infill"),
    previews_requests=True,
    starter=StarterModel("gpt", input_price=0.10, output_price=0.50, context_tokens=272_000),
    local_servers=(
        LocalServer("Ollama", 11434),
        LocalServer("LM Studio", 1234, ("/api/v0/models", "/v1/models")),
        LocalServer("llama.cpp", 8080, context_path="/props"),
    ),
    fine_tuning=FineTuningSupport("service", ("supervised", "dpo")),
)
