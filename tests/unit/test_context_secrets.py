"""The maintained detector beside our own rules: its kinds of keys, ordinary code, hostile lines."""

from __future__ import annotations

import asyncio
import random
import socket
import string
from pathlib import Path

import pytest

import ensemble_lsp
from ensemble_lsp.context import secret_redaction, secret_search
from ensemble_lsp.context.secret_redaction import PLACEHOLDER, Redactor
from ensemble_lsp.context.secret_rules import within_line
from ensemble_lsp.context.secret_spans import Span
from ensemble_lsp.context.workspace_index import WorkspaceContext
from ensemble_lsp.settings import PrivacySettings
from tests.support.workspace_prompts import LOCAL, REMOTE

ALPHANUMERIC = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits


def drawn(alphabet: str, size: int) -> str:
    """Characters without meaning, the same in every run."""
    rng = random.Random(size)
    return "".join(rng.choice(alphabet) for _ in range(size))


AWS_SECRET = drawn(ALPHANUMERIC + "/+", 40)
AZURE = drawn(ALPHANUMERIC + "+/", 86) + "=="
ARTIFACTORY = "AKC" + drawn(ALPHANUMERIC, 60)
ENCRYPTED = "APB" + drawn(ALPHANUMERIC, 30)
CLOUDANT = drawn(HEX, 64)
CLOUDANT_KEY = drawn(string.ascii_lowercase, 24)
IBM = drawn(ALPHANUMERIC + "_-", 44)
IBM_COS = drawn(HEX, 48)
MAILCHIMP = drawn(LOWER, 32) + "-us12"
NPM = "c0ffee00-dead-4bad-a5a5-0123456789ab"
SOFTLAYER = drawn(LOWER, 64)
TWILIO = "SK" + drawn(LOWER, 32)

BOTH_KNOW = [
    ("DefaultEndpointsProtocol=https;AccountName=me;AccountKey={};EndpointSuffix=core", AZURE),
    ("//registry.local/:_authToken={}", NPM),
    ("x = list['aws_key'], '{}'", AWS_SECRET),
]
ITS_OWN = [
    ("curl -H X-JFrog-Art-Api:{}", ARTIFACTORY),
    ("jfrog rt ping --user me --pw {} --url a", ENCRYPTED),
    ("cloudant_pass {}", CLOUDANT),
    ("cl-apikey => {}", CLOUDANT_KEY),
    ("ibm_cloud_iam_key {}", IBM),
    ("ibm-cos-hmac_secret_access_key {}", IBM_COS),
    ("# mailchimp: {}", MAILCHIMP),
    ("softlayer-api-key {}", SOFTLAYER),
    ("http://api.softlayer.com/soap/v3/{}", SOFTLAYER),
    ("curl -u {}: api", TWILIO),
]

UNKNOWN_TO_US = (CLOUDANT, CLOUDANT_KEY, IBM_COS, SOFTLAYER)


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize(("line", "key"), ITS_OWN + BOTH_KNOW)
def test_keys_that_the_detector_knows_are_replaced(redactor: Redactor, line: str, key: str) -> None:
    clean, count = redactor.redact(f"a = 1\n{line.format(key)}\nb = 2\n")
    assert count == 1
    assert clean == f"a = 1\n{line.format(PLACEHOLDER)}\nb = 2\n"
    assert redactor.redact(clean) == (clean, 0)


@pytest.mark.parametrize(("line", "key"), [each for each in ITS_OWN if each[1] in UNKNOWN_TO_US])
def test_some_of_them_our_own_rules_do_not_know(line: str, key: str) -> None:
    text = line.format(key)
    assert within_line(text) == (text, 0)


@pytest.mark.parametrize(
    "line",
    [
        'password = get_password("user")',
        "def test_ghp_tokens(self, key: str = KEY) -> None:",
        "# since 3f786850e387550fdab836ed7e6dc881de23001b",
        'host = "203.0.113.77:8443"',
        "url = f'https://{user}:{password}@{host}/'",
        "proxy = 'http://user:<password>@proxy:3128'",
        'if text.startswith("-----BEGIN RSA PRIVATE KEY-----"):',
        "APPLICATION_VERSION = APIVERSION2024",
        "self.assertEqual(len(AP1234), 7)",
        "AKC = 'AK'; SKU = 'SK-2041-XL'",
        "from aws_cdk.aws_lambda import LayerVersionPermission2",
        "<img src='data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA'>",
        'HEADING = "-----BEGIN PRIVATE KEY-----"\nNAMEOFSOMETHING = 5\n',
        "xoxb-… and sk_live_… are how such keys begin",
        "tests/unit/test_context_secrets_2024_11_26.py::test_case_12",
    ],
)
def test_ordinary_code_is_left_alone(redactor: Redactor, line: str) -> None:
    assert redactor.redact(line) == (line, 0)


def test_in_our_own_sources_nothing_is_taken_for_a_secret(redactor: Redactor) -> None:
    found = {
        path.name: count
        for path in Path(ensemble_lsp.__file__).parent.rglob("*.py")
        if (count := redactor.redact(path.read_text(encoding="utf-8"))[1])
    }
    assert found == {}


@pytest.mark.parametrize("size", [300, 599, 1200, 5000])
def test_a_key_is_found_anywhere_in_a_long_line(redactor: Redactor, size: int) -> None:
    for shift in (0, 1, 17, 200, 399):
        before = ("word, " * size)[: size - shift]
        clean, count = redactor.redact(f"{before} {MAILCHIMP} {before}")
        assert (clean, count) == (f"{before} {PLACEHOLDER} {before}", 1)


def test_two_keys_in_a_line_and_a_ruler_between_them(redactor: Redactor) -> None:
    line = f"{MAILCHIMP} {'/' * 40} {TWILIO} {MAILCHIMP}"
    told = f"{PLACEHOLDER} {'/' * 40} {PLACEHOLDER} {PLACEHOLDER}"
    assert redactor.redact(line) == (told, 3)


# By the square of their length these would take minutes, and the test's time limit ends it.
HOSTILE = [
    "//a1", "cl_key" + " " * 50 + "1", "eyJ-", "sk-", "AP1", "a1", "://a:", "password: ", "xoxb-1-",
    "SG.-", "'a1", "Bearer ", "aws key 1", "//a/:_auth1", "hf_a-", "PRIVATE KEY/", "token=\n1",
    "-----BEGIN PRIVATE KEY-----", "PRIVATE KEY\n" + "/" * 99, "ibm_cos_secret_access_key1",
    "password", "password=", "a.password(", "token ", "<password ", "-p ", "auth('a', ", "Bearer a",
    "insert into values key ",
    "'abc' + ", "https://a:b", "pk.eyJ", "passwordvalue_", "${password:", "echo a |", "name: secret ", "/" * 50 + "!",
    " secret set a", " -u 'a", "--from-literal=a", "BUNDLE_A__B: ", "$a:", "\\(a", "password = $a:",
    "config http-basic.a b ",
    "put-parameter ", "password <<", "A_KEY = ", '"kind":"Secret","data":{', " --set a.password=", "Authorization: a ",
]  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("part", HOSTILE)
def test_lines_made_to_take_forever_do_not(redactor: Redactor, part: str) -> None:
    text = part * (60_000 // len(part))
    clean, _ = redactor.redact(text)
    assert redactor.redact(clean)[0] == clean or len(clean) <= len(text)


def test_lines_are_searched_once_and_none_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    real = secret_search.find_secrets

    def counted(line: str, may_hold: bool, may_name: bool) -> list[Span]:
        searched.append(line)
        return real(line, may_hold, may_name)

    monkeypatch.setattr(secret_search, "find_secrets", counted)
    redactor = Redactor()
    key = f"key = '{MAILCHIMP}'"
    for _ in range(3):
        assert redactor.redact(f"one = 1\ntwo = 2\n{key}\n")[1] == 1
    assert searched == ["one = 1", "two = 2", key]
    assert "one" not in repr(redactor._verdicts) and MAILCHIMP not in repr(redactor._verdicts)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_redaction, "_REMEMBERED", 50)
    redactor = Redactor()
    for number in range(1000):
        assert redactor.redact(f"line {number}\nalways")[1] == 0
    assert len(redactor._verdicts) + len(redactor._older) <= 101


def test_nobody_is_asked_whether_a_key_is_valid(
    redactor: Redactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    hook = "https://hooks.slack.com/services/T00000000/B00000000/" + drawn(ALPHANUMERIC, 24)
    for text in (MAILCHIMP, hook, "sk_live_" + drawn(ALPHANUMERIC, 24)):
        assert redactor.redact(text)[1] == 1


async def test_it_is_loaded_for_models_off_this_machine_and_off_the_loop() -> None:
    workspace = WorkspaceContext()
    await workspace.guard([LOCAL])
    assert workspace._redactor._search is None
    await asyncio.gather(workspace.guard([LOCAL, REMOTE]), workspace.guard([REMOTE]))
    loaded = workspace._redactor._search
    assert loaded
    assert {type(each).__name__ for each in loaded.detectors}.isdisjoint(secret_search.OFF)
    await workspace.set_privacy(PrivacySettings(exclude=("*.sql",)))
    assert workspace.privacy.redact(MAILCHIMP) == (PLACEHOLDER, 1)
    assert workspace._redactor._search is loaded


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('a = 1\npassword = "hunt', 'er2hunter2"\nb = 2'),
        ('a = 1\npassword = "', 'hunter2hunter2"\nb = 2'),
        (f"# {MAILCHIMP[:20]}", f"{MAILCHIMP[20:]}, it said\n"),
        (f'key = "{AWS_SECRET[:11]}', f'{AWS_SECRET[11:]}"'),
        ("postgres://me:hun", "ter22@db/x"),
    ],
)
def test_a_secret_on_both_sides_of_the_cursor_is_replaced(
    redactor: Redactor, before: str, after: str
) -> None:
    left, right, count = redactor.seam(before, after)
    assert count == 1
    clean, _ = redactor.redact(before + after)
    assert left + right == clean


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('a = 1\npassword = "hunter2hunter2', '"\nb = 2'),
        ("def area(width, he", "ight):\n    return"),
        ("", "a"),
        ("a\n", "\nb"),
        (f'key = "{MAILCHIMP}"; x', " = 2"),
        ("x = ", f'2; key = "{MAILCHIMP}"'),
    ],
)
def test_ordinary_code_and_secrets_on_one_side_are_not_the_seams_business(
    redactor: Redactor, before: str, after: str
) -> None:
    assert redactor.seam(before, after) == (before, after, 0)


def test_a_secret_that_is_being_typed_is_replaced(redactor: Redactor) -> None:
    assert redactor.redact('a = 1\npassword = "hunter2h') == (
        f'a = 1\npassword = "{PLACEHOLDER}',
        1,
    )
