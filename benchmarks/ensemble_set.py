"""Read generations with verdicts strictly and prepare them for a consensus.

One JSON object per line, with exactly these keys (docs/consensus.md has the table):

- ``task``: id of the task; ``model``: name; several lines with the same task and model are samples
- ``prompt``, ``suffix``: the text before and after the code
- ``examples``: groups of ``{"kind", "source", "want"}`` that share names, or null: read them from the prompt
- ``text``: the model's raw answer, with fences and chat
- ``passed``: whether the task's tests pass; ``prior``: expected share, 0 to 1, or null: the share on the
  half of the tasks that is used to choose parameters; ``latency``: seconds to the whole answer, or null
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from ensemble_lsp.consensus.canonical_form import canonical
from ensemble_lsp.postprocess import clean_code
from ensemble_lsp.sandbox.check_results import (
    CheckKind,
    CheckOutcome,
    CheckResults,
    ExampleCheck,
)
from ensemble_lsp.sandbox.example_parser import examples_in_source
from ensemble_lsp.sandbox.example_runner import ExampleLimits, run_examples

FIELDS: Mapping[str, tuple[type, ...]] = {
    "task": (str,),
    "prompt": (str,),
    "suffix": (str,),
    "examples": (list, type(None)),
    "model": (str,),
    "text": (str,),
    "passed": (bool,),
    "prior": (float, int, type(None)),
    "latency": (float, int, type(None)),
}
NAMES = {
    str: "a text",
    list: "a list",
    bool: "true or false",
    float: "a number",
    int: "a number",
    type(None): "null",
}
"""JSON names of the types."""
LIMITS = ExampleLimits(seconds=4, check_seconds=1, memory=1 << 30)
LEAST = 3
"""Number of models in the smallest ensemble."""
MOST = 1_000_000
"""Maximum number of characters of a text. No answer is longer, and a longer one would take hours."""
LONGEST = 86_400
"""Maximum number of seconds for an answer."""
AT_ONCE = 3
"""Number of concurrent sandboxes."""


class FormatError(Exception):
    """A line violates the format; the message names it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One prepared answer."""

    task: str
    model: str
    text: str
    """The cleaned text."""
    form: str | None
    trial: CheckResults | None
    passed: bool
    prior: float | None
    latency: float | None


@dataclass(frozen=True, slots=True)
class Generations:
    """All answers of a set, by task and by model."""

    name: str
    samples: dict[str, dict[str, list[Sample]]]

    @property
    def models(self) -> list[str]:
        """Return the models that answered every task."""
        every = [set(by_model) for by_model in self.samples.values()]
        return sorted(set.intersection(*every)) if every else []

    @property
    def all_models(self) -> set[str]:
        """Return the models of any task."""
        return {model for by_model in self.samples.values() for model in by_model}


def told_apart(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the files by set name, which is the file name. Raises ``FormatError`` if two names are equal."""
    for number, path in enumerate(paths):
        if any(path.stem == other.stem for other in paths[:number]):
            raise FormatError(f"{path}: another file is named {path.stem} too; rename one")
    return paths


def read(path: Path) -> list[dict[str, Any]]:
    """Return the checked lines of a file. Raises ``FormatError``."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 at byte {error.start}") from None
    if lines[-1] == "":
        del lines[-1]
    if not lines:
        raise FormatError(f"{path}: no line in it")
    rows: list[dict[str, Any]] = []
    agreed = _Agreed()
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line, parse_constant=_no_number, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"{path}:{number}: no JSON: {_what(error, line)}") from None
        if problem := _problem(row) or agreed.problem(row, number):
            raise FormatError(f"{path}:{number}: {problem}")
        rows.append(row)
    if problem := _too_little(rows):
        raise FormatError(f"{path}: {problem}")
    return rows


def _what(error: Exception, line: str) -> str:
    if not line.strip():
        return "the line is empty"
    return (
        f"{error.msg} at column {error.colno}"
        if isinstance(error, json.JSONDecodeError)
        else str(error)
    )


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := next((n for n in names if names.count(n) > 1), None):
        raise ValueError(f"{twice} appears twice")
    return dict(pairs)


class _Agreed:
    """Checks the values that must be the same in all lines of a task or of a model."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[int, str]] = {}

    def problem(self, row: dict[str, Any], number: int) -> str:
        """Return the contradiction between a line and an earlier one, or an empty string."""
        parts = [("task", name) for name in ("prompt", "suffix", "examples")] + [("model", "prior")]
        for key, name in parts:
            said = json.dumps(row[name])
            first, before = self._seen.setdefault((f"{key} {row[key]}", name), (number, said))
            if said != before:
                return f"{name} of {key} {row[key]} is not that of line {first}"
        return ""


def _too_little(rows: Sequence[dict[str, Any]]) -> str:
    """Return the reason that no ensemble can be drawn from these lines, or an empty string."""
    tasks: dict[str, set[str]] = {}
    for row in rows:
        tasks.setdefault(row["task"], set()).add(row["model"])
    if len(tasks) < 2:
        return f"one task ({rows[0]['task']}); half of the tasks is the test, so at least two are needed"
    every = set.intersection(*tasks.values())
    if len(every) < LEAST:
        names = ", ".join(sorted(every)) or "none"
        return f"an ensemble needs {LEAST} models that answered every task; here are {len(every)} ({names})"
    return ""


def _problem(row: Any) -> str:
    if not isinstance(row, dict):
        return "not an object"
    if missing := FIELDS.keys() - row.keys():
        return f"without {', '.join(sorted(missing))}; every line has {', '.join(FIELDS)}"
    if strange := row.keys() - FIELDS.keys():
        return (
            f"unknown: {', '.join(sorted(strange))}; every line has {', '.join(FIELDS)} and no more"
        )
    for name, kinds in FIELDS.items():
        value = row[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join(dict.fromkeys(NAMES[kind] for kind in kinds))
            return f"{name} is {NAMES.get(type(value), 'an object')}, not {wanted}"
        if isinstance(value, str) and (problem := _bad_text(name, value)):
            return problem
    if row["prior"] is not None and not 0 <= row["prior"] <= 1:
        return "prior is not from 0 to 1"
    if row["latency"] is not None and not 0 < row["latency"] <= LONGEST:
        return f"latency is not above 0 and at most {LONGEST} seconds"
    return next((p for g in row["examples"] or [] if (p := _bad_group(g))), "")


def _bad_text(name: str, value: str) -> str:
    if name in ("task", "model") and not value.strip():
        return f"{name} is empty"
    if len(value) > MOST:
        return f"{name} has {len(value):,} characters; at most {MOST:,} are read"
    return ""


def _bad_group(group: Any) -> str:
    if not isinstance(group, list):
        return "examples is no list of groups"
    for check in group:
        if not isinstance(check, dict) or check.keys() != {"kind", "source", "want"}:
            return "an example has other keys than kind, source, want"
        if check["kind"] not in get_args(CheckKind) or not isinstance(check["source"], str):
            return f"an example's kind is not one of {', '.join(get_args(CheckKind))}"
        if not isinstance(check["want"], str | None):
            return "an example's want is neither a text nor null"
    return ""


# -- preparation ----------------------------------------------------------------------------------


def prepare(path: Path, cache: Path, *, execute: bool = True) -> Generations:
    """Clean and normalise each answer and run its examples (once; results are kept in ``cache``)."""
    rows = read(path)
    trials = Trials(cache)
    ready = asyncio.run(_ready(rows, trials, execute))
    by_task: dict[str, dict[str, list[Sample]]] = {}
    for sample in ready:
        by_task.setdefault(sample.task, {}).setdefault(sample.model, []).append(sample)
    return Generations(path.stem, by_task)


async def _ready(rows: Sequence[dict[str, Any]], trials: Trials, execute: bool) -> list[Sample]:
    by_form: dict[tuple[str, str | None], asyncio.Task[CheckResults | None]] = {}
    gate = asyncio.Semaphore(AT_ONCE)

    async def tried(source: str, groups: Sequence[Sequence[ExampleCheck]]) -> CheckResults | None:
        async with gate:
            return await trials.of(source, groups)

    made: list[tuple[dict[str, Any], str, str | None]] = []
    for row in rows:
        text = cleaned(row["text"])
        form = canonical(text, "python") if text.strip() else None
        made.append((row, text, form))
        groups = _groups(row)
        # Equal code behaves the same, so it is run once per task.
        if execute and groups and form is not None and (row["task"], form) not in by_form:
            source = assembled(row["prompt"], text, row["suffix"])
            work = asyncio.create_task(tried(source, groups))
            by_form[row["task"], form] = work
    await asyncio.gather(*by_form.values())
    ready: list[Sample] = []
    for row, text, form in made:
        task = by_form.get((row["task"], form))
        trial = task.result() if task is not None else None
        ready.append(
            Sample(
                row["task"], row["model"], text, form, trial,
                row["passed"], row["prior"], row["latency"],
            )
        )  # fmt: skip
    return ready


def cleaned(raw: str) -> str:
    """Return the code of an answer with its indentation in the file."""
    first = next((line for line in raw.split("\n") if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    return clean_code(raw, language="python", indent=indent)


def assembled(prompt: str, text: str, suffix: str) -> str:
    """Return the whole source: the answer alone if it repeats the prompt's definition."""
    asked = re.findall(r"^(?:async\s+)?(?:def|class)\s+(\w+)", prompt, re.MULTILINE)
    again = asked and re.search(rf"^(?:async\s+)?(?:def|class)\s+{asked[-1]}\b", text, re.MULTILINE)
    if again:
        head = re.split(rf"(?:def|class) {asked[-1]}", prompt, maxsplit=1)[0]
        return f"{head}\n{text}\n{suffix}"
    return f"{prompt}{text}\n{suffix}"


def _groups(row: dict[str, Any]) -> list[list[ExampleCheck]]:
    if row["examples"] is None:
        return examples_in_source(row["prompt"])
    return [[ExampleCheck(c["kind"], c["source"], c["want"]) for c in g] for g in row["examples"]]


class Trials:
    """Example results of each source, written to disk after each run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[list[list[Any]]] | None] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):  # the last line of an interrupted run
                    row = json.loads(line)
                    self._known[row["key"]] = row["groups"]

    async def of(
        self, source: str, groups: Sequence[Sequence[ExampleCheck]]
    ) -> CheckResults | None:
        """Return the trial of a source, or None if it could not be run."""
        plain = [[[c.kind, c.source, c.expected] for c in g] for g in groups]
        text = json.dumps([source, plain])
        key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]
        if key not in self._known:
            ran = await run_examples(source, groups, LIMITS)
            if ran.unavailable:
                sys.exit(f"The examples cannot be run here: {ran.unavailable}.")
            told = [[[t.ok, t.output] for t in g] for g in ran.groups] if ran.completed else None
            self._known[key] = told
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "groups": told}) + "\n")
        known = self._known[key]
        outcomes = known and [[CheckOutcome(*one) for one in group] for group in known]
        return CheckResults.from_run(groups, outcomes)


def halves(tasks: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split the tasks by a hash of the id: one half to choose parameters, one half for the test."""
    ordered = sorted(tasks, key=lambda t: hashlib.sha256(t.encode()).hexdigest())
    return ordered[::2], ordered[1::2]
