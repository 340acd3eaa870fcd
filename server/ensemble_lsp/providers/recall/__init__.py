"""The ``recall`` provider: predicts from the user's own files; no weights, no network.

``tokens`` reads lines; ``context_trie`` counts what followed what; ``cursor`` reads the text around
the cursor; ``beam_search`` finds the likeliest continuation; ``predict`` turns it into text;
``token_index`` keeps everything up to date.
"""

from ...provider_spec import FineTuningSupport, ProviderSpec

SPEC = ProviderSpec(
    name="recall",
    title="Recall (your own files)",
    build="ensemble_lsp.providers.recall.recall_model:RecallModel.build",
    rank=40,
    default_model="recall",
    needs_model=False,
    tasks=("complete",),
    local=True,
    free=True,
    uses_documents=True,
    always_available=True,
    note="always available: it completes from your own files",
    fine_tuning=FineTuningSupport(
        reason="recall has no weights and learns from your files as they are"
    ),
    # Lines cut at random (benchmarks/recall_quality): .24 to .39 on three sets; the lower end counts
    # because recall leaves blocks to others.
    measured_completions=(("^recall$", 0.25),),
)
