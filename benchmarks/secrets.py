"""Recall and precision of redaction on labelled snippets, and the share of ordinary lines altered.

python -m benchmarks.secrets [--files 300] [--missed]
"""

from __future__ import annotations

import argparse
import json
import random
import sysconfig
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from ensemble_lsp.context.secret_redaction import Redactor

DATA = Path(__file__).parent.parent / "tests" / "data" / "secrets"
HALVES = ("written_before", "held_out")
ATTACK, ATTACK_AGAIN = "attack", "attack_again"
"""Snippets that were written later, the second after the first; all hold secrets."""
PIECE = 6
"""Characters: a secret counts as sent if this many of it in a row are."""


@dataclass(frozen=True)
class Snippet:
    """A piece of a file, and the secrets in it."""

    id: str
    kind: str
    language: str
    file: str
    text: str
    secrets: tuple[tuple[int, int], ...]

    @property
    def text_around(self) -> str:
        """The text without its secrets."""
        starts = [0, *(end for _, end in self.secrets)]
        ends = [*(start for start, _ in self.secrets), len(self.text)]
        return "\n".join(self.text[a:b] for a, b in zip(starts, ends, strict=True))

    @property
    def is_negative(self) -> bool:
        """Whether it holds no secret."""
        return not self.secrets


@dataclass
class Score:
    """Secrets removed, and lines altered, in one set of snippets."""

    secrets: int = 0
    removed: int = 0
    altered: int = 0
    """Lines altered."""
    wrong: int = 0
    """Lines altered that hold no secret."""
    clean: int = 0
    """Snippets without a secret that stay as they are."""
    negatives: int = 0


def load(half: str) -> list[Snippet]:
    """Read one half of the labelled snippets."""
    lines = (DATA / f"{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return [_snippet(json.loads(line)) for line in lines]


def leaks(secret: str, clean: str, around: str) -> bool:
    """Return whether a redacted text still holds a piece of a secret that the text around lacks."""
    for line in secret.splitlines():
        part = line.strip()
        size = min(PIECE, len(part))
        pieces = {part[at : at + size] for at in range(len(part) - size + 1)}
        if part and any(each in clean and each not in around for each in pieces):
            return True
    return False


def altered_lines(text: str, clean: str) -> set[int]:
    """Return the numbers of a text's lines that its redacted form does not have."""
    if text == clean:
        return set()
    matcher = SequenceMatcher(None, text.split("\n"), clean.split("\n"), autojunk=False)
    return {
        line
        for tag, start, end, _, _ in matcher.get_opcodes()
        if tag != "equal"
        for line in range(start, end)
    }


def score(snippets: Iterable[Snippet], redactor: Redactor) -> tuple[Score, list[str]]:
    """Redact snippets; return the figures and a line for each mistake."""
    total, mistakes = Score(), []
    for snippet in snippets:
        clean = redactor.redact(snippet.text)[0]
        altered = altered_lines(snippet.text, clean)
        wrong = altered - _lines_with_secrets(snippet)
        total.altered += len(altered)
        total.wrong += len(wrong)
        if snippet.is_negative:
            total.negatives += 1
            total.clean += not altered
        for start, end in snippet.secrets:
            total.secrets += 1
            if leaks(snippet.text[start:end], clean, snippet.text_around):
                mistakes.append(f"missed  {snippet.id} {snippet.kind}: {clean!r}")
            else:
                total.removed += 1
        if wrong:
            mistakes.append(f"altered {snippet.id} {snippet.kind}: {clean!r}")
    return total, mistakes


def ordinary_files(count: int) -> list[Path]:
    """Return a fixed sample: half of the standard library, half of the installed packages."""
    rng = random.Random(1)
    chosen: list[Path] = []
    for name in ("stdlib", "purelib"):
        root = Path(sysconfig.get_path(name))
        below = sorted(root.rglob("*.py"))
        if name == "stdlib":
            below = [path for path in below if "site-packages" not in path.parts]
        chosen += rng.sample(below, min(count // 2, len(below)))
    return chosen


def _snippet(row: dict[str, object]) -> Snippet:
    text = ""
    secrets: list[tuple[int, int]] = []
    for part in row.pop("parts"):
        if isinstance(part, list):
            whole = "".join(part)
            secrets.append((len(text), len(text) + len(whole)))
            text += whole
        else:
            text += part
    return Snippet(**row, text=text, secrets=tuple(secrets))


def _lines_with_secrets(snippet: Snippet) -> set[int]:
    return {
        line
        for start, end in snippet.secrets
        for line in range(snippet.text.count("\n", 0, start), snippet.text.count("\n", 0, end) + 1)
    }


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.3f} ({part} of {whole})" if whole else "-"


def _show_half(half: str, show_mistakes: bool) -> None:
    snippets, redactor = load(half), Redactor()
    total, mistakes = score(snippets, redactor)
    print(f"\n{half}: {len(snippets)} snippets")
    print(f"  recall: {_percent(total.removed, total.secrets)} secrets")
    print(f"  precision: {_percent(total.altered - total.wrong, total.altered)} altered lines")
    print(f"  negatives left alone: {_percent(total.clean, total.negatives)}")
    by_kind: dict[str, list[Snippet]] = defaultdict(list)
    for snippet in snippets:
        by_kind[snippet.kind.partition(":")[0]].append(snippet)
    for kind, group in by_kind.items():
        if kind != "negative":
            part = score(group, redactor)[0]
            print(f"    {kind:24} {_percent(part.removed, part.secrets)}")
    for mistake in mistakes if show_mistakes else ():
        print("   ", mistake[:300])


def _passages(files: int) -> Iterator[str]:
    for path in ordinary_files(files):
        yield path.read_text(encoding="utf-8", errors="replace")


def _show_ordinary(files: int, show_mistakes: bool) -> None:
    texts, redactor = list(_passages(files)), Redactor()
    redactor.redact("")
    lines = sum(text.count("\n") + 1 for text in texts)
    changed: list[str] = []
    seconds = [0.0, 0.0]
    for text in texts:
        for again in (0, 1):
            begun = time.thread_time()
            clean = redactor.redact(text)[0]
            seconds[again] += time.thread_time() - begun
        source = text.split("\n")
        changed += [source[number].strip() for number in sorted(altered_lines(text, clean))]
    print(f"\n{len(texts)} files of the standard library and of installed packages, {lines} lines")
    print(f"  altered: {len(changed)} lines, {len(changed) / lines * 1e4:.2f} of 10,000")
    first, again = (each / lines * 1e6 for each in seconds)
    print(f"  time for 1,000 lines: {first:.1f} ms, {again:.2f} ms for lines seen before")
    for line in changed if show_mistakes else ():
        print("   ", line[:140])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument(
        "--missed", action="store_true", help="show each mistake, except in the held-out half"
    )
    options = parser.parse_args()
    for half in (*HALVES, ATTACK, ATTACK_AGAIN):
        _show_half(half, options.missed and half != "held_out")
    _show_ordinary(options.files, options.missed)


if __name__ == "__main__":
    main()
