"""Classifies a value that may be a secret: random, a placeholder, a reference, or words."""

from __future__ import annotations

import base64
import math
import re
from collections import Counter

_NUMBERED_NAME = re.compile(
    r"[a-z]+(?:[_-][a-z]+)*[_-]?v?\d{1,4}|[A-Z]+(?:[_-][A-Z]+)*[_-]?V?\d{1,4}"
)
_NAMES_OF_SECRETS = "pass|passwd|password|passphrase|pwd|secret|token|credential|key"
_EXPRESSION = r"""[A-Za-z_]\w*(?:\.\w+|\[['"]?\w+['"]?\]|\([\w.,\ '"]{0,40}\))*(?:![rsa])?(?::[\w.,<>^+%]{0,8})?"""
"""The part of an interpolated string between its braces."""
_PLACEHOLDERS = re.compile(
    rf"""(.)\1+|x{{3,}}.*|\*+.*|\.{{3}}.*|.*\.{{3}}|.*…
    |.*(?:<[\w -]+>|\{{\{{|\{{\w*(?:[.:!]\w+)*\}}|\{{{_EXPRESSION}\}}|\#\{{|\$\{{|\$\(|%[sdr]\b|%\(|\\\([\w.!?]+\)).*
    |\$\w+(?:[:@/ .,_-]+\$\w+)*|%\w+%
    |(?:your|example|dummy|fake|sample|placeholder|todo|insert|enter|replace)
     (?:[-_ .]|(?={_NAMES_OF_SECRETS}|api|access|value|user|here)).*
    |(?:my|the|some|test|put|add|use|set|new|old|wrong|bad|good|invalid|valid|another|other)
     (?:[-_ .]|(?={_NAMES_OF_SECRETS}|api|access|value|user))[a-z_. -]*\d?
    |change[-_ ]?(?:me|it|this).{{0,3}}|(?:to[-_ ]?be[-_ ]?)?(?:replaced?|redacted|removed|hidden|masked|generated).*
    |(?:none|null|nil|true|false|undefined|required|optional|string|user|admin|root|foo|bar|baz|{_NAMES_OF_SECRETS})s?\d?
    |(?:arg|param|value|var|name|field|item|col|test|input)s?_?\d{{1,2}}
    |(?:{_NAMES_OF_SECRETS})s?[_-][a-z]+(?:[_-][a-z]+)*[_-]?\d{{0,2}}
    |[\^~<>=v]{{0,2}}\d+(?:\.[\dx*]+)+(?:-\w+)?(?:\.\d+)?
    |\#(?:[0-9a-f]{{3,4}}|[0-9a-f]{{6}}|[0-9a-f]{{8}})|[\w-]+(?:\.[\w-]+)*:\d{{1,5}}|https?://[^@]*|urn:.*|arn:.*|[0-9_.,:-]+|0x(?:[0-9a-f]{{1,16}}|[0-9a-f]{{40}})
    |[0-9_.]+(?:n|px|r?em|[mun]?s|[mhd]|[uif]\d{{1,3}}|[uflz]{{1,3}}|e[+-]?\d{{1,3}})
    |\[/?[a-z_]+\d{{0,4}}\]|▁\w+|\w*</\w+>|\.\w+\(.*|<[|｜][^<>|｜]+[|｜]>|\\?[/@]\w*|-.*|![a-z]+|=.*""",
    re.VERBOSE | re.IGNORECASE,
)
_WORDS = re.compile(r"[_./-]*[^\W\d_]+(?:[_ .:,'/-]+[^\W\d_]+)*[:?!.… )]*|")
_CALL = re.compile(
    r"""[&*!]?[A-Za-z_][\w.:>-]*(?:\(.*|\[.*)|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+[;,)]?
    |(?:os|process|env|config|settings|self|this|var|data|local)\.[\w.\[\]"']+|\w+\s*[!=]==?\s*[^\s=].*""",
    re.VERBOSE,
)
_VARIABLE = re.compile(
    rf"[a-z]+(?:_[a-z]+)+_?\d{{0,2}}|[a-z]{{1,4}}\d|(?:{_NAMES_OF_SECRETS})s?\d{{0,2}}|[A-Z_]+_[A-Z0-9_]+"
)
_PARTS_OF_NAMES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_PATH = re.compile(r"~?\.{0,2}/?(?:[\w.@-]+/)+[\w.@-]*")
_GENERIC = (
    "pass", "keyword", "secret", "token", "field", "input", "string", "bytes", "hidden", "text", "requir", "option",
    "valid", "correct", "missing", "value", "default", "user", "admin", "login", "none", "null", "empty", "random",
    "plain", "basic", "hash", "argon", "crypt", "digest", "example", "test", "dummy", "change", "your", "prompt",
    "keyring", "cred", "auth", "client", "server", "vault", "expire", "reset", "forgot", "confirm", "enter", "exist",
    "current", "disable", "enable", "bearer", "number", "boolean", "object", "unicode", "undefined", "unknown",
    "ignore", "needed", "public", "private", "static", "return", "environ", "config", "setting", "method", "kerberos",
    "oauth", "other", "wrong", "weak", "strong", "short", "something", "anything", "whatever", "mandatory",
)  # fmt: skip
"""A word with one of these within it names a field, a type or a state, and is no password."""
_APP_PASSWORD = re.compile(r"(?=.*[b-df-hj-np-tv-xz]{3})(?:[a-z]{4} ){3}[a-z]{4}")
_STOP_WORDS = frozenset(
    ("the", "a", "an", "is", "are", "be", "to", "of", "for", "and", "or", "if", "not", "no", "you", "it", "its", "this",
     "that", "when", "with", "without", "must", "should", "has", "have", "by", "on", "in", "from", "was", "can", "may",
     "will", "than", "least", "only", "please", "use", "used", "see", "via", "key", "keys", "code", "name", "word",
     "words", "file", "data", "type", "error", "failed", "manager", "policy", "sign", "log", "stored", "saved")
)  # fmt: skip
_MOST_WORDS = 26
_ALGORITHM = re.compile(
    r"(?i)(?:sha|md|aes|hs|rs|es|ps|utf|base|ed|rsa|blake|ripemd|crc|win|x|p|v|iso|http|oauth|tls|ssl|scrypt|pbkdf|secp|curve|latin|ipv|cp|sm|us)"
    r"[-_]?\d{1,5}\w{0,4}(?:[-_/:](?:sha|md|cbc|gcm|ctr|ecb|\d)\w*)*"
)
"""Algorithms, encodings and versions: names with numbers."""
_NOT_BASE64 = re.compile("[^A-Za-z0-9+/]")
_URL_SAFE = str.maketrans("-_", "+/")
_SHORTEST_WORD = 6
_LONG_WORD, _MANY_PARTS = 24, 0.3
_RANDOM_WORD, _MORE_PARTS = 10, 0.36
"""Letters of both cases, and their parts for each letter: a short name may have several capitals in a row."""
_SEQUENCES = "abcdefghijklmnopqrstuvwxyz 0123456789 qwertyuiop asdfghjkl zxcvbnm"


def is_mixed(text: str) -> bool:
    """Return whether digits are mixed with letters, as in random text and unlike in a name."""
    digits = sum(map(str.isdigit, text))
    return 0 < digits < len(text) and not _NUMBERED_NAME.fullmatch(text)


def is_scrambled(text: str, share: float) -> bool:
    """Return whether capitals, small letters and digits alternate more often than in names.

    ``share`` is that of the parts that a name would have among the characters.
    """
    if share_of_parts(text) < share:
        return False
    kinds = [sum(map(test, text)) for test in (str.isdigit, str.islower, str.isupper)]
    return min(kinds) > 1 and not has_sequence(text)


def share_of_parts(text: str) -> float:
    """Return how many parts a text would have as a name, for each of its characters."""
    return len(_PARTS_OF_NAMES.findall(text)) / len(text)


def has_sequence(text: str) -> bool:
    """Return whether five characters follow each other as in an alphabet or on a keyboard."""
    lower = text.lower()
    return any(lower[at : at + 5] in _SEQUENCES for at in range(len(lower) - 4))


def is_encoded_text(*lines: str) -> bool:
    """Return whether base64 encodes text, or mostly zeros, and no random bytes."""
    text = _NOT_BASE64.sub("", "".join(lines).translate(_URL_SAFE))
    for shift in range(4):
        data = base64.b64decode(text[shift : len(text) - (len(text) - shift) % 4])
        printable = sum(32 <= each < 127 or each in b"\n\r\t" for each in data)
        if printable > 0.65 * len(data) or data.count(0) > 0.25 * len(data):
            return True
    return False


def entropy(text: str) -> float:
    """Return Shannon's entropy of the characters, in bits a character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def is_placeholder(value: str) -> bool:
    """Return whether a value only shows where a secret goes."""
    return _PLACEHOLDERS.fullmatch(value) is not None


def is_words(value: str) -> bool:
    """Return whether a value is plain words, or empty. Long random letters are no word."""
    if len(value) >= _RANDOM_WORD and value.isalpha() and value.isascii():
        most = _MANY_PARTS if len(value) >= _LONG_WORD else _MORE_PARTS
        if share_of_parts(value) >= most:
            return False
    return _WORDS.fullmatch(value) is not None


def is_harmless(value: str) -> bool:
    """Return whether a value is a placeholder, plain words, a sentence, an algorithm, or a path."""
    return (
        is_placeholder(value)
        or is_algorithm(value)
        or is_words(value)
        or is_sentence(value)
        or is_path(value)
    )


def is_sentence(value: str) -> bool:
    """Return whether a value is several words, with numbers among them or not."""
    if any(char > "\u2e7f" for char in value) and not any(map(str.isdigit, value)):
        return True  # languages without spaces between words
    parts = value.split()
    words = sum(part.strip(",.:;!?()").isalpha() for part in parts)
    fewest = 4 if any(map(str.isdigit, value)) else 3
    return len(parts) > fewest and words >= 0.7 * len(parts)


def is_app_password(value: str) -> bool:
    """Return whether a value is four groups of four letters, as mail services make passwords for programs."""
    return _APP_PASSWORD.fullmatch(value) is not None


def is_path(value: str) -> bool:
    """Return whether slashes separate names, and not random characters."""
    if not _PATH.fullmatch(value):
        return False
    parts = value.split("/")
    return not any(
        is_mixed(part) and part != part.lower() and part != part.upper() for part in parts
    )


def is_call(value: str) -> bool:
    """Return whether a value without quotes is a call, an attribute, or a comparison."""
    return _CALL.fullmatch(value) is not None


def is_variable(value: str) -> bool:
    """Return whether a value without quotes is the name of a variable."""
    return _VARIABLE.fullmatch(value) is not None


def is_passphrase(value: str) -> bool:
    """Return whether a value is a few words without a sentence's, as in ``correct horse battery staple``."""
    words = value.split(" ")
    return 1 < len(words) <= _MOST_WORDS and all(
        word.isalpha()
        and word.islower()
        and len(word) > 2
        and word not in _STOP_WORDS
        and (word == "correct" or not any(map(word.__contains__, _GENERIC)))
        for word in words
    )


def is_algorithm(value: str) -> bool:
    """Return whether a value is the name of an algorithm, an encoding or a version."""
    return _ALGORITHM.fullmatch(value) is not None


def is_password_word(value: str) -> bool:
    """Return whether a plain word may be a password: not the name of a field, a type or a state."""
    return (
        len(value) >= _SHORTEST_WORD
        and value.isalpha()
        and value.islower()
        and not any(map(value.__contains__, _GENERIC))
        and not is_placeholder(value)
    )
