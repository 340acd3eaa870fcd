"""The one schema of settings: resolved, immutable, in camelCase outside and snake_case inside.

A field's docstring is what users read of it: the JSON Schema and the documentation are made of
them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from ..provider_spec import specs
from ..types import TASKS, Task


def _known_provider(name: str) -> str:
    if name not in specs():
        raise ValueError("an installed provider is wanted")
    return name


def _list_providers(schema: dict[str, Any]) -> None:
    schema["enum"] = list(specs())


class Table(BaseModel):
    """What every table of the settings has in common."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _lenient_and_strict(cls, value: Any, info: ValidationInfo) -> Any:
        """One text is a list of one; true and false are no numbers, though Python says 1 and 0."""
        annotation: Any = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, str) and get_origin(annotation) is tuple:
            return (value,)
        if isinstance(value, bool) and {int, float} & {annotation, *get_args(annotation)}:
            raise ValueError("a number is wanted")
        return value


class ModelSettings(Table):
    """One configured model."""

    name: str = Field(
        max_length=100, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
    )
    """Unique; how lists, pins and the history call it."""
    provider: Annotated[
        str, AfterValidator(_known_provider), Field(json_schema_extra=_list_providers)
    ]
    """The adapter that talks to the service."""
    model: str = ""
    """The provider's id; for llamacpp a GGUF file's path or a packaged model's name."""
    base_url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+([/?#]\S*)?$")
    """Any server that speaks the provider's protocol; no user name or password in it."""
    api_key_env: str | None = Field(
        default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128
    )
    """The name of the environment variable that holds the key; else the system keyring is asked."""
    api: Literal["chat", "completions", "responses"] = "chat"
    """openai: which of its wire APIs."""
    fim: str = "auto"
    """How complete passes prefix and suffix: auto, none, suffix, or a template's name."""
    tasks: tuple[Task, ...] = Field(default=TASKS, min_length=1)
    """What it is asked to do."""
    timeout: float = Field(default=20.0, gt=0, le=600)
    """Seconds for a whole answer."""
    input_price: float = Field(default=0.0, ge=0)
    """US dollars for a million input tokens."""
    output_price: float = Field(default=0.0, ge=0)
    """US dollars for a million output tokens."""
    context_tokens: int | None = Field(default=None, ge=256)
    """The model's window; known for common models."""
    concurrency: int | None = Field(default=None, ge=1, le=64)
    """Requests at the same time; 4 for services, 2 for embedded models (one is kept for completions)."""


class CompleteSettings(Table):
    """Inline completion."""

    enabled: bool = True
    """Offer completions at all."""
    debounce_ms: int = Field(default=75, ge=0, le=5000)
    """Milliseconds an automatic request waits for the next keystroke; an invoked one never does."""
    budget_ms: int = Field(default=2500, ge=50, le=60000)
    """Milliseconds after which the best answer so far is shown, or none."""
    max_lines: int = Field(default=12, ge=1, le=200)
    """The longest block that is offered."""
    ensemble: int = Field(default=1, ge=1, le=3)
    """2 or 3: show what two models agree on."""
    candidates: int = Field(default=3, ge=1, le=8)
    """How many different suggestions an invoked request asks for."""
    threshold: float = Field(default=0.0, ge=0, le=1)
    """Hold ghost text back when the model's own confidence is known and below this."""
    disabled_languages: tuple[str, ...] = ()
    """Language ids without automatic completion."""


class ExplainSettings(Table):
    """Explanations."""

    hover: bool = True
    """Explain on hover."""
    ensemble: int = Field(default=1, ge=1, le=5)
    """How many models explain together on hover."""


class SelectorSettings(Table):
    """Which model is asked."""

    strategy: Literal["learned", "seed", "fixed"] = "learned"
    """learned; seed (mean of past rewards times complexity factor); fixed (the order of models)."""
    pin: dict[Task, str] = Field(default_factory=dict[Task, str])
    """A model's name for a task: it alone is asked first."""
    latency_weight: float = Field(default=0.3, ge=0, le=10)
    """How much waiting counts against a model."""
    cost_weight: float = Field(default=0.1, ge=0, le=10)
    """How much money counts against a model."""
    escalate: bool = True
    """Where a cheaper model came first and a check doubts its answer, ask a stronger one."""
    daily_budget: float | None = Field(default=None, ge=0)
    """US dollars a day (from midnight) that all servers together never pass; none: no limit."""
    seed: int = 0
    """Seed of the random numbers that exploration draws."""


class EnsembleSettings(Table):
    """Several models at once."""

    size: int = Field(default=3, ge=1, le=9)
    """How many models are asked."""
    budget_ms: int = Field(default=20000, ge=100, le=600000)
    """Milliseconds after which the answers so far decide."""
    rule: Literal["weighted", "seed"] = "weighted"
    """weighted: votes by what is known of each model; seed: equal text, else mean similarity."""
    run_examples: bool = False
    """Run the docstring's own examples in a sand-box; never in an untrusted workspace."""
    run_tests: str = ""
    """A command such as "pytest -q": runs the repository's tests that reach the place on each answer, walled
    in, in a copy; never in an untrusted workspace. {files} in it: where the files of tests go."""
    test_seconds: float = Field(default=30.0, ge=1, le=600)
    """Seconds that one run of the tests may take, and that tests are waited for after the models."""
    threshold: float = Field(default=0.3, ge=0, le=1)
    """Below this agreement the candidates are offered to choose from instead of one edit."""
    judge: str = ""
    """A model's name: it picks among the candidates where the agreement is below the threshold."""
    max_cost: float | None = Field(default=None, ge=0)
    """US dollars that one ensemble may be expected to cost; the first model is always asked."""


class PrivacySettings(Table):
    """What may leave the machine."""

    exclude: tuple[str, ...] = (".env*", "*.pem")
    """Gitignore patterns, on top of .gitignore: never sent to a remote model."""
    redact_secrets: bool = True
    """Replace what looks like a secret before a prompt goes to a remote model."""


class HistorySettings(Table):
    """The database of suggestions and what became of them."""

    url: str | None = Field(
        default=None, repr=False, pattern=r"^postgres(ql)?(\+[a-z0-9]+)?://\S+$", max_length=2000
    )
    """A team's PostgreSQL instead of the local file, such as postgresql://user@host/database."""
    retention_days: int = Field(default=365, ge=1, le=36500)
    """Days after which a suggestion's record is removed."""
    keep_text: bool = False
    """Store suggestions' texts and their context (for fine-tuning); off, no code is stored."""


class Settings(Table):
    """All settings, resolved."""

    models: tuple[ModelSettings, ...] = ()
    """The models; with none, the program uses what it finds on the machine."""
    discover: bool = True
    """With no models given: look for keys in the environment and for servers on this machine."""
    complete: CompleteSettings = Field(default_factory=CompleteSettings)
    explain: ExplainSettings = Field(default_factory=ExplainSettings)
    selector: SelectorSettings = Field(default_factory=SelectorSettings)
    ensemble: EnsembleSettings = Field(default_factory=EnsembleSettings)
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)
    history: HistorySettings = Field(default_factory=HistorySettings)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the settings, generated from the code and stable."""
    schema = Settings.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ensemble-lsp settings"
    return schema
