"""Secrets that a name elsewhere shows: in lists, tables, pairs, forms, statements and manifests."""

from __future__ import annotations

import re

import pytest
from benchmarks.secrets import leaks

from ensemble_lsp.context.secret_redaction import Redactor

redact = Redactor().redact
BYTES = "0x3f, 0xa2, 0x11, 0x90, 0x4c, 0xee, 0x71, 0x08, 0x9b, 0x20, 0xd5, 0x66"

TEXTS = [
    'passwords = ["«kangaroo12»", "«Giraffe!99»"]',
    'PASSWORDS = (\n    "«kangaroo12»",\n    # of the second\n    "«Giraffe!99»",\n)',
    'api_keys = {\n    "alice": "«ybjCNzzMbHMDCDPSoY4B7tTZ»",\n    "bob": "«urNvispaKEvt3RV7QuVrNflj»",\n}',
    'password = {"dev": "«kangaroo12»", "prod": "«Giraffe!99»"}[stage]',
    '{"password": {"type": "string", "value": "«kangaroo12»"}}',
    'secrets := []string{"«kangaroo12»", "«Giraffe!99»"}',
    '@pytest.mark.parametrize("password", ["«kangaroo12»", "«Giraffe!99»"])',
    'user, password = "admin", "«kangaroo12»"',
    'users = [("alice", "«kangaroo12»"), ("bob", "«Giraffe!99»")]',
    'DB = ("localhost", 5432, "app", "«kangaroo12»")',
    "INSERT INTO users (name, password) VALUES ('admin', '«kangaroo12»'), ('b', '«Giraffe!99»')",
    "user,password,role\nadmin,«kangaroo12»,root\nbob,«Giraffe-77»,dev",
    "| user | password |\n| --- | --- |\n| admin | «Kangaroo!12» |\n| bob | `«Giraffe-77»` |",
    "await page.fill('input[name=password]', '«kangaroo12»')",
    'driver.find_element(By.ID, "password").send_keys("«kangaroo12»")',
    'child.expect("Password:"); child.sendline("«kangaroo12»")',
    f"client_key = bytes([«{BYTES}»])",
    f"static const unsigned char client_key[] = {{\n  «{BYTES}»,\n}};",
    f"var privateKey = []byte{{\n\t«{BYTES}»,\n}}",
    "kind: Secret\ndata:\n  username: YWRtaW4=\n  foo: «a2FuZ2Fyb28xMg==»\n---\nkind: ConfigMap\ndata:\n  bar: plain",
    "kind: Secret\nstringData:\n  config: «kangaroo»",
    "<key>APISecret</key>\n<string>«kangaroo12»</string>",
    "privateExponent:\n    «00:c4:1f:09:aa:31:77:bd:e0:12:5c:88:f3:40:6b»:",
    'app.config["SECRET_KEY"] = "«dev kangaroo twelve»"',
    'PASSPHRASE = "«correct horse battery staple»"',
    'jwt.encode(payload, "«kangaroo-signs»", algorithm="HS256")',
    "# old login: admin / «Kangaroo!12»",
    'password = getpass() if ask else "«kangaroo12»"',
    "password = '''\n«kangaroo12»\n'''",
    'contraseña = "«canguro12»"',
    'пароль = "«kenguru12»"',
    "passwort: «kaenguru12»",
    'assert check_password("«Welcome2024!»", user.password)',
    'headers = {"Authorization": "Basic " + b64encode(b"bob:«Welcome2024!»")}',
    'Account.from_key("«0x779f9b9d9885494b77a92c396db6fc40c345a4281c66689ea6a3193aa27fbb9b»")',
    'pyotp.TOTP("«G33AO66JWX2GNIDRSGFW7RVQDSQ5LPSL»")',
    "wpa-psk «Welcome2024!»",
    "the account is bob with «Welcome2024!» until Monday",
]  # fmt: skip
ORDINARY = [
    'tokens = ["if", "else", "->>=", "identifier1"]',
    "tokens = {\n    'root': [\n        (r'0x[A-Za-z0-9]+', Number.Integer),\n        (r'/-', Comment, '#pop'),\n    ],\n}",
    'tokens = list(tokenize(read, encoding="utf-8"))',
    '"js-tokens": {\n  "version": "4.0.1",\n  "integrity": "sha512-MT/xP0CrubFRNLNKvxJ2BYfy53Zkm++5bX9dtu=="\n}',
    '{"password": {"type": "string", "format": "sha256", "description": "At least 8 of them"}}',
    'password = "Wrong password"',
    'message = "Enter the new password"',
    'password_fields = ["password1", "password2"]',
    "name, password, email\nuser.name, user.password, user.email\n",
    'current = {\n    api_key,\n}\nother = (\n    first1,\n)',
    'user, host = "admin1", "server7"',
    'jwt.encode(payload, "your-secret-key", algorithm="HS256")',
    "sizes = [12, 240, 33, 99, 180, 7, 61, 222, 90, 14, 201, 77]",
    "kind: ConfigMap\ndata:\n  first: kangaroo12",
    "locale = 'sr_RS.UTF-8@latin'",
    "see https://en.wikipedia.org/wiki/ANSI_escape_code#8-bit for more",
    "if(!a)return!0;if(b.Type===3)return!1",
    '"Unexpected_token_1012": "予期しないトークンです。"',
]  # fmt: skip


@pytest.mark.parametrize("marked", TEXTS)
def test_a_secret_that_a_name_elsewhere_shows_is_replaced(marked: str) -> None:
    secrets = re.findall("«(.*?)»", marked)
    text = re.sub("[«»]", "", marked)
    clean = redact(text)[0]
    around = re.sub("«.*?»", "\n", marked)
    assert not [secret for secret in secrets if leaks(secret, clean, around)], clean
    assert clean.count("\n") == text.count("\n")
    assert redact(clean)[0] == clean


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_lists_stay(text: str) -> None:
    assert redact(text)[0] == text
