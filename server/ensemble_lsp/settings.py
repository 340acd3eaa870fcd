"""The one schema of settings, and how layers of raw options become resolved ``Settings``.

Raw layers are plain ``dict``s (config file, initialization options, editor settings), last wins, tables
merged, lists replaced. ``resolve`` never fails: what is unknown or wrong is left out and named, with
its path and the nearest valid key, and the rest applies.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from .errors import SettingsError
from .types import TASKS, Task

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Provider = Literal["openai", "anthropic", "llamacpp", "recall"]
Raw = Mapping[str, Any]


class _Table(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )


class ModelSettings(_Table):
    """One configured model."""

    name: str = Field(min_length=1, max_length=100)
    """Unique; how lists, pins and the history call it."""
    provider: Provider
    """The adapter that talks to the service."""
    model: str = ""
    """The provider's id; for llamacpp a GGUF file's path or a packaged model's name."""
    base_url: str | None = Field(default=None, pattern=r"^https?://")
    """Any server that speaks the provider's protocol."""
    api_key_env: str | None = None
    """The environment variable that holds the key; else the system keyring is asked."""
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
    """Requests at the same time; 4 for services, 1 for embedded models."""


class CompleteSettings(_Table):
    """Inline completion."""

    enabled: bool = True
    """Offer completions at all."""
    debounce_ms: int = Field(default=75, ge=0, le=5000)
    """Milliseconds an automatic request waits for the next keystroke; an invoked one never waits."""
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


class ExplainSettings(_Table):
    """Explanations."""

    hover: bool = True
    """Explain on hover."""
    ensemble: int = Field(default=1, ge=1, le=5)
    """How many models explain together on hover."""


class SelectorSettings(_Table):
    """Which model is asked."""

    strategy: Literal["learned", "seed", "fixed"] = "learned"
    """learned; seed (mean of past rewards times complexity factor); fixed (the order of models)."""
    pin: dict[Task, str] = Field(default_factory=dict)
    """A model's name for a task: it alone is asked first."""
    latency_weight: float = Field(default=0.3, ge=0, le=10)
    """How much waiting counts against a model."""
    cost_weight: float = Field(default=0.1, ge=0, le=10)
    """How much money counts against a model."""
    seed: int = 0
    """Seed of the random numbers that exploration draws."""


class EnsembleSettings(_Table):
    """Several models at once."""

    size: int = Field(default=3, ge=1, le=9)
    """How many models are asked."""
    budget_ms: int = Field(default=20000, ge=100, le=600000)
    """Milliseconds after which the answers so far decide."""
    rule: Literal["weighted", "seed"] = "weighted"
    """weighted: votes by what is known of each model; seed: equal text, else mean similarity."""
    run_examples: bool = False
    """Run the docstring's own examples in a sand-box; never in an untrusted workspace."""


class PrivacySettings(_Table):
    """What may leave the machine."""

    exclude: tuple[str, ...] = (".env*", "*.pem")
    """Gitignore patterns, on top of .gitignore: never sent to a remote model."""
    redact_secrets: bool = True
    """Replace what looks like a secret before a prompt goes to a remote model."""


class HistorySettings(_Table):
    """The local database."""

    retention_days: int = Field(default=365, ge=1)
    """Days after which a suggestion's record is removed."""
    keep_text: bool = False
    """Store suggestions' texts and their context (for fine-tuning); off, no code is stored."""


class Settings(_Table):
    """All settings, resolved."""

    models: tuple[ModelSettings, ...] = ()
    """The models; with none, the program uses what it finds on the machine."""
    complete: CompleteSettings = Field(default_factory=CompleteSettings)
    explain: ExplainSettings = Field(default_factory=ExplainSettings)
    selector: SelectorSettings = Field(default_factory=SelectorSettings)
    ensemble: EnsembleSettings = Field(default_factory=EnsembleSettings)
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)
    history: HistorySettings = Field(default_factory=HistorySettings)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in the raw options; ``str`` is the sentence for the user."""

    source: str
    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.source}: {self.path}: {self.problem}"


def read_config(path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """The raw options of a TOML file; none, and a fault, where it cannot be read. Missing is empty."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), []
    except FileNotFoundError:
        return {}, []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = f"not valid TOML ({error}); none of the file's settings apply until it is mended"
        return {}, [Fault("config", str(path), problem)]
    except OSError as error:
        return {}, [Fault("config", str(path), f"cannot be read ({error.strerror})")]


def merge(base: Raw, over: Raw) -> dict[str, Any]:
    """Lay one raw layer over another: tables merge, all else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(cast(Raw, old), cast(Raw, value)) if both else value
    return merged


def resolve(layers: Iterable[tuple[str, Raw]]) -> tuple[Settings, list[Fault]]:
    """Turn raw layers (name, options), lowest first, into settings and the faults that were left out."""
    raw: dict[str, Any] = {}
    faults: list[Fault] = []
    for source, layer in layers:
        clean, found = _prune(source, layer)
        raw = merge(raw, clean)
        faults += found
    settings, late = _validate("settings", raw)
    return settings, faults + late


def resolve_strict(layers: Iterable[tuple[str, Raw]]) -> Settings:
    """As ``resolve``, for places where a fault must stop the program; raises ``SettingsError``."""
    settings, faults = resolve(layers)
    if faults:
        raise SettingsError(str(faults[0]))
    return settings


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the settings, generated from the code."""
    schema = Settings.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ensemble-lsp settings"
    return schema


def _prune(source: str, layer: Any) -> tuple[dict[str, Any], list[Fault]]:
    """One layer without what is wrong in it, so that a bad value does not hide a lower layer's good one."""
    if not isinstance(layer, Mapping):
        return {}, [Fault(source, "settings", f"must be a table, not {_kind(layer)}")]
    faults: list[Fault] = []
    clean = _plain(cast(Raw, layer))
    while True:
        try:
            Settings.model_validate(clean)
        except ValidationError as error:
            dropped = {_drop(clean, e["loc"]) for e in error.errors()}
            faults += [_fault(source, e) for e in _first_of_each(error)]
            if not any(dropped):
                return {}, faults
        else:
            return _unique_models(source, clean, faults), faults


def _validate(source: str, raw: dict[str, Any]) -> tuple[Settings, list[Fault]]:
    clean, faults = _prune(source, raw)
    return Settings.model_validate(clean), faults


def _unique_models(source: str, clean: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    seen: set[str] = set()
    kept: list[dict[str, Any]] = []
    for index, model in enumerate(cast("list[dict[str, Any]]", clean.get("models", []))):
        name = str(model["name"])
        if name in seen:
            problem = f"{name!r} is taken by an earlier model; give each its own name"
            faults.append(Fault(source, f"models[{index}].name", problem))
            continue
        seen.add(name)
        kept.append(model)
    if "models" in clean:
        clean["models"] = kept
    return clean


def _plain(value: Any) -> Any:
    """A deep copy in plain dicts and lists."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in cast("list[Any]", value)]
    return value


def _first_of_each(error: ValidationError) -> list[Any]:
    """One error a place: a union reports each branch."""
    by_place: dict[tuple[Any, ...], Any] = {}
    for item in error.errors():
        by_place.setdefault(_place(item["loc"]), item)
    return list(by_place.values())


def _place(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """What is dropped for an error there: a whole model, for one without its name, is not."""
    return loc


def _drop(raw: dict[str, Any], loc: tuple[int | str, ...]) -> bool:
    """Remove the value at a path; a model that lacks something goes as a whole."""
    parents: list[tuple[Any, int | str]] = []
    node: Any = raw
    for key in loc:
        try:
            value = node[key]
        except (KeyError, IndexError, TypeError):
            break
        parents.append((node, key))
        node = value
    missing = len(parents) < len(loc)
    while parents:
        container, key = parents.pop()
        # A missing field belongs to the list's item it is missing from; a bad item of a list goes alone.
        if missing and not isinstance(container, list):
            continue
        del container[key]
        return True
    if missing and loc:
        return raw.pop(str(loc[0]), None) is not None
    return False


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _fault(source: str, error: Any) -> Fault:
    loc = cast("tuple[int | str, ...]", error["loc"])
    if error["type"] == "extra_forbidden":
        known = _keys_at(loc[:-1])
        near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known here are {', '.join(known)}"
        return Fault(source, _path(loc), f"unknown setting; {hint}")
    if error["type"] == "missing":
        return Fault(source, _path(loc), "is missing; this model is left out until it is given")
    message = str(error["msg"])
    problem = message[0].lower() + message[1:]
    value = repr(error.get("input"))
    return Fault(source, _path(loc), f"{problem}, not {value[:60]}; the default applies")


def _path(loc: tuple[int | str, ...]) -> str:
    out = ""
    for part in loc:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def _keys_at(loc: tuple[int | str, ...]) -> list[str]:
    """The valid keys of the table at a path."""
    names = [part for part in loc if isinstance(part, str)]
    table: type[BaseModel] = Settings
    for name in names:
        if name == "models":
            table = ModelSettings
            continue
        field = next((f for f in table.model_fields.values() if f.alias == name), None)
        if field is None or not isinstance(field.annotation, type):
            return []
        table = field.annotation
    return [f.alias or n for n, f in table.model_fields.items()]
