"""Known properties of models by id (context window, fill-in-the-middle), and profiles from settings.

The control tokens come from the models' cards and tokenizers. An id is matched in lower case and
without its owner: ``Qwen/Qwen2.5-Coder-7B`` and Ollama's ``qwen2.5-coder:7b`` are the same model.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import SettingsError
from ..provider_spec import ProviderSpec, spec_of
from ..settings import ModelSettings
from ..types import Task
from .address import address_of, check_address
from .edit_formats import NONE, edit_format_of, only_predicts_edits
from .hosted_ids import runs_elsewhere
from .interface import Profile

OLLAMA_PORT = 11434
_BASE = re.compile(r"(^|[-_:])base([-_:.]|$)", re.I)
"""Matches the id of a model that was not trained to chat."""


@dataclass(frozen=True, slots=True)
class FimTemplate:
    """The fill-in-the-middle format of one family of models.

    ``repository``, ``file``, ``before`` and ``inside`` are empty for a family trained on single files;
    ``{path}`` in them is replaced by a file's path.
    """

    name: str
    prefix: str
    suffix: str
    middle: str
    stop: tuple[str, ...]
    """Texts that end an answer, most usual first: services take at most four."""
    suffix_first: bool = False
    """Suffix, prefix, middle (SPM) rather than prefix, suffix, middle (PSM)."""
    repository: str = ""
    """Precedes the first related file."""
    file: str = ""
    """Precedes a related file's text."""
    before: str = ""
    """Precedes the prefix token if there are related files."""
    inside: str = ""
    """Follows the prefix token if there are related files."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every control token. The user's text must not contain any of them."""
        own = (self.prefix, self.suffix, self.middle, *self.stop)
        repo = re.findall(r"<[^<>{}\s]+>", self.repository + self.file + self.before)
        return tuple(dict.fromkeys(t.strip() for t in (*own, *repo) if t.strip()))


_STAR = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
_PIPE = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")

_TEMPLATES = (
    FimTemplate("starcoder", *_STAR, ("<|endoftext|>", "<fim_prefix>", "<fim_pad>")),
    FimTemplate(
        "starcoder2",
        *_STAR,
        ("<|endoftext|>", "<file_sep>", "<fim_prefix>", "<repo_name>"),
        repository="<repo_name>repository",
        file="<file_sep>{path}\n",
        before="<file_sep>",
        inside="{path}\n",
    ),
    FimTemplate("codellama", "<PRE> ", " <SUF>", " <MID>", ("<EOT>", "<PRE>")),
    FimTemplate(
        "qwen-coder",
        *_PIPE,
        ("<|endoftext|>", "<|file_sep|>", "<|fim_pad|>", "<|im_end|>"),
        repository="<|repo_name|>repository\n",
        file="<|file_sep|>{path}\n",
        before="<|file_sep|>{path}\n",
    ),
    FimTemplate(
        "deepseek-coder",
        "<｜fim▁begin｜>",
        "<｜fim▁hole｜>",
        "<｜fim▁end｜>",
        ("<｜end▁of▁sentence｜>", "<|EOT|>", "<｜fim▁begin｜>"),
    ),
    FimTemplate(
        "codestral", "[PREFIX]", "[SUFFIX]", "", ("[SUFFIX]", "[PREFIX]"), suffix_first=True
    ),
    FimTemplate("codegemma", *_PIPE, ("<|file_separator|>", "<|fim_prefix|>", "<eos>")),
    FimTemplate("granite", *_STAR, ("<|endoftext|>", "<fim_prefix>", "<fim_pad>")),
    FimTemplate("granite4", *_PIPE, ("<|end_of_text|>", "<|fim_prefix|>", "<|fim_pad|>")),
)


@dataclass(frozen=True, slots=True)
class KnownModel:
    """The known properties of one family of models."""

    pattern: str
    context_tokens: int
    fim: str = "none"
    """``none``, ``suffix`` (the API's parameter) or a template's name."""
    chat_only: bool = False
    """Whether the service offers it only over chat."""
    thinks: bool = False
    """Whether it reasons first: it takes no temperature and no stop strings, and needs more tokens."""


# The first match wins, so a narrower pattern comes before a wider one.
_KNOWN = (
    KnownModel(r"gpt-3\.5-turbo-instruct", 4_096, "suffix"),
    KnownModel(r"(davinci|babbage)-002", 16_384),
    KnownModel(r"gpt-3\.5", 16_385, chat_only=True),
    KnownModel(r"gpt-4\.1", 1_047_576, chat_only=True),
    KnownModel(r"o1-(mini|preview)", 128_000, chat_only=True, thinks=True),
    KnownModel(r"gpt-4(o|-turbo|\.5)|chatgpt-4o|gpt-5[\w.]*-chat", 128_000, chat_only=True),
    KnownModel(r"gpt-4", 8_192, chat_only=True),
    KnownModel(r"gpt-oss", 131_072, chat_only=True, thinks=True),
    KnownModel(r"gpt-[5-9]", 400_000, chat_only=True, thinks=True),
    KnownModel(r"(o[1-9]|codex)\b", 200_000, chat_only=True, thinks=True),
    KnownModel(r"claude", 200_000, chat_only=True),
    KnownModel(r"qwen3-coder", 262_144, "qwen-coder"),
    KnownModel(r"qwen2\.5-?coder", 32_768, "qwen-coder"),
    KnownModel(r"codeqwen", 65_536, "starcoder"),
    KnownModel(r"deepseek-coder-?v2", 131_072, "deepseek-coder"),
    KnownModel(r"deepseek-coder", 16_384, "deepseek-coder"),
    KnownModel(r"deepseek", 65_536),
    KnownModel(r"starcoder-?2", 16_384, "starcoder2"),
    KnownModel(r"starcoder|stable-?code", 8_192, "starcoder"),
    KnownModel(r"code-?llama", 16_384, "codellama"),
    KnownModel(r"codegemma", 8_192, "codegemma"),
    KnownModel(r"granite-?(3\.[3-9]|4)", 131_072, "granite4"),
    KnownModel(r"granite.*code", 8_192, "granite"),
    KnownModel(r"codestral[-:]22b", 32_768, "codestral"),
    KnownModel(r"codestral", 256_000, "codestral"),
    KnownModel(r"devstral|mistral-large|llama-?3\.[1-9]|gemma-?3", 131_072),
    KnownModel(r"gemini", 1_048_576, chat_only=True),
    KnownModel(r"smollm2", 8_192),
)
_UNKNOWN = KnownModel("", 8_192)


def known_model(model: str) -> KnownModel:
    """Return the known properties of a model id; cautious defaults for an unknown one."""
    ident = re.split(r"[/\\]", model.lower().replace("_", "-"))[-1]
    if ident.startswith(
        "ft:"
    ):  # a fine-tuned model is named after its base: ft:gpt-4.1-mini:org::id
        ident = ident[3:]
    return next((k for k in _KNOWN if re.search(rf"(?<![a-z0-9])(?:{k.pattern})", ident)), _UNKNOWN)


def fim_names() -> tuple[str, ...]:
    """Return every value that ``fim`` may have in the settings."""
    return ("auto", "none", "suffix", *(t.name for t in _TEMPLATES))


def fim_template(name: str) -> FimTemplate | None:
    """Return the template of that name; None for ``none``, ``suffix`` and ``native``."""
    return next((t for t in _TEMPLATES if t.name == name), None)


def is_loopback(url: str) -> bool:
    """Return whether a URL's host is this machine: 127.0.0.0/8, ``::1`` or ``localhost``."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(settings: ModelSettings) -> str:
    """Return the base address of requests, without an endpoint and without a query."""
    return address_of(settings).base


def make_profile(settings: ModelSettings) -> Profile:
    """Return a model's profile; raises ``SettingsError`` for an unknown ``fim`` or a useless address."""
    spec = spec_of(settings.provider)
    check_address(settings)
    url = "" if spec.local else base_url(settings)
    loopback = spec.local or is_loopback(url)
    by_address = loopback and not runs_elsewhere(settings.model)
    local = spec.local or (by_address if settings.local is None else settings.local)
    known = known_model(settings.model)
    edit_format = _edit_format(settings, spec)
    return Profile(
        name=settings.name,
        provider=settings.provider,
        model=settings.model or spec.default_model,
        tasks=_tasks(settings, spec, edit_format),
        context_tokens=settings.context_tokens or _window(known, url, loopback),
        input_price=settings.input_price,
        output_price=settings.output_price,
        fim=_fim(settings, spec, known, url),
        edit_format=edit_format,
        local=local,
        backend=spec.backend or _backend(spec, url, loopback),
        timeout=settings.timeout,
        concurrency=settings.concurrency or spec.concurrency,
        free=spec.free,
    )


def _edit_format(settings: ModelSettings, spec: ProviderSpec) -> str:
    """Return the format of predicted edits; a model that only fills in the middle has none."""
    chats = "explain" in spec.tasks and not spec.native_fim and not _BASE.search(settings.model)
    if chats and not spec.local:
        chats = address_of(settings).api not in spec.fim_apis
    return edit_format_of(settings.model, settings.edit_format, chats=chats)


def _tasks(settings: ModelSettings, spec: ProviderSpec, edit_format: str) -> tuple[Task, ...]:
    """Return the tasks that are wanted and that the model can do."""
    able: tuple[Task, ...] = tuple(t for t in spec.tasks if t != "edit" or edit_format != NONE)
    if "tasks" not in settings.model_fields_set and only_predicts_edits(edit_format):
        able = ("edit",) if "edit" in able else able
    return tuple(t for t in settings.tasks if t in able) or able


def _window(known: KnownModel, url: str, local: bool) -> int:
    # A local server rarely opens a model's whole window (Ollama: 4,096 unless configured), and
    # Ollama silently cuts a longer prompt.
    if not local:
        return known.context_tokens
    return min(known.context_tokens, 4_096 if _port(url) == OLLAMA_PORT else 8_192)


def _fim(settings: ModelSettings, spec: ProviderSpec, known: KnownModel, url: str) -> str:
    wanted = settings.fim
    if wanted not in fim_names() and not (wanted == "native" and spec.native_fim):
        near = difflib.get_close_matches(wanted, fim_names(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? Valid are" if near else "valid are"
        valid = ", ".join(fim_names())
        raise SettingsError(f"{settings.name}: fim {wanted!r} is not known; {hint} {valid}.")
    if spec.native_fim:
        return "native" if wanted in ("auto", "suffix") else wanted
    api = address_of(settings).api
    if api not in spec.fim_apis:
        return "none"
    if api in ("fim", "infill"):
        return "suffix"
    return wanted if wanted != "auto" else _auto_fim(known, url)


def _auto_fim(known: KnownModel, url: str) -> str:
    host = urlsplit(url).hostname or ""
    # Ollama wraps a plain prompt in the model's chat template; with a suffix it uses the FIM one.
    if known.fim != "none" and _port(url) == OLLAMA_PORT:
        return "suffix"
    if host == "api.deepseek.com":
        return "suffix"
    return "none" if known.chat_only else known.fim


def _backend(spec: ProviderSpec, url: str, local: bool) -> str:
    if spec.local or not local:
        return ""
    # localhost, 127.0.0.1 and ::1 are the same server, so they share one queue.
    return f"127.0.0.1:{_port(url)}"


def _port(url: str) -> int:
    try:
        parts = urlsplit(url)
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0
