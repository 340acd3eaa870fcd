"""Ordinary code of many languages and libraries that looks like secrets: it is sent as it is."""

from __future__ import annotations

import pytest

from ensemble_lsp.context.secret_redaction import Redactor

SPECIAL_TOKENS = [
    'pad_token: "[PAD]",',
    'unk_token: String::from("[UNK]"),',
    'special_tokens=["[PAD]", "[SEP]", "[CLS]"],',
    '"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"',
    '"additional_special_tokens": ["<|im_start|>", "<|im_end|>"],',
    'eos_token = "<｜end▁of▁sentence｜>"',
    'assert single.tokens == ["my</w>", "name</w>", "▁is", "##face"]',
    'tokens = ["[/INST]", "[unused12]"]',
]
PATHS_OF_NAMES = [
    "pub use super::token::PyToken;",
    "include HttpAuthentication::Token::ControllerMethods",
    "register :argon2, SecurePassword::Argon2Password",
    "auto kind = Token::Identifier2;",
    '"A special token:".into(),',
]
ADDRESSES_OF_ACCOUNTS = [
    'const tokenAddress = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";',
    "IEntryPoint constant ENTRYPOINT = IEntryPoint(0x0000000071727De22E5E9d8BAf0edAc6f37da032);",
    "  spender: '0xD68E96620804446c4B1faB3103A08C98d4A8F55f',",
]
OPERATORS = [
    "Assert.Single(e01!.AlternateVersions);",
    "const id = user1!.Account;",
    "listener.onSettings(this@Http2Connection, peer)",
    "return@Lambda2Handler",
]
TEMPLATES = [
    'val usernameAndPassword = "$username:$password"',
    'let credentials = "\\(basic.username):\\(basic.password)"',
]
NUMBERS = [
    "const firstTokenValue = 1000n;",
    "token_expiry=900s",
    "let token_limit_secret = 10_000u64;",
]
BESIDE_NAMES = [
    'User.create(name: "Jane", password: "password", email: "jane.doe@example.com")',
    'params: { user: { password_challenge: "invalid", unconfirmed_email: "new@example.org" } }',
    "res[slug] = `pass:normal[xref:${item.page}]`;",
]
MAPPINGS = [
    "secrets:\n  db_password:\n    file: ./secrets/db2.txt\n    environment: DB2_PASSWORD",
    "    secrets:\n      token: ${{ secrets.TOKEN2 }}\n    with:\n      node: node20version",
    "credentials:\n  provider: aws-us-east-1\n  region: eu-west-1",
    'existingSecret: "redis-auth-v2"',
    "password: ${DB_PASSWORD:?error9}",
    "secrets:\n  - db-password2\n  - source: tls2-key\n    target: server",
    "def secrets:\n    a: b2",
]
LONG_NAMES = [
    ".to.be.revertedWithCustomError(this.mock, 'MultiSignerERC7913UnreachableThreshold')",
    "- (id)hf_requiredCharacteristicTypesForDisplayMetadata;",
]


@pytest.mark.parametrize(
    "line",
    SPECIAL_TOKENS
    + PATHS_OF_NAMES
    + ADDRESSES_OF_ACCOUNTS
    + OPERATORS
    + TEMPLATES
    + NUMBERS
    + BESIDE_NAMES
    + MAPPINGS
    + LONG_NAMES,
)
def test_ordinary_code_is_left_alone(line: str) -> None:
    assert Redactor().redact(line) == (line, 0)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ('eos_token = "s3cret</s"', "s3cret"),
        ('password = "[PAD]x9!"', "[PAD]x9!"),
        ('api_key = "900sx1y2z3"', "900sx1y2z3"),
        ('os.environ.get("TOKEN", default="jane9@example.com!")', "jane9"),
        ('private_key = "0x' + "A0b86991c6218b36" * 4 + '"', "A0b86991c6218b36"),
    ],
)
def test_a_secret_that_only_begins_like_ordinary_code_is_replaced(line: str, secret: str) -> None:
    assert secret not in Redactor().redact(line)[0]
