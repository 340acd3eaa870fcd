"""Private keys and values over several lines: whole, cut by a window, and at the cursor."""

from __future__ import annotations

import random
import string

import pytest

from ensemble_lsp.context.secret_redaction import PLACEHOLDER, Redactor

BASE64 = string.ascii_letters + string.digits + "+/"


def body(width: int, lines: int, last: int = 0, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    sizes = [width] * lines + ([last] if last else [])
    return ["".join(rng.choices(BASE64, k=size)) for size in sizes]


KEY = [
    "-----BEGIN RSA PRIVATE KEY-----",
    *body(64, 25, 44),
    "-----END RSA PRIVATE KEY-----",
]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


def test_a_key_is_one_secret_and_keeps_its_lines(redactor: Redactor) -> None:
    text = "\n".join(["a = 1", *KEY, "b = 2"])
    clean, count = redactor.redact(text)
    assert count == 1
    assert clean.split("\n") == ["a = 1", KEY[0], *[PLACEHOLDER] * 26, KEY[-1], "b = 2"]
    assert redactor.redact(clean) == (clean, 0)


@pytest.mark.parametrize("first", range(24))
@pytest.mark.parametrize("size", [3, 7, 28])
def test_no_line_of_a_key_is_in_any_window(redactor: Redactor, first: int, size: int) -> None:
    window = KEY[first : first + size]
    clean = redactor.redact("\n".join(window))[0]
    assert not any(line in clean for line in KEY[1:-1]), clean


@pytest.mark.parametrize("first", range(27))
def test_windows_of_two_lines_are_safe_when_cut_from_the_redacted_document(
    redactor: Redactor, first: int
) -> None:
    document = redactor.redact_lines(["a = 1", *KEY, "b = 2"])
    window = document.lines[first : first + 2]
    assert not any(line in part for part in window for line in KEY[1:-1])


@pytest.mark.parametrize(
    "decorate",
    [
        "    {}", "# {}", ' * {}', '    "{}\\n"', "  '{}\\n' +", '"{}",', '        "{}" \\', "{}\\n\\", "  + '{}'", "> {}",
        "\t`{}` +", "{}\r", '    b"{}\\n"', " 12 {}", "  7 | {}", "{}  # x", "{} % x", "{}\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("width", [32, 48, 60, 64, 70, 76])
def test_a_key_in_code_has_neither_heading_nor_end(
    redactor: Redactor, decorate: str, width: int
) -> None:
    lines = body(width, 4, 24, seed=width)
    text = "\n".join(decorate.format(line) for line in lines)
    clean = redactor.redact(f"before()\n{text}\nafter()")[0]
    assert not any(line in clean for line in lines)
    assert clean.startswith("before()\n") and clean.endswith("\nafter()")


@pytest.mark.parametrize("between", ["", "\\n", "\\r\\n"])
def test_a_key_on_one_line_is_replaced_to_its_end(redactor: Redactor, between: str) -> None:
    lines = body(64, 20, 24)
    clean = redactor.redact(f"key = '{between.join(lines)}'  # of mine")[0]
    assert clean == f"key = '{PLACEHOLDER}'  # of mine"


def test_the_first_and_the_last_line_may_be_cut(redactor: Redactor) -> None:
    lines = [body(64, 1)[0][30:], *body(64, 3, seed=2), "abcDEF12=="]
    clean, count = redactor.redact("\n".join(lines))
    assert (clean, count) == ("\n".join([PLACEHOLDER] * 5), 1)


@pytest.mark.parametrize(
    "lines",
    [
        ["-----BEGIN CERTIFICATE-----", *body(64, 8, 20), "-----END CERTIFICATE-----"],
        ["-----BEGIN PUBLIC KEY-----", *body(64, 5, 20), "-----END PUBLIC KEY-----"],
        ["  -----BEGIN CERTIFICATE-----", *(f"  {line}" for line in body(64, 5, 20))],
        ["A" * 64] * 5,
        ["=" * 64] * 5,
        ["a" * 40, "b" * 40, "c" * 40],
        ["0123456789abcdef" * 4] * 4,
        body(20, 8),
        body(64, 2),
        ["iVBORw0KGgo" + line[11:] for line in body(64, 1)] + body(64, 4, seed=3),
        ["VGhpcyBpcyBhIGxvbmcgdGV4dCB0aGF0IG5vYm9keSBuZWVkcyB0byBo"] * 5,
        ["SomeRatherLongIdentifierOfAClassThatIsNumber1ABCD,"] * 4,
    ],
)  # fmt: skip
def test_other_blocks_are_left_alone(redactor: Redactor, lines: list[str]) -> None:
    text = "\n".join(lines)
    assert redactor.redact(text) == (text, 0)


@pytest.mark.parametrize(
    "text",
    [
        'HEADING = "-----BEGIN PRIVATE KEY-----"\nNAMEOFSOMETHING = 5\n',
        'if "-----BEGIN RSA PRIVATE KEY-----" in text:\n    return load(text)\n',
        'END = "-----END PRIVATE KEY-----"\n',
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        'x = ("message one "\n     "message two")',
        "token = (\n    get_token()\n)",
        "password:\n  type: string\n",
        "secret:\n  required\n",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db",
        'names = ["abc1" + "def2"]',
    ],
)
def test_code_that_only_looks_like_it_is_left_alone(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text) == (text, 0)


def test_columns_are_moved_with_the_text(redactor: Redactor) -> None:
    line = 'f(password="hunter2hunter2", token="kq82LsPw90")'
    document = redactor.redact_lines(["a", line])
    clean = document.lines[1]
    assert clean == f'f(password="{PLACEHOLDER}", token="{PLACEHOLDER}")'
    for mark in ("f(", ", token", ")"):
        at = line.rindex(mark)
        assert clean[document.column(1, at) :].startswith(mark)
    inside = document.column(1, line.index("hunter2") + 3)
    assert clean[:inside].endswith(f'"{PLACEHOLDER}') and clean[inside:].startswith('", token')
    assert document.column(0, 1) == 1
    assert document.column(1, len(line)) == len(clean)


def test_a_document_keeps_the_number_of_its_lines(redactor: Redactor) -> None:
    lines = ["x = 1", *KEY, 'TOKEN = ("kq82LsPw90"', '         "zM10xNc7Qa")', "", "y"]
    document = redactor.redact_lines(lines)
    assert len(document.lines) == len(lines)
    assert document.count == 2
    assert document.lines[0] == "x = 1" and document.lines[-1] == "y"
    assert lines[1:-1] == [*KEY, 'TOKEN = ("kq82LsPw90"', '         "zM10xNc7Qa")', ""]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "line",
    ["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", body(64, 1)[0], "'abc1' +", "password: (", "token = abc\\"],
)  # fmt: skip
def test_many_such_lines_take_no_longer(redactor: Redactor, line: str) -> None:
    text = f"{line}\n" * 20_000
    assert redactor.redact(text)[0].count("\n") == 20_000
