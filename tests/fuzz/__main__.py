"""Fuzz one target by coverage: ``python -m tests.fuzz TARGET [--seconds 60] [--keep]``.

Begins from the corpus beside this file. With ``--keep``, inputs that reached something new are added to
it (made small first). An input that fails is written to ``tests/fuzz/corpus/TARGET/crash-…``, where
``make test`` runs it from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
KEPT = 4_000
"""Bytes; larger inputs are not added to the corpus."""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="add what reached something new")
    given = parser.parse_args()

    import atheris

    with atheris.instrument_imports(include=["ensemble_lsp"]):
        from tests.fuzz.targets import TARGETS
    logging.disable(logging.CRITICAL)
    run = TARGETS[given.target]
    run(b"")  # what is imported late is not the first input's time
    home = CORPUS / given.target
    home.mkdir(parents=True, exist_ok=True)

    def test(data: bytes) -> None:
        try:
            run(data)
        except BaseException:
            name = f"crash-{hashlib.sha256(data).hexdigest()[:12]}"
            (home / name).write_bytes(data)
            raise

    with tempfile.TemporaryDirectory() as found:
        where = [str(home)] if given.keep else [found, str(home)]
        atheris.Setup(
            [
                sys.argv[0],
                *where,
                f"-max_total_time={given.seconds}",
                f"-max_len={KEPT}",
                "-timeout=25",
                "-rss_limit_mb=3000",
                f"-artifact_prefix={found}/",
                "-print_final_stats=1",
                "-verbosity=0",
            ],
            test,
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
