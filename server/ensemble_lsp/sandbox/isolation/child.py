"""The process that runs examples: read one job as JSON, lock down, run it, write the outcomes.

Started by path, with ``-I -S -B``. Job: ``{"source", "groups", "paths", "readable", "folder", "seconds",
"checkSeconds", "memory", "fileBytes", "contained", "diskBytes", "diskFiles"}``; a group is a list of checks that
share variables, a check is ``{"kind", "source", "expected"}``. Answer: a line ``{"layers"}`` or ``{"unavailable"}``,
written before any untested code runs and thus true, then ``{"groups": [[{"ok", "output"}]]}``.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import math
import os
import re
import signal
import sys
import traceback
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from landlock_seccomp import CannotConfineError, confine  # type: ignore[import-not-found]  # beside this file

MAX_OUTPUT = 2000
"""Characters of an output that are returned."""
_DEFINITIONS = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign,
    ast.AnnAssign, ast.AugAssign, ast.If, ast.Try,
)  # fmt: skip
Namespace = dict[str, Any]
_CHECK_SECONDS = [1.0]
"""Seconds for one check; set once, from the job."""


def main() -> None:
    """Run the job on standard input."""
    job: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    os.chdir(job["folder"])
    try:
        layers = confine(
            job["folder"],
            job["readable"],
            seconds=job["seconds"],
            memory=job["memory"],
            file_bytes=job["fileBytes"],
            contained=job["contained"],
            disk=(job["diskBytes"], job["diskFiles"]),
        )
    except CannotConfineError as error:
        json.dump({"unavailable": error.strerror or str(error)}, answer)
        answer.flush()
        os._exit(0)
    answer.write(json.dumps({"layers": layers}) + "\n")
    answer.flush()
    sys.path[:] = [*(p for p in sys.path if p != str(Path(__file__).parent)), *job["paths"]]
    _CHECK_SECONDS[0] = job["checkSeconds"]
    signal.signal(signal.SIGALRM, _on_timeout)
    sys.setrecursionlimit(5000)
    warnings.simplefilter("ignore")
    json.dump({"groups": [run_group(job["source"], g) for g in job["groups"]]}, answer)
    answer.flush()
    # Threads that the code left behind must not keep the process alive.
    os._exit(0)


def run_group(source: str, checks: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Run checks that share variables, each group in a fresh module."""
    if checks and checks[0]["kind"] == "stdin":
        return [_program(source, check) for check in checks]
    namespace = _module(source)
    return [_check(check, namespace) for check in checks]


def _module(source: str) -> Namespace:
    """Run only a source's definitions, without those that fail, and return their namespace."""
    namespace: Namespace = {"__name__": "candidate"}
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return namespace
    for node in tree.body:
        if isinstance(node, _DEFINITIONS):
            _run_definition(ast.Module([node], []), namespace)
    return namespace


def _run_definition(tree: ast.Module, namespace: Namespace) -> None:
    with (
        _time_limit(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.suppress(BaseException),
    ):
        exec(compile(tree, "<candidate>", "exec"), namespace)


@contextlib.contextmanager
def _time_limit() -> Generator[None]:
    """Stop the block after the time for one check."""
    signal.setitimer(signal.ITIMER_REAL, _CHECK_SECONDS[0])
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _on_timeout(*_: object) -> None:
    raise TimeoutError("took too long")


def _check(check: dict[str, str], namespace: Namespace) -> dict[str, Any]:
    out = io.StringIO()
    value: Any = None
    try:
        with _time_limit(), contextlib.redirect_stdout(out):
            value = _run(check, namespace, out)
    except BaseException as error:
        name = type(error).__name__
        ok = "expected" in check and _expects(check["expected"], error)
        return {"ok": ok, "output": f"!{name}"}
    printed = out.getvalue()[:MAX_OUTPUT]
    if check["kind"] == "equal":
        return {"ok": _equal(value, _value(check["expected"], namespace)), "output": _repr(value)}
    if "expected" not in check:
        return {"ok": True, "output": printed or _repr(value)}
    return {"ok": _matches(printed, check["expected"]), "output": printed}


def _run(check: dict[str, str], namespace: Namespace, out: io.StringIO) -> Any:
    """Run one check's source and return the value of an expression."""
    if check["kind"] == "doctest":

        def show(result: Any) -> None:
            if result is not None:
                out.write(f"{result!r}\n")

        sys.displayhook = show
        code = compile(check["source"] + "\n", "<example>", "single")
        exec(code, namespace)
        return None
    if check["kind"] in ("equal", "call"):
        return eval(check["source"], namespace)
    exec(compile(check["source"], "<example>", "exec"), namespace)
    return None


def _program(source: str, check: dict[str, str]) -> dict[str, Any]:
    """Run a whole program and compare its output for one input."""
    out = io.StringIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(check["source"].encode()), encoding="utf-8")
    error_name = ""
    with _time_limit(), contextlib.redirect_stdout(out):
        try:
            exec(compile(source, "<candidate>", "exec"), {"__name__": "__main__"})
        except SystemExit:
            pass
        except BaseException as error:
            error_name = f"!{type(error).__name__}"
    printed = out.getvalue()
    ok = not error_name
    if ok and "expected" in check:
        ok = printed.split() == check["expected"].split()
    return {"ok": ok, "output": (error_name or printed)[:MAX_OUTPUT]}


# -- comparing with the expected result ----------------------------------------------------------


def _value(text: str, namespace: Namespace) -> Any:
    return eval(text, namespace)


def _repr(value: Any) -> str:
    try:
        return repr(value)[:MAX_OUTPUT]
    except BaseException as error:
        return f"!{type(error).__name__}"


def _expects(expected: str, error: BaseException) -> bool:
    last = expected.strip().splitlines()[-1] if expected.strip() else ""
    return (
        expected.lstrip().startswith("Traceback")
        and last.split(":")[0].split(".")[-1] == type(error).__name__
    )


def _matches(actual: str, expected: str) -> bool:
    """Compare as doctest does, ignoring white space and with ``...`` as a wildcard; else compare the values."""
    plain, wanted = " ".join(actual.split()), " ".join(expected.split())
    if plain == wanted:
        return True
    if "..." in wanted:
        pattern = ".*".join(re.escape(part) for part in wanted.split("..."))
        if re.fullmatch(pattern, plain, re.DOTALL):
            return True
    try:
        return _equal(ast.literal_eval(plain), ast.literal_eval(wanted))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return plain.strip("'\"") == wanted.strip("'\"")


def _equal(actual: Any, expected: Any) -> bool:
    if (
        isinstance(actual, float)
        and isinstance(expected, int | float)
        and not isinstance(expected, bool)
    ):
        return math.isclose(actual, expected, rel_tol=1e-6, abs_tol=1e-6)
    if isinstance(actual, list | tuple) and isinstance(expected, list | tuple):
        # Docstrings are loose about tuples and lists, so one may match the other.
        return len(actual) == len(expected) and all(
            _equal(a, b) for a, b in zip(actual, expected, strict=True)
        )
    return bool(actual == expected)


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
        os._exit(3)
