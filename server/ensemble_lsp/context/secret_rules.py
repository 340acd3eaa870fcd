"""Our own rules for secrets: key formats, assignments to names like ``password``, and entropy.

They hold beside those of detect-secrets (``secrets.py``), and in place of its rules for names, for
entropy, for addresses and for private keys: those replace too much ordinary code, or too little of
a key. The thresholds of entropy are its own (4.5 bits a character for base64, 3.0 for hexadecimal).
What is found becomes ``<redacted>``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

PLACEHOLDER = "<redacted>"

_BLOCK = re.compile(
    r"(?P<begin>-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)"
    # Code that only names the heading has no key below it.
    r"(?=[\s\\n\"'`+,#/*]*(?:[A-Za-z0-9+/=]{12,}[\s\\\"'`]*(?:\n|\\n|[\"'`]|\Z)|[A-Z][A-Za-z]+(?:-[A-Z][A-Za-z]+)*:[ ])).+?"
    r"(?P<end>-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_BLOCK_END = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY")
_BODY = re.compile(r"[A-Za-z0-9+/=]{16,}")
_KEYS = re.compile(
    r"""\b(?:
      (?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|AIPA|ABIA|ACCA)[A-Z0-9]{16}
    | gh[pousr]_[A-Za-z0-9]{30,255} | github_pat_\w{22,255}
    | gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-[\w-]{20,}
    | sk-(?:ant|proj|svcacct|admin|or|lf)-[\w-]{16,} | sk-(?=[\w-]{0,200}\d)[A-Za-z0-9_-]{20,}
    | gsk_[A-Za-z0-9]{30,} | xai-[A-Za-z0-9]{40,} | pplx-[A-Za-z0-9]{30,} | r8_[A-Za-z0-9]{30,}
    | xox[abeoprs]-[\w-]{10,} | xapp-\d-[\w-]{10,}
    | AIza[\w-]{35} | ya29\.[\w-]{20,} | GOCSPX-[\w-]{20,}
    | [srp]k_(?:live|test)_[A-Za-z0-9]{10,} | whsec_[A-Za-z0-9+/=]{20,}
    | eyJ[\w-]{8,1000}\.eyJ[\w-]{8,}(?:\.[\w-]+)?
    | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{40,} | hf_[A-Za-z0-9]{30,}
    | SG\.[\w-]{16,}\.[\w-]{16,} | (?:AC|SK)[0-9a-f]{32} | key-[0-9a-z]{32}
    | do[opr]_v1_[0-9a-f]{64} | shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32} | sq0[a-z]{3}-[\w-]{22,}
    | EAAC[A-Za-z0-9]{20,} | dapi[0-9a-f]{32} | lin_api_[A-Za-z0-9]{32,} | hvs\.[\w-]{20,}
    | AGE-SECRET-KEY-1[0-9A-Z]{50,} | \d{8,10}:[A-Za-z0-9_-]{35} | dckr_pat_[\w-]{20,}
    | [MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,}
    )(?![\w-])""",
    re.VERBOSE,
)
_RUN = re.compile(r"[A-Za-z0-9][\w.:-]{13,}")
_WEBHOOK = re.compile(
    r"(?<=hooks\.slack\.com/services/)[\w/]{20,}|(?<=discord\.com/api/webhooks/)[\w/-]{20,}"
)
_IN_URL = re.compile(r"(?<=://)([^\s:/@\"'<>{}$]*):(?!<redacted>)([^\s:/@\"'<>{}$]{3,})(?=@)")
_BEARER = re.compile(r"(\b(?:Bearer|Basic)\s+)([A-Za-z0-9._~+/-]{16,}=*)")
_NAMED = re.compile(
    r"""(?P<name>(?=[pPsStTaAeEcC])(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|account[_-]?key
    |secret[_-]?key|private[_-]?key|auth[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?)
    ["']?\]?\s*(?::\s*[\w\[\]<>, .]{1,30}=|:=|=>|[:=])\s*(?:[rbuf]{0,2}))
    (?:(?P<quote>["'`])(?P<text>[^"'`\n]{6,200})(?P<end>(?P=quote)|\Z)
    |(?P<bare>[^\s"'`,;(){}\[\]<>$]{8,200})(?=[ \t]*(?:\r?\n|\Z|;)))""",
    re.VERBOSE | re.IGNORECASE,
)
_NAMES = ("pass", "pwd", "secret", "token", "key", "credential")
_QUOTED = re.compile(r"""(?<=["'`])[A-Za-z0-9+/=_-]{20,200}(?=["'`])""")
_HEX = re.compile(r"[0-9a-fA-F]+")
_WORDS = re.compile(r"[A-Za-z]+(?:[_/-][A-Za-z]+)*|[a-z]+(?:[A-Z][a-z]+)+\d?|[0-9_/=+-]+")
_HARMLESS = re.compile(
    r"""<redacted>|<[^>]*>|\$\{?[\w.]+\}?|%\(?\w+.*|\{[^}]*\}|(.)\1+|x{3,}.*|\*+|\.{3}.*
    |(?:your|my|the|some|test|example|dummy|fake|sample|change|placeholder|todo)[-_ ]?.*
    |(?:none|null|true|false|undefined|required|optional|password|passwd|secret|token|string)
    |https?://[^@]*|[\w.]+\(.*|(?:os|process|env|config|settings|self|this)\.[\w.\[\]"']+
    |[a-z]+(?:[_ .:-][a-z]+)*""",
    re.VERBOSE | re.IGNORECASE,
)


def across_lines(text: str) -> tuple[str, int]:
    """The text without private keys, passwords in addresses and values given to secrets' names.

    And how many it had. Idempotent, as ``within_line`` is.
    """
    return _apply((_private_keys, _in_addresses, _assigned), text)


def within_line(line: str) -> tuple[str, int]:
    """The same for what no line end can be in: keys of known formats, and random characters."""
    return _apply((_known_formats, _random), line)


def _apply(rules: tuple[Callable[[str], tuple[str, int]], ...], text: str) -> tuple[str, int]:
    count = 0
    for rule in rules:
        text, more = rule(text)
        count += more
    return text, count


def _private_keys(text: str) -> tuple[str, int]:
    if "PRIVATE KEY" not in text:
        return text, 0
    text, whole = _BLOCK.subn(rf"\g<begin>{PLACEHOLDER}\g<end>", text)
    text, ends = _bodies_before_an_end(text)
    return text, whole + ends


def _bodies_before_an_end(text: str) -> tuple[str, int]:
    """Without the lines of keys whose heading is above what is shown."""
    if not _BLOCK_END.search(text):
        return text, 0
    kept: list[str] = []
    count = 0
    for line in text.splitlines(keepends=True):
        if _BLOCK_END.search(line) and kept and _is_body(kept[-1]):
            while kept and _is_body(kept[-1]):
                kept.pop()
            kept.append(f"{PLACEHOLDER}\n")
            count += 1
        kept.append(line)
    return "".join(kept), count


def _is_body(line: str) -> bool:
    """Whether a line is one of a key's, in a comment or a string's parts too."""
    inner = line.lstrip(" \t\"'#/*").rstrip(" \t\r\n\"',+").removesuffix("\\n")
    return _BODY.fullmatch(inner) is not None


def _known_formats(text: str) -> tuple[str, int]:
    count = 0

    def look(found: re.Match[str]) -> str:
        nonlocal count
        clean, more = _KEYS.subn(PLACEHOLDER, found.group())
        count += more
        return clean

    # A run of characters long enough for a key is rare, and quick to find.
    return _RUN.sub(look, text), count


def _in_addresses(text: str) -> tuple[str, int]:
    count = 0
    if "://" in text or ".com/" in text:
        text, hooks = _WEBHOOK.subn(PLACEHOLDER, text)
        text, passwords = _IN_URL.subn(rf"\1:{PLACEHOLDER}", text)
        count = hooks + passwords
    if "Bearer" in text or "Basic" in text:
        text, bearers = _BEARER.subn(rf"\1{PLACEHOLDER}", text)
        count += bearers
    return text, count


def _assigned(text: str) -> tuple[str, int]:
    count = 0

    def look(found: re.Match[str]) -> str:
        nonlocal count
        quote = found["quote"]
        if _harmless(found["text"] or found["bare"], quoted=quote is not None):
            return found.group()
        count += 1
        return f"{found['name']}{quote or ''}{PLACEHOLDER}{found['end'] or ''}"

    lower = text.lower()
    if any(name in lower for name in _NAMES):
        text = _NAMED.sub(look, text)
    return text, count


def _random(text: str) -> tuple[str, int]:
    count = 0

    def look(found: re.Match[str]) -> str:
        nonlocal count
        if not _is_random(found.group()):
            return found.group()
        count += 1
        return PLACEHOLDER

    return _QUOTED.sub(look, text), count


def entropy(text: str) -> float:
    """Shannon's entropy of the characters, in bits a character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def _harmless(value: str, *, quoted: bool) -> bool:
    """Whether a value given to a secret's name is a placeholder, a reference or plain words."""
    if _HARMLESS.fullmatch(value):
        return True
    return not quoted and not re.search(r"\d", value)


def _is_random(value: str) -> bool:
    if _HEX.fullmatch(value):
        return len(value) >= 32 and entropy(value) > 3.0
    return _WORDS.fullmatch(value) is None and entropy(value) > 4.5
