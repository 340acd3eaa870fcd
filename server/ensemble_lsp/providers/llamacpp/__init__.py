"""The ``llamacpp`` provider: an embedded model, run by llama.cpp in a child process.

``llamacpp_model`` is the ``Model``; ``server_process`` starts, restarts and ends the child, which
runs ``child_process``; ``local_prompts`` writes prompts that suit a small local model; ``http_api``
sends them and ``event_parser`` reads the stream. ``catalogue`` lists the packaged models and
``weights_download`` fetches them.
"""

from ...provider_spec import FineTuningSupport, ProviderSpec

SPEC = ProviderSpec(
    name="llamacpp",
    title="Embedded model (llama.cpp)",
    build="ensemble_lsp.providers.llamacpp.llamacpp_model:LlamaCppModel.build",
    rank=30,
    local=True,
    backend="embedded",
    concurrency=2,  # one slot for completions beside one for chats: neither waits for the other
    native_fim=True,
    installed="ensemble_lsp.providers.llamacpp.catalogue:installed_models",
    problem="ensemble_lsp.providers.llamacpp.llamacpp_model:availability",
    fine_tuning=FineTuningSupport("machine", ("supervised",)),
    # Lines cut at random: SmolLM2-135M with token healing .10 and .13; Qwen2.5-Coder-0.5B filling in
    # the middle with healing .25 (standard library) and .57 (newer code).
    measured_completions=(("smollm2", 0.12), ("qwen2-5-coder-0-5b", 0.41)),
)
