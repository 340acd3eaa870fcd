"""Secrets known by the name in front of them: assignments, arguments, elements, options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .secret_values import (
    is_call,
    is_harmless,
    is_mixed,
    is_passphrase,
    is_password_word,
    is_path,
    is_placeholder,
    is_variable,
    is_words,
)

_IN_NAMES = re.compile(
    "pass|pwd|secret|token|key|cred|auth|pw|psk|-mac|mnemonic|phrase|session|contrase|kennwort|senha|has[lł]o|wachtwoord"
    "|lozinka|lösenord|salasana|heslo|jelsz[oó]|parola|clave|mot_de_|adgangskode|[şs]ifre|密[码碼]|口令|パスワード|비밀번호|пароль"
)
"""A line has no name of a secret without one of these. In lower case."""

_STRONG = r"""(?:(?i:(?:api|access|account|secret|private|auth|encrypt(?:ion)?|signing|shared[_-]?access|jwt|hmac
        |cipher|crypto|aes)[_.-]?key
    |pass(?:word|wd|[_-]?phrase|code)|(?<!existing)(?<!existing_)secret|token|credentials?|mnemonic|seed[_-]?phrase)
    |(?<![^\W_])(?i:passw?ort|passord|kennwort|contrase[nñ]a|senha|has[lł]o|wachtwoord|lozinka|lösenord|salasana|heslo|jelsz[oó]|parola
        |clave[_-]?(?:secreta|privada|api)?|mot_?de_?passe|adgangskode|[şs]ifre|密[码碼]|口令|パスワード|비밀번호|пароль)(?![^\W_])
    |(?<![A-Za-z])(?i:pass|pwd|pw|_auth|psk)(?![A-Za-z])|(?<=[a-z])P(?:ass|wd)(?![a-z])|(?<=[A-Z])(?:PASS|PWD)(?![A-Za-z])
    |(?<![A-Za-z])(?i:store|key|require|db|database|smtp|user|root|admin|ftp|pg|sql|mysql|redis|mail|ssh|sudo|become|bind|ldap|proxy
        |wifi|vpn|login)(?i:pass|pwd|pw)(?![A-Za-z]))"""
_KEY = r"""(?i:(?<![A-Za-z])(?:admin|master|client|hmac|service|storage|app|consumer|deploy|licen[cs]e|session|webhook
    |server|function|host|jwt|ssh|crypto|cipher|aes|subscription|integration|write|read|feed|ingest|instrumentation|user
    |project|stripe|openai|google|azure|aws|maps?)[_.-]?key(?:[_.-]?data)?|private-mac|masterauth|pre-?shared[_-]?key|(?:php|asp|j)?sess(?:ion)?[_-]?id|(?:auth|secure[_-]auth|logged[_-]in|nonce|password|pwd)[_-]?salt|authorization|(?<=["'])auth(?=["']))"""
_REST = r"""(?:s|(?<=PASSWORD)S|[_-]?(?:\d{1,3}
    |(?i:base|value|text|string|str|env|prod(?:uction)?|dev|test|staging|live|admin
    |default|old|new|main|hex|b64|base64|data|secret|id(?=["']?\s*[:=]\s*["'][A-Za-z0-9+/]{30})))){0,2}"""
NAME = re.compile(rf"(?P<strong>{_STRONG}){_REST}|{_KEY}{_REST}", re.VERBOSE)
"""The name of a secret; it is one by itself if it is ``strong``."""
_QUOTED = r"""(?P<q>\\["']|"{3}|'{3}|["'`])(?P<v>(?:(?!(?P=q))(?:\\.|[^\\\n])){4,400})"""
_PREFIX = r"""(?:[rRbBuUfFLN]{0,2}|[@$]{1,2}|r\#{1,2})"""
_BARE = r"""(?=(?P<v>(?:(?!;\s*[\w ]{1,30}=|&\w+=)[^\s"'`,(){}\[\]<>]){5,400}))(?P=v)"""
_MARKUP = r"\s*(?:<!\[CDATA\[)?(?=(?P<v>[^<>\]\n]{4,400}))(?P=v)"
_CLOSING = r"""["'`\]\\)}]{0,4}"""
_TYPE = r"""(?::\s*[&*\w\[\]<>?|.'\ ]{1,30}|\ [*\w.\[\]]{1,20})"""
_WRAPPERS = r"""(?:ConvertTo-SecureString\s+|(?:new\s+)?(?:Some|Ok|SecretStr|SecureString|Secret|String::from|Buffer\.from
    |std::string|quote(?:_plus)?|urlencode|encodeURIComponent|lambda:|\[\]byte|b64decode|base64\.b64decode|base64_decode|atob|(?:bytes|bytearray)\.fromhex|(?:binascii\.)?unhexlify
    |hex\.DecodeString|[\w.]{0,20}(?:[bB]ase64|Decoder(?:\(\))?)\.[dD]ecode\w{0,6}|bytes|str|Literal|Password|Field|field|Option|config)\s*\(\s*(?:\w+\s*=\s*)?)?"""
_OR = r"(?:\|\||\?\?|\?:|\bor\b|\belse\b)"
_LINE_END = r"(?=\s*(?:$|;?\s*(?:\#|//|--)\s|;\s*$|,?\s*\\$))"


class _NameRule(NamedTuple):
    """The text behind a name, to its value; ``before`` is the text that must be in front of the name."""

    behind: re.Pattern[str]
    before: re.Pattern[str] | None = None


def _rule(behind: str, before: str | None = None) -> _NameRule:
    return _NameRule(re.compile(behind, re.VERBOSE), re.compile(before) if before else None)


_QUOTED_RULES = (
    # name = "value", name: Type = "value", "name": "value", name == "value"
    _rule(
        rf"{_CLOSING}\s*(?:{_TYPE}?\s*=|:=|=>|<-|[!=]={{1,2}}|(?:\|\||\?\??)=|:)\s*[({{\[]?\s*{_WRAPPERS}{_PREFIX}{_QUOTED}"
    ),
    # "name" to "value" of Kotlin
    _rule(rf"[\"']\s+to\s+{_QUOTED}"),
    # string Name { get; set; } = "value", name[] = "value"
    _rule(rf"\s*(?:\{{[^}}]{{0,30}}\}}|\[\])\s*=\s*{_PREFIX}{_QUOTED}"),
    _rule(rf"\s+{_QUOTED}", r"(?:#define\s+\w*|\((?:setq|def|defvar|define)\s+[\w-]*)$"),
    # storePassword "value" of Gradle, on a separate line or in a block
    _rule(rf"\s+{_QUOTED}(?P=q)(?=\s*(?:$|[;}}]|//))", r"(?:^\s*|[{;]\s*)[a-z]{3,20}$"),
    # @"a ""value"" in C#"
    _rule(
        rf"""{_CLOSING}\s*(?:{_TYPE}?\s*=|:)\s*(?:\$?@|@\$)"(?P<v>(?:""|[^"\n]){{4,400}})"(?P<q>)"""
    ),
    # name = expression or "value"
    _rule(rf"""{_CLOSING}\s*[:=]=?\s*[^\n]{{1,100}}?{_OR}\s*{_PREFIX}{_QUOTED}"""),
    # :name "value" of Clojure; <setting name="Password" …><value>
    _rule(rf"\s+{_QUOTED}", r"(?:^|[\s{{(,]):[\w-]{{0,30}}$".replace("{{", "{").replace("}}", "}")),
    # print("name:", "value"), log.info("… name %s", "value")
    _rule(
        rf"""\s?[:=]?\s?(?:%s|\{{\}})?["'],\s*{_PREFIX}{_QUOTED}""",
        r"""[(]\s*f?["'][^"'\n]{0,80}$""",
    ),
    # f("name", "value"), f("name").unwrap_or("value"), f("name") || "value", ("name", default="value")
    _rule(
        rf"""["']\){{0,3}}\s*\]?(?:,\s*(?:[^"'\n]{{0,60}}?\b\w{{0,20}}(?i:default|fallback|value|const|initial)\w{{0,10}}\s*[=:]\s*)?
        |\s*\.\s*\w{{0,10}}(?:or|Or)\w{{0,8}}\(\s*(?:\|\w?\|\s*)?|\s*\{{\s*){_PREFIX}{_QUOTED}"""
    ),
    _rule(rf"""["']?\){{0,3}}\s*\]?\s*{_OR}\s*{_PREFIX}{_QUOTED}"""),
    # "key": "name", "value": "value"; name="x.password" value="value"; <password value="value"
    _rule(rf"""["']?[\s,;]{{0,3}}["']?(?i:value|default|content|text)["']?\s*[:=]\s*{_QUOTED}"""),
)
_SETTER = _rule(
    rf"\s*\(\s*(?:[\w.]+\.encode\(|Some\()?{_PREFIX}{_QUOTED}",
    r"(?:[\w)]\s*\.\s*|\b(?i:set|with|use|add|from|check|verify|validate|match(?:es)?|hash|encrypt|change|update|reset)_?(?:\w{0,30})?)$",
)
"""``.password("value")``, ``setApiKey("value")``."""
_BARE_RULES = (
    # name: value, name = value, up to the end of the line or a comment
    _rule(
        rf"""["'\]]{{0,2}}(?:\s*:(?!:)\s*(?:[!&]{{1,2}}\w+\s+)?|\s+=>?\s*|\s*[:?]=\s*){_BARE}{_LINE_END}"""
    ),
    _rule(
        rf"""["']?[\s,;]{{1,3}}value\s*:\s+{_BARE}(?=\s*(?:$|\#|[,}}]))""",
        r"(?i:\bname)[\"']?\s*:\s*[\"']?[\w.-]{0,60}$",
    ),
    # name: it's-a-value
    _rule(
        rf"""["']?\s*:\s+(?=(?P<v>[^\s"'`,(){{}}\[\]<>|&*!%][^\s"`,(){{}}\[\]<>]{{4,400}}))(?P=v){_LINE_END}"""
    ),
    # {name: value, …} in YAML; in code the value may be a variable
    _rule(
        r"""["']?:\s+(?=(?P<v>(?=[^\s,}]*(?:\d[A-Za-z]|\d\d|[!@#$%^&*+-]))[^\s"'`,(){}\[\]<>|&]{5,400}))(?P=v)(?=\s*[,}])""",
        r"^[\s-]*(?:[\w-]+:\s+)?\{[^{}]*$",
    ),
    # "X-Name: value"
    _rule(rf"\s*:\s+{_BARE}(?=[\"'])", r"[\"'][\w-]{0,60}$"),
    # <name>value</name>, <property name="name">value<
    _rule(
        rf"(?:[\s\"][^<>]{{0,60}})?>(?:\s*</key>)?(?:\s*<(?:value|string|data)>)?{_MARKUP}(?=</|\]\]>)",
        r"<[^<>]{0,80}$",
    ),
    # ;Password=value;
    _rule(r"\s?=\s?(?P<v>[^;\"'\s={}$<>][^;\"'\n={}$<>]{3,200})(?=[;\"'])", r";\s?(?:user )?$"),
    # Pwd={value};
    _rule(r"\s*=\s*\{(?P<v>[^{}\s]{4,200})\}(?=[;\"'\s]|$)", r"(?i:(?:;|\buid=|\bserver=)[^=]*$)"),
    _rule(rf"(?:[\s\"][^<>]{{0,60}})?>{_MARKUP}\s*$", r"^\s*<[^<>]{0,80}$"),
    # --name value, ENV name value, password value in a netrc file
    _rule(rf"[=\s]\s*[\"']?(?:pass:)?(?!-){_BARE}", r"(?:^|[\s\"'=`(\[])--?[\w-]{0,30}$"),
    _rule(
        rf"\s+[\"']?{_BARE}",
        r"^\s*(?:ENV|ARG|SETENV|SetEnv|setenv|setx|(?:fastcgi|uwsgi|scgi)_param|set\s+-\w+|\w*export)\s+\w{0,60}$"
        r"|\bconfig(?:ure)?\s+(?:set\s+|-\S+\s+)*[\w.-]{0,60}$",
    ),
    _rule(rf"\s+{_BARE}(?=[\s'\"]|$)", r"(?:\b(?:login|user|account)\s+\S{1,80}\s+|^\s*)$"),
    # ${NAME:-value}, ${name:value}, NAME=${1:-value}
    _rule(rf":?[-=:](?!\?)[\"']?{_BARE}", r"\$\{[\w.-]{0,60}$"),
    _rule(rf"(?:=|[\"']?:\s+)[\"']?\$\{{\w+:?[-=]{_BARE}"),
    # --set a.name=value,b=value of Helm
    _rule(r"=(?P<v>[^\s,\"'`{}$<>]{5,400})", r"\s--set(?:-string)?[=\s]\S{0,150}$"),
)
_TIGHT = _rule(rf"=(?!=){_BARE}(?![,(){{}}\[\]])")
"""``NAME=value`` in a shell, an environment file, a query, a connection string."""

OPENS = re.compile(
    rf"""(?:{_STRONG}|{_KEY}){_REST}(?:{_CLOSING}\s*(?:{_TYPE}?\s*=|:=|=>|:)|[^<>\n]{{0,60}}>)
        (?P<tail>\s*[(\[]?\s*(?:[|>][-+]?|<<[-~]?["']?\w{{1,20}}["']?|[rbuRBU]?"{{3}}|[rbuRBU]?'{{3}})?\s*\\?\s*)$""",
    re.VERBOSE,
)
"""A name at the end of a line, whose value the next line has. ``tail`` is between the two."""
NAMES_A_VALUE = re.compile(
    rf"""(?i:\bname)["']?\s*[:=]\s*["']?[\w.-]{{0,60}}?(?:{_STRONG}|{_KEY}){_REST}["']?\s*,?\s*$""",
    re.VERBOSE,
)
"""``name: X_TOKEN``, where the next line is ``value: …``."""

_UPPER = re.compile(
    r"[A-Z][A-Z0-9_]*(?:PASS(?:WORD|WD|PHRASE)?|PWD|SECRET|TOKEN|KEY)\w*|PASS(?:WORD|WD)?|PWD|TOKEN|SECRET"
)
_IDENTIFIER_END = re.compile(r"[\w.-]+$")
_QUOTE = re.compile("[\"'`]")
_SEPARATORS = ("=", ":")
_NO_VALUE = "_.,;"
_PASSWORD = re.compile(r"(?i:pass|passwd|password|pwd|pw|passphrase)s?\d?")
_TAKES_WORDS = re.compile(
    r"(?i:pass(?:word|wd|_?phrase)?|pwd|pw|psk|secret|(?:secret|private|signing|encryption|jwt)[_-]?key|mnemonic|seed[_-]?phrase)s?\d?"
)
"""Names of secrets that may be several plain words."""
_IN_LISTS = ("',", '",')
_PHRASE = re.compile(r"(?i:phrase|mnemonic)")
_LINE_HEAD = re.compile(r"""\s*(?:-\s+)?["']?""")
_PROPERTY_HEAD = re.compile(r"(?:[\w-]+\.)*[\w-]*")


def may_name_secret(line: str) -> bool:
    """Return whether a line has a word that a secret's name has; quick, and often true for other lines."""
    return _IN_NAMES.search(line.lower()) is not None


def find_named(line: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of values that a name shows to be secrets, where ``may_name_secret``."""
    for name in NAME.finditer(line):
        follows = line[name.end() : name.end() + 1]
        if follows and follows not in _NO_VALUE and not follows.isalnum():
            yield from _behind(name, line)


def _behind(name: re.Match[str], line: str) -> Iterator[tuple[int, int]]:
    """Yield the values behind a name."""
    if _QUOTE.search(line, name.end()):
        for rule in _QUOTED_RULES:
            match = _apply(rule, name, line)
            if match and _is_quoted_secret(name, match["v"]):
                yield span_of_value(match)
        match = _apply(_SETTER, name, line)
        if match and _is_set(name, match["v"]):
            yield span_of_value(match)
    for rule in _BARE_RULES:
        match = _apply(rule, name, line)
        if match and _is_bare_secret(name, match):
            yield span_of_value(match)
    match = _apply(_TIGHT, name, line)
    if match and _is_tight_secret(name, match):
        yield span_of_value(match)


def _apply(rule: _NameRule, name: re.Match[str], line: str) -> re.Match[str] | None:
    match = rule.behind.match(line, name.end())
    start = name.start()
    if match and rule.before and not rule.before.search(line, max(0, start - 160), start):
        return None
    return match


def span_of_value(match: re.Match[str]) -> tuple[int, int]:
    """Return where the value of a match is, without punctuation behind it."""
    start, end = match.span("v")
    return start, end - (len(match["v"]) - len(match["v"].rstrip(";, \\")))


def _is_quoted_secret(name: re.Match[str], value: str) -> bool:
    if "<redacted>" in value or value[0] in " ,);]}+%":  # The quote ends another string.
        return False
    if value.isdigit():
        return len(value) >= 6 and _PASSWORD.fullmatch(name.group()) is not None
    if is_words(value) and value.count(" ") < 8:
        is_item = name.string[name.end() : name.end() + 2] in _IN_LISTS
        if is_item or name["strong"] is None:
            return False
        if is_passphrase(value):
            return _TAKES_WORDS.fullmatch(name.group()) is not None
        return is_password_word(value) and _PASSWORD.fullmatch(name.group()) is not None
    if is_harmless(value):
        return value.count(" ") > 2 and _PHRASE.search(name.group()) is not None
    return name["strong"] is not None or (len(value) >= 8 and is_mixed(value) and " " not in value)


def _is_set(name: re.Match[str], value: str) -> bool:
    """Return whether an argument of a function with a secret's name is one."""
    is_password = _PASSWORD.fullmatch(name.group()) is not None
    return (
        any(map(str.isdigit, value)) and (is_mixed(value) or is_password) and not is_harmless(value)
    )


def _is_bare_secret(name: re.Match[str], match: re.Match[str]) -> bool:
    value = match["v"].rstrip(";,")
    if _is_no_bare_value(value):
        return False
    if is_words(value):
        return _may_be_word(name, value, match)
    between = match.string[name.end() : match.start("v")]
    if is_call(value) or (is_variable(value) and ":" not in between) or value.isdigit():
        return False
    if name["strong"] is None:
        return is_mixed(value) and len(value) >= 8
    return any(map(str.isdigit, value)) or not value.replace("_", "").isalnum()


def _may_be_word(name: re.Match[str], value: str, match: re.Match[str]) -> bool:
    """Return whether a word without quotes is a password: ``password: swordfish``, ``x.password=swordfish``."""
    if not _PASSWORD.fullmatch(name.group()):
        return False
    line, before = match.string, _before(name)
    between = line[name.end() : match.start("v")]
    if between.strip(" \"'") not in _SEPARATORS or (between != "=" and "=" in between):
        return "login " in line and not between.strip()
    head = line[: name.start() - len(before)]
    # In code, ``password = word`` is a variable.
    in_place = not head if between == "=" else _LINE_HEAD.fullmatch(head) is not None
    return in_place and (is_password_word(value) or (value.islower() and value.count("-") > 1))


def _is_tight_secret(name: re.Match[str], match: re.Match[str]) -> bool:
    value = match["v"].rstrip(";,")
    if _UPPER.fullmatch((_before(name) + name.group()).rpartition(".")[2]):
        return not _is_no_bare_value(value) and not is_call(value)
    return _is_bare_secret(name, match)


def _before(name: re.Match[str]) -> str:
    """Return the part of an identifier in front of the name in it."""
    match = _IDENTIFIER_END.search(name.string, max(0, name.start() - 60), name.start())
    return match.group() if match else ""


def _is_no_bare_value(value: str) -> bool:
    return len(value) < 5 or is_placeholder(value) or is_path(value)
