"""Convert published generations to the neutral JSONL that ``benchmarks.ensemble`` reads (docs/consensus.md).

``python -m benchmarks.ensemble_data --data ../shared/data --out FOLDER`` writes three files: whole classes
and single methods of ClassEval (11 models), and functions of HumanEval (100 samples of one model). The
verdicts come from the published tests, which are run once in the product's sandbox. They are kept in
``FOLDER/verdicts.jsonl``, so an interrupted run can resume.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import contextlib
import gzip
import hashlib
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ensemble_lsp.consensus.canonical_form import canonical
from ensemble_lsp.postprocess import clean_code
from ensemble_lsp.sandbox.check_results import ExampleCheck
from ensemble_lsp.sandbox.example_parser import examples_in
from ensemble_lsp.sandbox.example_runner import ExampleLimits, run_examples

Row = dict[str, Any]
FIELDS = ("task", "prompt", "suffix", "examples", "model", "text", "passed", "prior", "latency")
LIMITS = ExampleLimits(seconds=4, check_seconds=3, memory=2 << 30)
SAMPLES = 8
"""Number of samples of the HumanEval model that are used, of 100."""
PUBLISHED = 0.293
"""CodeGen-16B-mono on HumanEval (Nijkamp et al. 2022, pass@1): the same for every sample."""
_UNITTEST = """
import io as _io, unittest as _unittest
_suite = _unittest.defaultTestLoader.loadTestsFromTestCase({name})
_result = _unittest.TextTestRunner(stream=_io.StringIO()).run(_suite)
assert _result.wasSuccessful() and _result.testsRun
"""


def read(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


# -- verdicts ------------------------------------------------------------------------------------


class Verdicts:
    """Test results of each source, written to disk after each answer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[bool]] = {}
        self._alike: dict[str, list[bool]] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):  # the last line of an interrupted run
                    row = json.loads(line)
                    self._known[row["key"]] = row["passed"]

    async def of(self, source: str, setup: str, tests: Sequence[str]) -> list[bool]:
        """Return the result of each test; each runs with its own group of names."""
        text = json.dumps([source, setup, *tests])
        key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]
        form = _form(source)
        if form is None:
            return [False] * len(tests)
        alike = hashlib.sha256(json.dumps([form, setup, *tests]).encode()).hexdigest()
        if key not in self._known and alike in self._alike:
            return self._alike[alike]
        if key not in self._known:
            groups = [[ExampleCheck("run", f"{setup}\n{test}")] for test in tests]
            ran = await run_examples(source, groups, LIMITS)
            if ran.unavailable:
                sys.exit(f"The tests cannot be run here: {ran.unavailable}.")
            passed = [g[0].ok for g in ran.groups] if ran.completed else [False] * len(tests)
            if not ran.completed and len(tests) > 1:
                passed = [(await self.of(source, setup, [test]))[0] for test in tests]
            self._known[key] = passed
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "passed": passed}) + "\n")
        self._alike[alike] = self._known[key]
        return self._known[key]


def _form(source: str) -> str | None:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return canonical(source, "python")


# -- ClassEval -----------------------------------------------------------------------------------


def answers_of(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the models and their raw answers by task."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in ("samples_t0.jsonl.gz", "samples_5.jsonl.gz"):
        for row in read(folder / name):
            for raw in row["raw"]:
                # The pipeline of two models also returns the prompt.
                answer = (raw or "").rpartition("### Response:")[2]
                found.setdefault(row["task"], []).append((row["model"], answer))
    return found


def whole_class(raw: str, imports: str) -> str:
    code = clean_code(raw, language="python", indent="", instruction="", prefix="", suffix="")
    return f"{imports}\n\n{code}\n"


async def classes(data: Path, verdicts: Verdicts) -> list[Row]:
    """Return one row per answer to a whole class."""
    answers = answers_of(data / "classeval")
    rows: list[Row] = []
    for task in read(data / "classeval" / "tasks.jsonl.gz"):
        imports, tests = _imports(task), _unittests(task)
        if not all(await verdicts.of(task["solution_code"], task["test"], tests)):
            continue
        for model, raw in answers[task["task_id"]]:
            passed = await verdicts.of(whole_class(raw, imports), task["test"], tests)
            rows.append(_row(task["task_id"], task["skeleton"], model, raw, all(passed)))
        print(f"{task['task_id']}: {len(rows)} answers", file=sys.stderr)
    return rows


def _imports(task: Row) -> str:
    value = task["import_statement"]
    return value if isinstance(value, str) else "\n".join(value)


def _unittests(task: Row) -> list[str]:
    return [_UNITTEST.format(name=name) for name in task["test_classes"]]


async def methods(data: Path, verdicts: Verdicts) -> list[Row]:
    """Return one row per method of a model, put into the reference class, with the tests of that method."""
    answers = answers_of(data / "classeval")
    rows: list[Row] = []
    for task in read(data / "classeval" / "tasks.jsonl.gz"):
        parsed = [
            (model, _methods(raw, _imports(task), task)) for model, raw in answers[task["task_id"]]
        ]
        for name, test in _tested_methods(task):
            place = _place(task, name)
            if place is None:
                continue
            prompt, suffix, reference, doc = place
            setup, check = task["test"], [_UNITTEST.format(name=test)]
            if not (await verdicts.of(prompt + reference + suffix, setup, check))[0]:
                continue
            examples = [
                [_plain(c) for c in g] for g in examples_in(doc, (task["class_name"], name))
            ]
            for model, found in parsed:
                text = found.get(name, "")
                source = prompt + text + suffix
                passed = bool(text) and (await verdicts.of(source, setup, check))[0]
                id_ = f"{task['task_id']}.{name}"
                rows.append(_row(id_, prompt, model, text, passed, suffix, examples))
        print(f"{task['task_id']}: {len(rows)} methods", file=sys.stderr)
    return rows


def _methods(raw: str, imports: str, task: Row) -> dict[str, str]:
    """Return the methods of a model's class unchanged, with the indentation of a class."""
    source = whole_class(raw, imports)
    node = _class(source, task["class_name"])
    return {n.name: _segment(source, n) for n in _functions(node)} if node else {}


def _class(source: str, name: str) -> ast.ClassDef | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    return next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name), None)


def _functions(node: ast.ClassDef) -> list[ast.FunctionDef]:
    return [n for n in node.body if isinstance(n, ast.FunctionDef)]


def _segment(source: str, node: ast.FunctionDef) -> str:
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
    lines = source.split("\n")[first : node.end_lineno]
    cut = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join("    " + line[cut:] if line.strip() else "" for line in lines) + "\n"


def _tested_methods(task: Row) -> Iterator[tuple[str, str]]:
    node = _class(task["solution_code"], task["class_name"])
    for function in _functions(node) if node else []:
        camel = "".join(part.capitalize() for part in function.name.split("_")).lower()
        for test in task["test_classes"]:
            if test.lower() == f"{task['class_name']}test{camel}".lower():
                yield function.name, test


def _place(task: Row, name: str) -> tuple[str, str, str, str] | None:
    """Return the reference text before and after a method, the method, and its docstring."""
    source = task["solution_code"]
    if _imports(task).strip() not in source:
        source = f"{_imports(task)}\n\n{source}"
    node, stub = _class(source, task["class_name"]), _class(task["skeleton"], task["class_name"])
    if node is None or stub is None:
        return None
    target = next(f for f in _functions(node) if f.name == name)
    doc = next((ast.get_docstring(f) or "" for f in _functions(stub) if f.name == name), "")
    lines = source.split("\n")
    first = min([target.lineno, *(d.lineno for d in target.decorator_list)]) - 1
    before = "\n".join(lines[:first]) + "\n"
    after = "\n".join(lines[target.end_lineno :]) + "\n"
    return before, after, _segment(source, target), doc


# -- HumanEval -----------------------------------------------------------------------------------


async def functions(data: Path, verdicts: Verdicts) -> list[Row]:
    """Return one row per sample of CodeGen-16B; the samples represent models of equal strength."""
    folder = data / "humaneval-tests"
    tasks = read(folder / "HumanEval.jsonl.gz")
    plus = {t["task_id"]: t for t in read(folder / "he_HumanEvalPlus-OriginFmt.jsonl.gz")}
    unusable = set(json.loads((folder / "plus_unusable_here.json").read_text(encoding="utf-8")))
    name = "HumanEval_codegen16B_temp0.8_topp0.95_num100_max300_code_solution.jsonl.gz"
    generated = {
        _asked(row["prompt"]): row["samples"]
        for row in read(data / "codet-codegen16b-humaneval" / name)
    }
    rows: list[Row] = []
    for number, task in enumerate(tasks):
        id_, test = task["task_id"], plus[task["task_id"]]["test"]
        if id_ in unusable or task["entry_point"] not in generated:
            continue
        check = [f"check({task['entry_point']})"]
        picked = random.Random(number).sample(generated[task["entry_point"]], 24)[:SAMPLES]
        for index, text in enumerate(picked):
            passed = (await verdicts.of(task["prompt"] + text, test, check))[0]
            row = _row(id_, task["prompt"], f"codegen-16b #{index + 1}", text, passed)
            rows.append({**row, "prior": PUBLISHED})
        print(f"{id_}: {len(rows)} functions", file=sys.stderr)
    return rows


def _asked(prompt: str) -> str:
    """Return the function at the end of a prompt."""
    return re.findall(r"^def (\w+)", prompt, re.MULTILINE)[-1]


# -- together ------------------------------------------------------------------------------------


def _row(
    task: str, prompt: str, model: str, text: str, passed: bool, suffix: str = "",
    examples: list[list[Row]] | None = None,
) -> Row:  # fmt: skip
    values = (task, prompt, suffix, examples, model, text, passed, None, None)
    return dict(zip(FIELDS, values, strict=True))


def _plain(check: ExampleCheck) -> Row:
    return {"kind": check.kind, "source": check.source, "want": check.expected}


SETS = {"classeval": classes, "classeval-methods": methods, "humaneval-codegen": functions}


async def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("artifacts/ensemble-data"))
    parser.add_argument("--only", choices=SETS)
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"{options.data} is missing; give the folder of the published data with --data.")
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    for name, make in SETS.items():
        if options.only in (None, name):
            rows = await make(options.data, Verdicts(options.out / f"verdicts-{name}.jsonl"))
            path = options.out / f"{name}.jsonl"
            path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
            share = sum(r["passed"] for r in rows) / max(1, len(rows))
            tasks = len({r["task"] for r in rows})
            print(f"{path}: {len(rows)} answers, {tasks} tasks, {share:.3f} passed")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
