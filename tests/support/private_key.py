"""A private key whose lines look like any other text."""

from __future__ import annotations

import base64
import random

RAW = base64.b64encode(random.Random(7).randbytes(49 * 48)).decode()
BODY = [RAW[at : at + 64] for at in range(0, len(RAW), 64)]
PEM = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(BODY) + "\n-----END PRIVATE KEY-----\n"


def no_part_of_the_key(text: str) -> None:
    for line in BODY:
        assert line not in text
        for at in range(0, 64 - 12, 4):
            assert line[at : at + 12] not in text
