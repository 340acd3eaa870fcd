"""Secrets that are recognised by their characters alone, because a document has or had them."""

from __future__ import annotations

import pytest

from ensemble_lsp.context.known_secrets import KnownSecrets, replaced_texts
from ensemble_lsp.context.redacted_documents import RedactedDocuments, redact_prompt
from ensemble_lsp.context.secret_redaction import PLACEHOLDER, Redactor
from ensemble_lsp.next_edit.edit_history import Hunk
from ensemble_lsp.types import Document, Prompt

PASSWORD = "hunter2-Zx9"
TOKEN = "q7Rf9Zk2LmX4vB8nT1cW6yH3pD5sJ0aGu8Vb"
REDACTOR = Redactor()


def document(text: str, version: int = 0, uri: str = "file:///w/a.py") -> Document:
    return Document.from_text(uri, version, "python", text)


def known_after(*texts: str) -> KnownSecrets:
    documents = RedactedDocuments(REDACTOR)
    for version, text in enumerate(texts):
        documents.view(document(text, version))
    return documents.known()


def test_a_secret_is_known_after_its_name_is_gone() -> None:
    known = known_after(f'password = "{PASSWORD}"\n', f'v = "{PASSWORD}"\n')
    assert known.hide(f'v = "{PASSWORD}"') == (f'v = "{PLACEHOLDER}"', 1)


def test_a_secret_is_known_after_its_document_is_closed() -> None:
    documents = RedactedDocuments(REDACTOR)
    documents.view(document(f'password = "{PASSWORD}"\n'))
    documents.forget("file:///w/a.py")
    assert documents.known().hide(f"use {PASSWORD}.") == (f"use {PLACEHOLDER}.", 1)


def test_the_beginnings_of_a_typed_secret_are_not_kept() -> None:
    typed = [f'password = "{PASSWORD[:size]}"\n' for size in range(8, len(PASSWORD) + 1)]
    known = known_after(*typed)
    assert known.hide(PASSWORD) == (PLACEHOLDER, 1)
    assert known.hide(PASSWORD[:9]) == (PASSWORD[:9], 0)


def test_a_part_of_a_random_secret_is_hidden_and_a_word_is_not() -> None:
    known = known_after(f'api_token = "{TOKEN}"\npassword = "correct-horse-7battery"\n')
    for start, end in ((0, 20), (9, 21), (20, 36)):
        assert known.hide(f"x {TOKEN[start:end]} y") == (f"x {PLACEHOLDER} y", 1)
    assert known.hide("the correct-horse race") == ("the correct-horse race", 0)
    assert known.hide(f"xx{PASSWORD}") == (f"xx{PASSWORD}", 0)


@pytest.mark.parametrize("name", ["inventorymanager", "spring_petclinic", "petclinic-service"])
def test_a_password_that_is_the_name_of_the_project_hides_no_code(name: str) -> None:
    text = f"POSTGRES_USER: {name}\nPOSTGRES_PASSWORD={name}\nPOSTGRES_DB: {name}"
    clean = f"POSTGRES_USER: {name}\nPOSTGRES_PASSWORD={PLACEHOLDER}\nPOSTGRES_DB: {name}"
    assert REDACTOR.redact(text) == (clean, 1)
    code = f"from {name}.models import Stock"
    assert known_after(text).hide(code) == (code, 0)


@pytest.mark.parametrize(
    "secret", ["correct horse battery", "yqDVtkqPECriaL", "correct-horse-9battery"]
)
def test_words_and_letters_that_are_no_name_stay_secrets(secret: str) -> None:
    known = known_after(f'password = "{secret}"\n')
    assert known.hide(f"v = '{secret}'") == (f"v = '{PLACEHOLDER}'", 1)


def test_a_known_secret_around_the_cursor_is_hidden() -> None:
    known = known_after(f'password = "{PASSWORD}"\n')
    prompt = Prompt(
        "complete", "python", "a.py", prefix=f"v = '{PASSWORD[:6]}", suffix=f"{PASSWORD[6:]}'"
    )
    clean, count = redact_prompt(prompt, REDACTOR, known)
    assert (clean.prefix, clean.suffix, count) == (f"v = '{PLACEHOLDER}", "'", 1)


def test_a_document_shows_its_secret_nowhere() -> None:
    text = f'password = "{PASSWORD}"\n\ndef login(user):\n    return check(user, "{PASSWORD}")  # {PASSWORD}x'
    clean, count = REDACTOR.redact(text)
    assert count == 2 and clean.endswith(f'check(user, "{PLACEHOLDER}")  # {PASSWORD}x')
    assert REDACTOR.redact(clean) == (clean, 0)


def test_an_edit_shows_no_secret_whose_name_it_changed() -> None:
    old, new = (f'password = "{PASSWORD}"\n',), (f'v = "{PASSWORD}"\n',)
    for removed, added in ((old, new), (new, old)):
        hunk = Hunk("file:///w/a.py", "python", 3, removed, added)
        clean = hunk.redacted(REDACTOR.redact)
        assert PASSWORD not in clean.unified and clean.unified.count(PLACEHOLDER) == 2


@pytest.mark.parametrize(
    ("line", "clean", "secrets"),
    [
        ("a = 1", "a = 1", ()),
        ("a = 'x(y'; b = 'z'", "a = '<redacted>'; b = '<redacted>'", ("x(y", "z")),
        ("a = 'x'", "<redacted>", ("a = 'x'",)),
    ],
)
def test_secrets_are_read_from_a_redacted_line(
    line: str, clean: str, secrets: tuple[str, ...]
) -> None:
    assert replaced_texts(line, clean) == secrets
