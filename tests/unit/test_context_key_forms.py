"""Keys without their first and last line, with something around each line."""

from __future__ import annotations

import base64
import random
import time

import pytest

from ensemble_lsp.context.secret_redaction import Redactor

RAW = base64.b64encode(random.Random(11).randbytes(40 * 48)).decode()
BODY = [RAW[at : at + 64] for at in range(0, len(RAW), 64)]
FORMS = {
    "appended": 'key += "{0}\\n";',
    "appended in PHP": "$key .= '{0}' . \"\\n\";",
    "appended in Ruby": "key << '{0}'",
    "a call": '  text.append("{0}").append("\\n");',
    "printed": 'fmt.Println("{0}")',
    "indexed": 'key[{1}] = "{0}";',
    "echo": "echo {0} >> $HOME/key.pem",
    "comma-separated": "{1},{0}",
    "a table": "| {1} | {0} |",
    "a log": "2026-01-01 12:00:01 INFO {0}",
    "HTML": "{0}<br/>",
    "cells": "  <td>{0}</td>",
    "XML": '<line number="{1}">{0}</line>',
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_key_is_found_whatever_surrounds_each_line(form: str) -> None:
    lines = [FORMS[form].format(line, number) for number, line in enumerate(BODY)]
    text, count = Redactor().redact("\n".join(lines))
    assert count
    for line in BODY:
        assert not any(line[at : at + 12] in text for at in range(0, 52, 4)), form


@pytest.mark.parametrize(
    "text",
    [
        'key += "{0}";\ncount = 1\n',  # one line of a checksum
        '<a href="x">documentation</a>\n' * 4,
        "| 1 | configuration | 1 |\n" * 4,
        "INFO 2026 started the ordinary_background_worker_of_the_program\n" * 4,
        "HEAD = '-----BEGIN PRIVATE KEY-----'\nname = computedValueOfSomething\n",
    ],
)
def test_ordinary_lines_stay(text: str) -> None:
    text = text.replace("{0}", "not/a/key/but/a/path/of/some/length/and/nothing/more")
    assert Redactor().redact(text) == (text, 0)


@pytest.mark.parametrize("part", ["ab ", "a.b ", "| 1 ", "<a ", "x.append(", "\\n", "Ab1/"])
def test_no_line_is_slow(part: str) -> None:
    line = (part * 400)[:360] + "Ab1/" * 8 + "!"
    start = time.process_time()
    Redactor().redact("\n".join([line] * 20))
    assert time.process_time() - start < 2
