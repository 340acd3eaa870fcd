"""Our own rules for secrets within a line: formats, names, addresses, headers, and randomness.

They apply beside those of detect-secrets (``secret_search.py``), and replace its rules for names, for
entropy, for addresses and for private keys: those replace too much ordinary code, or too little of
a key. The thresholds of entropy are its own (4.5 bits a character for base64, 3.0 for hexadecimal).
``secret_blocks.py`` has the rules for what several lines show together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .secret_arguments import find_arguments
from .secret_blocks import is_key_body
from .secret_formats import find_tokens, may_hold_token
from .secret_lists import find_listed
from .secret_names import find_named, may_name_secret
from .secret_spans import Span, apart, replace
from .secret_values import (
    entropy,
    has_sequence,
    is_encoded_text,
    is_harmless,
    is_mixed,
    is_scrambled,
    is_words,
    share_of_parts,
)

_WEBHOOK = re.compile(
    r"""hooks\.slack\.com/(?:services|workflows|triggers)/(?P<v1>[\w/]{20,})|discord(?:app)?\.com/api/webhooks/(?P<v2>[\w/-]{20,})
    |webhook\.office\.com/webhookb2/(?P<v3>[\w/@-]{40,})|api\.telegram\.org/bot(?P<v4>[\w:-]{20,})
    |hooks\.zapier\.com/hooks/catch/(?P<v5>\d+/[a-z0-9]{5,})|outlook\.office\.com/webhook/(?P<v6>[\w/@-]{40,})
    |\.infura\.io/(?:ws/)?v3/(?P<v8>[0-9a-f]{32})|\.alchemy(?:api)?\.(?:com|io)/v\d/(?P<v9>[\w-]{24,})|\.quiknode\.pro/(?P<v10>[0-9a-f]{32,})
    |maker\.ifttt\.com/\S{1,60}/key/(?P<v11>[\w-]{20,})|/open-apis/bot/v2/hook/(?P<v12>[0-9a-f-]{36})|/webhook/\w{16,64}/(?P<v13>\w{24,64})
    |chat\.googleapis\.com/v1/spaces/[^\s"']{1,60}[?&]key=(?P<v7>[\w%&=-]{20,})""",
    re.VERBOSE,
)
_WEBHOOK_HOSTS = (".com/", ".org/bot", ".io/", ".pro/", ".cn/")
_PASSWORD_IN_URL = re.compile(
    r"""://(?P<user>[^\s:/@"'`<>{}$\\]{0,100}):(?!\d{1,5}(?:[/?#]|$))(?P<v>[^\s"'`<>{}$\\]{3,200})@(?=[\w.\[-])"""
)
_BEGUN_URL = re.compile(
    r"""://[^\s:/@"'`<>{}$\\]{1,60}:(?P<v>[^\s"'`<>{}$\\/@]{4,200})["'`]?\s*$"""
)
_TOKEN_IN_URL = re.compile(r"://(?P<v>[\w~.-]{16,255})(?::(?:x-oauth-basic)?)?@(?=[\w.\[-])")
_AUTHORIZATION = re.compile(
    r"""\b(?:Bearer|Basic|Digest|Negotiate)\s+(?P<v1>[A-Za-z0-9._~+/-]{16,}=*)
    |(?i:authorization)["']?\s*[:=,]\s*[fFbBrR]{0,2}["'`]?(?:[A-Za-z][A-Za-z0-9-]{1,30}[\s=]+(?:[a-z]{1,10}=)?)?(?P<v2>[A-Za-z0-9._~+/-]{16,}(?::[\w-]{2,})?=*)""",
    re.VERBOSE,
)
_COMMON = frozenset(
    ("pass", "passwd", "password", "pwd", "pw", "secret", "token", "tiger", "foo", "bar", "baz")
)
"""Passwords in addresses that examples have."""
_LIKE_PASSWORD = re.compile(
    r"""(?<![^\s"'`:/,(])
    (?P<v>[A-Za-z][\w.+-]{0,40}[!@#$][\w!@#.+-]{0,40}|[A-Za-z0-9][\w-]{0,40}\d[!#$@]{1,3})(?=["'`;,)\s*]|$)""",
    re.VERBOSE,
)
"""Capitals, small letters, digits and a sign, as people make passwords that must have all of them."""
_KINDS = (re.compile("[a-z]{2}"), re.compile("[A-Z]"), re.compile("[0-9]"))
_NOT_PASSWORD = re.compile(
    r"@[\w-]+(?:\.[\w-]+)+$|[#$&@]\w*$(?<=[#@&]\w{{3}})|^\w+[#@][a-z]\w+$|\.\w+#|\$\w|\w+@\d|C#|!\.\w|^(?:this|super|return|break|continue)@|(?i:UTF-?8|ISO|8bit)".replace(
        "{{", "{"
    ).replace("}}", "}")
)
_TEMPLATES = ("%(", "%s", "#", "...", "***", "[", "x-")
_QUOTED = re.compile(r"""(?<=["'`])[A-Za-z0-9+/=_-]{20,200}(?=["'`]|$)""")
_LONG_QUOTED = re.compile(r"""(?<=["'`])[A-Za-z0-9+/=]{201,20000}(?=["'`]|$)""")
_LONG_VALUE = re.compile(r"""(?<=: )[A-Za-z0-9+/=]{201,20000}(?=\s*$)""")
_UNQUOTED = re.compile(r"(?<![\w/+.=@#%-])[A-Za-z0-9][A-Za-z0-9_-]{28,120}(?![\w/+.%-])")
_MAY_TAKE_KEY = re.compile(
    r"(?i)key|token|secret|auth|cred|client|login|\binit|sdk|\bapi|connect|session|bearer"
)
"""A line where a string in hexadecimal is rather a key than a checksum."""
_KEYED = re.compile(
    r"""(?:(?P<n>[A-Z][A-Z0-9_]{1,40}_KEY)|(?P<n2>[A-Za-z][\w-]{1,40}[_-][Kk]ey))["']?\s*[:=]\s*["']?
    (?P<v>[0-9a-f]{32,64}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?![\w-])""",
    re.VERBOSE,
)
"""``HEROKU_KEY = "<UUID>"``, ``Fastly-Key: <hexadecimal>``."""
_OTHER_KEYS = re.compile(
    r"(?i)(?:primary|foreign|public|cache|partition|sort|row|idempotency|object|kms|bucket|storage|group|route|event)[_-]key"
)
_LONG = re.compile(r"[A-Za-z0-9+/=_-]{20}")
_LINE_OF_BASE64 = re.compile(r"\s*[A-Za-z0-9]{60,}\s*")
"""The lines around such a line decide what it is: see ``secret_blocks.py``."""
_LONGEST_QUOTED = 200
_HEX = re.compile(r"[0-9a-fA-F-]+")
_WORDS = re.compile(r"[A-Za-z]+(?:[_/-][A-Za-z]+)*|[a-z]+(?:[A-Z][a-z]+)+\d?|[0-9_/=+-]+")
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
"""An account or a contract of Ethereum: public."""
_NAME_PARTS = 0.2
"""For each character: random text of several kinds of characters has about 0.45."""
_CHECKSUM = re.compile(
    r"(?i)sha\d|sha-|md5|hash|digest|checksum|integrity|etag|revision|commit|crc|blake|\bh1:|fingerprint|nonce|\brev\b|iVBORw0KGgo"
    r"|\bfor example\b|\be\.g\."
)
"""A line that names a checksum, an image or an example: random characters in it are not a secret."""
_KEY_INLINE = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?P<v>.*?)(?=-----END |$)"
)
_KEY_TEXT = re.compile(r"[A-Za-z0-9+/=]{12}")


def find_secrets(line: str, may_hold: bool, may_name: bool) -> list[Span]:
    """Return the spans of secrets in a line, in order and apart from each other.

    ``may_hold`` is ``may_hold_token`` of the line, and ``may_name`` is ``may_name_secret``.
    """
    spans = list(find_named(line)) if may_name else []
    spans += [*find_arguments(line), *find_listed(line, may_name), *_in_addresses(line)]
    if "!" in line or "@" in line or "#" in line or "$" in line:
        spans += _like_passwords(line)
    if may_hold:
        spans += find_tokens(line)
        if _LONG.search(line):
            spans += _random(line)
    if "PRIVATE KEY" in line:
        spans += _key_in_line(line)
    return apart(spans) if spans else spans


def within_line(line: str) -> tuple[str, int]:
    """Return a line without secrets, and how many it had."""
    spans = find_secrets(line, may_hold_token(line), may_name_secret(line))
    return replace(line, spans), len(spans)


def across_lines(text: str) -> tuple[str, int]:
    """Return a text without the secrets that each line shows by itself, and how many it had."""
    clean = [within_line(line) for line in text.split("\n")]
    return "\n".join(line for line, _ in clean), sum(count for _, count in clean)


def _like_passwords(line: str) -> Iterator[Span]:
    for match in _LIKE_PASSWORD.finditer(line):
        value = match["v"]
        if (
            not 8 <= len(value) <= 40
            or not all(kind.search(value) for kind in _KINDS)
            or _NOT_PASSWORD.search(value)
            or is_harmless(value)
        ):
            continue
        if "://" not in line[: match.start()].rpartition(" ")[2]:  # an address may have a fragment
            yield match.span("v")


def _in_addresses(line: str) -> Iterator[Span]:
    if "://" in line:
        yield from _in_urls(line)
    if any(map(line.__contains__, _WEBHOOK_HOSTS)):
        yield from _groups(_WEBHOOK.finditer(line))
    if "Bearer" in line or "Basic" in line or "uthorization" in line or "AUTHORIZATION" in line:
        for match in _AUTHORIZATION.finditer(line):
            value = match["v1"] or match["v2"]
            if is_mixed(value) or (value != value.lower() and not is_harmless(value)):
                yield from _groups([match])


def _in_urls(line: str) -> Iterator[Span]:
    for match in _PASSWORD_IN_URL.finditer(line):
        if not _is_example(match["user"], match["v"]):
            yield match.span("v")
    for pattern in (_BEGUN_URL, _TOKEN_IN_URL):
        for match in pattern.finditer(line):
            if is_mixed(match["v"]) and not is_harmless(match["v"]):
                yield match.span("v")


def _groups(matches: Iterable[re.Match[str]]) -> Iterator[Span]:
    for match in matches:
        if match.lastgroup is not None:
            yield match.span(match.lastgroup)


def _is_example(user: str, password: str) -> bool:
    if password == user or password.lower() in _COMMON or password.startswith(_TEMPLATES):
        return True
    return user.lower() in {"user", "username", "usr", "name", "foo", "joe"} and is_words(password)


def _key_in_line(line: str) -> Iterator[Span]:
    for match in _KEY_INLINE.finditer(line):
        if _KEY_TEXT.search(match["v"]):
            start, end = match.span("v")
            yield start, end - (len(match["v"]) - len(match["v"].rstrip(" \"'`,;)\\")))


def _random(line: str) -> Iterator[Span]:
    quoted = [match for match in _QUOTED.finditer(line) if _is_random(match.group())]
    long = [] if _LINE_OF_BASE64.fullmatch(line) else _UNQUOTED.finditer(line)
    long = [match for match in long if _is_scrambled(match.group())]
    if len(line) > _LONGEST_QUOTED and _MAY_TAKE_KEY.search(line):
        for pattern in (_LONG_QUOTED, _LONG_VALUE):
            long += [match for match in pattern.finditer(line) if is_key_body([match.group()])]
    long += [m for m in _KEYED.finditer(line) if not _OTHER_KEYS.search(m["n"] or m["n2"])]
    if (quoted or long) and not _CHECKSUM.search(line):
        for match in quoted:
            if not _HEX.fullmatch(match.group()) or (
                _MAY_TAKE_KEY.search(line) and "hex" not in line
            ):
                yield match.span()
        for match in long:
            yield match.span("v" if "v" in match.re.groupindex else 0)


def _is_scrambled(value: str) -> bool:
    return (
        is_scrambled(value, 0.36) and not is_encoded_text(value) and not _ADDRESS.fullmatch(value)
    )


def _is_random(value: str) -> bool:
    if _HEX.fullmatch(value):
        return (
            "-" not in value and len(value) >= 32 and entropy(value) > 3.0 and not value.isdigit()
        )
    if _WORDS.fullmatch(value) or _ADDRESS.fullmatch(value):
        return False
    if is_scrambled(value, 0.4):
        return not is_encoded_text(value)
    is_name = share_of_parts(value) < _NAME_PARTS
    return not (is_name or has_sequence(value) or is_encoded_text(value)) and entropy(value) > 4.5
