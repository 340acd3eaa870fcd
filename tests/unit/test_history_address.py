"""The password in the address of a team's history: found in order to be hidden, and never shown."""

from __future__ import annotations

import pytest

from ensemble_lsp.history.postgres import password_of, without_password

SECRET = "S3cret"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:S3cret@h/db",
        "postgresql://u:S3%63ret@h/db",
        "postgres://h/db?password=S3cret",
        "postgresql://u@h:5432/db?sslmode=require&password=S3%63ret#x",
        "postgresql+psycopg://u:S3cret@h/db?password=other",
    ],
)
def test_the_password_of_an_address_is_found_and_not_shown(address: str) -> None:
    assert password_of(address) == SECRET
    shown = without_password(address)
    assert SECRET not in shown and "other" not in shown and "%63" not in shown


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:S3cret@h1:1,h2:2/db",
        "postgresql://u:S3/cret@h/db",
        "postgresql://u:S3cret@[::1/db",
        "postgresql://h/db?PASSWORD=S3cret&sslpassword=S3cret",
    ],
)
def test_no_part_of_an_odd_address_shows_the_password(address: str) -> None:
    assert "S3" not in without_password(address) and "cret" not in without_password(address)
