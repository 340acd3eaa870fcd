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
    endpoints={
        "chat": "/chat/completions",
        "completions": "/completions",
        "responses": "/responses",
        "fim": "/fim/completions",
        "infill": "/infill",
    },
    api_of_host=(
        ("codestral.mistral.ai", "", "fim"),
        ("api.mistral.ai", r"codestral", "fim"),
        ("api.inceptionlabs.ai", r"mercury-(coder|edit)", "fim"),
    ),
    path_of_host={
        "openai.azure.com": "/openai/v1",
        "generativelanguage.googleapis.com": "/v1beta/openai",
        "api.groq.com": "/openai/v1",
        "openrouter.ai": "/api/v1",
        "api.fireworks.ai": "/inference/v1",
    },
    web_pages={
        "platform.openai.com": "https://api.openai.com/v1",
        "chat.openai.com": "https://api.openai.com/v1",
        "chatgpt.com": "https://api.openai.com/v1",
        "aistudio.google.com": "https://generativelanguage.googleapis.com/v1beta/openai",
        "console.groq.com": "https://api.groq.com/openai/v1",
        "console.mistral.ai": "https://api.mistral.ai/v1",
        "platform.deepseek.com": "https://api.deepseek.com",
        "openrouter.ai/models": "https://openrouter.ai/api/v1",
        "openrouter.ai/settings": "https://openrouter.ai/api/v1",
    },
    foreign_endpoints={
        r"/api/(chat|generate|tags)$": "set the same host with /v1, for Ollama's OpenAI API",
        r":(stream)?[gG]enerateContent$": "set the address that ends in /v1beta/openai",
        # Azure's models of other makers are below ``/models``.
        r"(?<=.)/models$|/embeddings$": "set the address without that part",
    },
    default_model="gpt-6-luna",
    fim_apis=("completions", "fim", "infill"),
    previews_requests=True,
    starter=StarterModel(
        "gpt", service="OpenAI", input_price=0.10, output_price=0.50, context_tokens=272_000
    ),
    local_servers=(
        LocalServer("Ollama", 11434),
        LocalServer("LM Studio", 1234, ("/api/v0/models", "/v1/models")),
        LocalServer("llama.cpp", 8080, context_path="/props", fim_api="infill"),
    ),
    fine_tuning=FineTuningSupport("service", ("supervised", "dpo")),
)
