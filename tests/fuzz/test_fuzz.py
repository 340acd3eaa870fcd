"""The corpus through each target, always; a short run of the fuzzer itself end to end."""

from __future__ import annotations

import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
SECONDS = int(os.environ.get("ENSEMBLE_LSP_FUZZ_SECONDS", "12"))


@pytest.fixture(autouse=True)
def the_log_as_it_was() -> Iterator[None]:
    """A ``$/setTrace`` among the inputs makes the program's log talkative: not for the tests after."""
    program = logging.getLogger("ensemble_lsp")
    before = program.level
    yield
    program.setLevel(before)


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_still_passes(target: str) -> None:
    inputs = sorted((CORPUS / target).iterdir())
    assert len(inputs) >= 5
    for each in inputs:
        try:
            TARGETS[target](each.read_bytes())
        except BaseException as error:
            error.add_note(f"input: {each}")
            raise


@pytest.mark.e2e
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("target", TARGETS)
def test_a_short_run_finds_nothing(target: str) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not there for this Python: pip install -e '.[fuzz]'")
    command = [sys.executable, "-m", "tests.fuzz", target, "--seconds", str(SECONDS)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
