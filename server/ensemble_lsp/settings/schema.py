"""The schema of all settings: resolved and immutable, camelCase for users and snake_case in code.

The docstring of a field is its documentation for users: docs/settings.md, the JSON Schema and the VS Code
settings are generated from it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from ..provider_spec import specs
from ..types import TASKS, Task


def _known_provider(name: str) -> str:
    if name not in specs():
        raise ValueError("must be an installed provider")
    return name


def _list_providers(schema: dict[str, Any]) -> None:
    schema["enum"] = list(specs())


class SettingsTable(BaseModel):
    """Base of all tables of the settings."""

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
        """Accept a string as a list of one; reject booleans as numbers, which pydantic would convert."""
        annotation: Any = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, str) and get_origin(annotation) is tuple:
            return (value,)
        if isinstance(value, bool) and {int, float} & {annotation, *get_args(annotation)}:
            raise ValueError("must be a number")
        return value


class ModelSettings(SettingsTable):
    """A model that the program can use. In TOML, write one `[[models]]` block for each."""

    name: str = Field(
        max_length=100, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
    )
    """The unique name of the model, used in lists, pins and the history."""
    provider: Annotated[
        str, AfterValidator(_known_provider), Field(json_schema_extra=_list_providers)
    ]
    """The provider whose protocol the model speaks."""
    model: str = ""
    """The provider's id of the model. For `llamacpp`, the path of a GGUF file or the name of a packaged model."""
    base_url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+([/?#]\S*)?$")
    """The address of a server that speaks the provider's protocol, without user name and password."""
    api_key_env: str | None = Field(
        default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128
    )
    """The name of the environment variable that holds the API key. Without it, the key comes from the system
    keyring."""
    api: Literal["auto", "chat", "completions", "responses", "fim", "infill"] = "auto"
    """The API of the provider `openai` to use. `auto` is `chat`, unless the address or the server asks for another:
    `fim` is `/fim/completions` (Codestral, Inception), `infill` is llama.cpp's own."""
    local: bool | None = None
    """Whether code sent to the model stays on this machine. Without it, the address decides. Set `false` for a proxy
    on this machine that forwards to a service, and `true` for a host of your own network."""
    thinking: Literal["auto", "off", "low"] = "auto"
    """Whether the model may think before it answers: `auto` learns what the service allows, `off` and `low` switch
    thinking off or down."""
    fim: str = "auto"
    """The way to send the code around the cursor: `auto`, `none`, `suffix`, or the name of a fill-in-the-middle
    template."""
    edit_format: Literal[
        "auto",
        "none",
        "zeta",
        "zeta-2",
        "zeta-2.1",
        "sweep-next-edit",
        "instinct",
        "mercury",
        "chat",
    ] = "auto"
    """The format in which the model predicts the next edit: `auto` follows the model's id, `chat` is any chat model,
    and with `none` the model is not asked for edits."""
    tasks: tuple[Task, ...] = Field(default=TASKS, min_length=1)
    """The tasks that the model is used for. A model that was trained only for edits has no other by default."""
    timeout: float = Field(default=20.0, gt=0, le=600)
    """Seconds that a complete answer may take."""
    input_price: float = Field(default=0.0, ge=0)
    """US dollars per million input tokens."""
    output_price: float = Field(default=0.0, ge=0)
    """US dollars per million output tokens."""
    context_tokens: int | None = Field(default=None, ge=256)
    """The size of the model's context window in tokens. It is known for common models."""
    concurrency: int | None = Field(default=None, ge=1, le=64)
    """The number of concurrent requests: by default 4 for services and 2 for embedded models, one of them reserved
    for completions."""


class CompleteSettings(SettingsTable):
    """Inline completions."""

    enabled: bool = True
    """Offer completions as you type. Otherwise they appear only on request."""
    debounce_ms: int = Field(default=75, ge=0, le=5000)
    """An automatic request waits this many milliseconds for another keystroke. An invoked request does not wait."""
    budget_ms: int = Field(default=2500, ge=50, le=60000)
    """After this many milliseconds the best answer that has arrived is shown. Without one, nothing is shown."""
    max_lines: int = Field(default=12, ge=1, le=200)
    """A completion has at most this many lines."""
    ensemble: int = Field(default=1, ge=1, le=3)
    """A completion asks this many models. With 2 or 3, completions that two models agree on are shown."""
    candidates: int = Field(default=3, ge=1, le=8)
    """An invoked request offers up to this many different suggestions."""
    threshold: float = Field(default=0.0, ge=0, le=1)
    """Hide a completion if the model reports a confidence below this value, from 0 to 1. With 0, none is hidden."""
    disabled_languages: tuple[str, ...] = Field(default=(), examples=[["markdown", "plaintext"]])
    """In files of these languages, by their ids, completions appear only on request."""


class ExplainSettings(SettingsTable):
    """Explanations."""

    hover: bool = True
    """Explain code on hover."""
    hover_wait_ms: int | None = Field(default=None, ge=0, le=60000)
    """A hover waits this many milliseconds for its explanation; the next hover has it. The default is 200 in editors that
    show no hover until every server has answered (Neovim, Helix, Zed, Sublime Text, coc.nvim, lsp-mode), and no limit
    in others."""
    ensemble: int = Field(default=1, ge=1, le=5)
    """A hover combines the explanations of this many models."""


class NextEditSettings(SettingsTable):
    """Predictions of the next edit."""

    enabled: bool = True
    """Predict your next edit after a change."""
    eagerness: Literal["low", "medium", "high"] = "medium"
    """The readiness to show an edit: `low` shows only edits that you probably accept, `high` also doubtful ones."""
    debounce_ms: int = Field(default=150, ge=0, le=5000)
    """An automatic request waits this many milliseconds for another keystroke before a model is asked."""
    budget_ms: int = Field(default=4000, ge=50, le=60000)
    """After this many milliseconds without an answer, no edit is shown."""
    ensemble: int = Field(default=1, ge=1, le=3)
    """A prediction asks this many models. With 2 or 3, only an edit that two models agree on is shown."""
    locator: bool = True
    """Repeat the edits just made at the other places where they fit, without a model."""
    disabled_languages: tuple[str, ...] = Field(default=(), examples=[["markdown", "plaintext"]])
    """In files of these languages, by their ids, no edit is predicted."""


class SelectorSettings(SettingsTable):
    """The choice of the model for each request."""

    strategy: Literal["learned", "seed", "fixed"] = "learned"
    """The models are ordered by this strategy: `learned` learns from what you accept, `seed` multiplies the mean past
    reward by a complexity factor, `fixed` follows the order of `models`."""
    pin: dict[Task, str] = Field(
        default_factory=dict[Task, str], examples=[{"complete": "qwen2.5-coder-0.5b"}]
    )
    """A task asks the model with this name first, whatever the strategy says."""
    latency_weight: float = Field(default=0.3, ge=0, le=10)
    """The higher this weight is, the more a slow model is avoided."""
    cost_weight: float = Field(default=0.1, ge=0, le=10)
    """The higher this weight is, the more an expensive model is avoided."""
    escalate: bool = True
    """Ask a stronger model if a check doubts the answer of a cheaper one."""
    daily_budget: float | None = Field(default=None, ge=0)
    """All servers together spend at most this many US dollars between two midnights. Without a value there is no limit."""
    seed: int = 0
    """Exploration draws its random numbers from this seed."""


class EnsembleSettings(SettingsTable):
    """Several models asked at once for an explanation or generated code."""

    size: int = Field(default=3, ge=1, le=9)
    """An explanation or generated code asks this many models at once and combines their answers."""
    budget_ms: int = Field(default=20000, ge=100, le=600000)
    """After this many milliseconds the answers that have arrived are combined."""
    rule: Literal["weighted", "seed"] = "weighted"
    """Answers are combined by this rule: `weighted` weights each model's vote by its record, `seed` takes equal texts,
    else the highest mean similarity."""
    run_examples: bool = False
    """Run the examples of the docstring on each answer in a sandbox. This is not available in an untrusted workspace."""
    run_tests: str = Field(default="", examples=["pytest -q"])
    """This command runs the repository's tests on each answer. It runs those that reach the changed code, in a
    sandboxed copy; `{files}` is replaced by the test files. It is not available in an untrusted workspace."""
    test_seconds: float = Field(default=30.0, ge=1, le=600)
    """One run of the tests takes at most this many seconds, and so does the wait for them after the last answer."""
    threshold: float = Field(default=0.3, ge=0, le=1)
    """If the models agree less than this, you choose among their answers instead of getting the first one."""
    judge: str = ""
    """The model with this name chooses among the answers if the agreement is below the threshold."""
    max_cost: float | None = Field(default=None, ge=0)
    """One ensemble is expected to cost at most this many US dollars. The first model is always asked."""


class PrivacySettings(SettingsTable):
    """Limits on the code that leaves this machine."""

    exclude: tuple[str, ...] = Field(
        default=(".env*", "*.pem"), examples=[[".env*", "*.pem", "secrets/", "*.sql"]]
    )
    """Files that match these patterns are never sent to a remote model, in addition to those of `.gitignore`. The
    syntax is the same."""
    redact_secrets: bool = True
    """Replace likely secrets before a prompt is sent to a remote model."""


class HistorySettings(SettingsTable):
    """The database of suggestions and their outcomes."""

    url: str | None = Field(
        default=None,
        repr=False,
        pattern=r"^postgres(ql)?(\+[a-z0-9]+)?://\S+$",
        max_length=2000,
        examples=["postgresql://user@host/database"],
    )
    """The history is kept in a team's PostgreSQL database at this address instead of the local file."""
    retention_days: int = Field(default=365, ge=1, le=36500)
    """The record of a suggestion is deleted after this many days."""
    keep_text: bool = False
    """Store the text and context of suggestions, which fine-tuning needs. Otherwise no code is stored."""


class Settings(SettingsTable):
    """All settings, resolved."""

    models: tuple[ModelSettings, ...] = Field(
        default=(),
        examples=[
            [
                {
                    "name": "gpt",
                    "provider": "openai",
                    "model": "gpt-4.1-mini",
                    "apiKeyEnv": "OPENAI_API_KEY",
                },
                {
                    "name": "qwen",
                    "provider": "openai",
                    "model": "qwen2.5-coder:7b",
                    "baseUrl": "http://localhost:11434/v1",
                },
            ]
        ],
    )
    """These models are used, and no others. Without any, the program uses those that it finds on this machine."""
    discover: bool = True
    """Look for API keys in the environment and for servers on this machine if no models are configured."""
    complete: CompleteSettings = Field(default_factory=CompleteSettings)
    explain: ExplainSettings = Field(default_factory=ExplainSettings)
    next_edit: NextEditSettings = Field(default_factory=NextEditSettings)
    selector: SelectorSettings = Field(default_factory=SelectorSettings)
    ensemble: EnsembleSettings = Field(default_factory=EnsembleSettings)
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)
    history: HistorySettings = Field(default_factory=HistorySettings)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the settings."""
    schema = Settings.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ensemble-lsp settings"
    return schema
