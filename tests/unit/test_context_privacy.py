"""Privacy: ignore rules, secret names, links out of the workspace, and secrets in text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ensemble_lsp.context.content_exclusion import PrivacyFilter
from ensemble_lsp.context.secret_redaction import PLACEHOLDER, Redactor

redact = Redactor().redact


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("src/a.py", True),
        ("a.log", False),
        ("keep.log", True),
        ("build/x.py", False),
        ("build/keep.py", False),
        ("src/deep/b.gen.py", False),
        ("src/deep/ok.gen.py", True),
        ("other/b.gen.py", True),
        (".env", False),
        ("src/.env.local", False),
        ("src/id_rsa", False),
        ("src/Server.PEM", False),
        ("mine/secret_plan.py", False),
        (".aws/credentials", False),
    ],
)
async def test_ignore_rules_secret_names_and_patterns_decide(
    tmp_path: Path, path: str, allowed: bool
) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "*.log\n!keep.log\nbuild/\n!build/keep.py\n!.env\n!secret_*\n",
            "src/deep/.gitignore": "*.gen.py\n!ok.gen.py\n",
        },
    )
    privacy = PrivacyFilter([tmp_path], ["secret_*"])
    await privacy.prepare(tmp_path / path)
    assert privacy.allowed(tmp_path / path) is allowed


async def test_the_rule_that_refuses_is_named(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*.log\n"})
    privacy = PrivacyFilter([tmp_path], ["*.sql"])
    for name in ("a.log", "a.sql", ".env"):
        await privacy.prepare(tmp_path / name)
    assert ".gitignore" in str(privacy.exclusion_reason(tmp_path / "a.log"))
    assert "privacy.exclude" in str(privacy.exclusion_reason(tmp_path / "a.sql"))
    assert "secrets" in str(privacy.exclusion_reason(tmp_path / ".env"))


def test_what_was_not_prepared_is_refused(tmp_path: Path) -> None:
    assert not PrivacyFilter([tmp_path]).allowed(tmp_path / "a.py")


async def test_a_file_outside_of_the_workspace_is_judged_by_its_name(tmp_path: Path) -> None:
    privacy = PrivacyFilter([tmp_path / "inside"])
    for name in ("a.py", ".env"):
        await privacy.prepare(tmp_path / name)
    assert privacy.allowed(tmp_path / "a.py")
    assert not privacy.allowed(tmp_path / ".env")


async def test_rules_above_the_opened_folder_count_up_to_the_repository(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*.py\n", "repo/.gitignore": "*.txt\n", "repo/sub/a.py": ""})
    write(tmp_path, {"repo/.git/HEAD": "ref: refs/heads/main\n"})
    privacy = PrivacyFilter([tmp_path / "repo/sub"])
    for name in ("a.py", "a.txt"):
        await privacy.prepare(tmp_path / "repo/sub" / name)
    assert privacy.allowed(tmp_path / "repo/sub/a.py")
    assert not privacy.allowed(tmp_path / "repo/sub/a.txt")


def test_links_that_lead_out_are_not_readable(tmp_path: Path) -> None:
    write(tmp_path, {"out/a.py": "x", "in/b.py": "y", "in/.env": "z"})
    (tmp_path / "in/link.py").symlink_to(tmp_path / "out/a.py")
    (tmp_path / "in/hidden.py").symlink_to(tmp_path / "in/.env")
    (tmp_path / "in/folder").symlink_to(tmp_path / "out")
    privacy = PrivacyFilter([tmp_path / "in"])
    assert privacy.readable(tmp_path / "in/b.py") is not None
    for name in ("link.py", "hidden.py", "folder/a.py", "../out/a.py", "none.py", "."):
        assert privacy.readable(tmp_path / "in" / name) is None


def test_rules_made_to_take_forever_hide_their_folder_at_once(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*a" * 40 + "b\n", "a.py": ""})
    start = time.perf_counter()
    assert PrivacyFilter([tmp_path]).check(tmp_path / ("a" * 200)) is not None
    assert time.perf_counter() - start < 1


SECRETS = [
    'key = "AKIA' + "IOSFODNN7EXAMPLE" + '"',
    "token: ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "sk-" + "ant-api03-AbCdEf0123456789_AbCdEf0123456789",
    "sk-" + "proj-AbCdEf0123456789AbCdEf0123456789",
    "xoxb-" + "123456789012-abcdefABCDEF",
    "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabc\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk",
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END OPENSSH PRIVATE KEY-----",
    "postgres://admin:hunter22@db.local/app",
    "Authorization: Bearer abcdefghijklmnop0123456789",
    'password = "correct-horse-7"',
    '"api_key": "zq8KxT2mP0"',
    "DB_PASSWORD=s3cr3tvalue\n",
    'self.client_secret: str = "8Hx!kk2lPq"',
    'x = "q7Rf9Zk2LmX4vB8nT1cW6yH3pD5sJ0aG"',
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_replaced_once_and_for_all(text: str) -> None:
    clean, count = redact(f"before = 1\n{text}\nafter = 2\n")
    assert count == 1
    assert PLACEHOLDER in clean
    assert clean.startswith("before = 1\n")
    assert "after = 2" in clean or "BEGIN OPENSSH" in text
    assert redact(clean) == (clean, 0)


@pytest.mark.parametrize(
    "text",
    [
        'password = os.environ["PASSWORD"]',
        'password: str = ""',
        'PASSWORD_FIELD = "password"',
        'token = get_token("a", 1)',
        'token_url = "https://example.org/oauth/token"',
        'secret = "<your secret>"',
        'api_key = "${API_KEY}"',
        'secret = "your-secret-here"',
        "def f(token: str, key: int = 1) -> None: ...",
        'name = "this_is_a_long_identifier_with_words"',
        'path = "server/ensemble_lsp/context/documents"',
        'id = "123e4567-e89b-12d3-a456-426614174000"',
        "for key in tokens: secret += key",
        "class sk-circle-fade-dot { }",
        'kind = "application/x-www-form-urlencoded"',
    ],
)
def test_ordinary_code_is_left_alone(text: str) -> None:
    assert redact(text) == (text, 0)


def test_redaction_can_be_switched_off() -> None:
    assert PrivacyFilter(redact_secrets=False).redact(SECRETS[0]) == (SECRETS[0], 0)
