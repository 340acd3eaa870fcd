"""The sandbox's process: reads one job as JSON, locks itself down, runs it, writes what came of it.

Run by path, with ``-I -S -B``. Job: ``{"source", "groups", "paths", "readable", "folder", "seconds",
"step", "memory", "fileBytes"}``; a group is a list of checks that share names, a check is ``{"kind", "source",
"want"}``. Answer: ``{"layers", "groups": [[{"ok", "output"}]]}``, or ``{"refused"}``.
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
from landlock_seccomp import CannotConfineError, confine  # type: ignore[import-not-found]

LONGEST = 2000
"""Characters of an output that are told."""
_HELPERS = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign,
    ast.AnnAssign, ast.AugAssign, ast.If, ast.Try,
)  # fmt: skip
Names = dict[str, Any]
_STEP = [1.0]
"""Seconds of one check; set once, from the job."""


def main() -> None:
    """Do the job that stands on standard input."""
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
        )
    except CannotConfineError as error:
        json.dump({"refused": error.strerror or str(error)}, answer)
        answer.flush()
        os._exit(0)
    sys.path[:] = [*(p for p in sys.path if p != str(Path(__file__).parent)), *job["paths"]]
    _STEP[0] = job["step"]
    signal.signal(signal.SIGALRM, _stop)
    sys.setrecursionlimit(5000)
    warnings.simplefilter("ignore")
    result = {"layers": layers, "groups": [run_group(job["source"], g) for g in job["groups"]]}
    json.dump(result, answer)
    answer.flush()
    # Threads that the code left behind must not keep the process.
    os._exit(0)


def run_group(source: str, checks: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Run checks that share names, each group in a fresh module."""
    if checks and checks[0]["kind"] == "stdin":
        return [_program(source, check) for check in checks]
    names = _module(source)
    return [_check(check, names) for check in checks]


def _module(source: str) -> Names:
    """The names a source defines: its definitions alone, and without those that fail."""
    names: Names = {"__name__": "candidate"}
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return names
    for node in tree.body:
        if isinstance(node, _HELPERS):
            _quietly(ast.Module([node], []), names)
    return names


def _quietly(tree: ast.Module, names: Names) -> None:
    with (
        _no_longer(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.suppress(BaseException),
    ):
        exec(compile(tree, "<candidate>", "exec"), names)  # noqa: S102 - what this process is for


@contextlib.contextmanager
def _no_longer() -> Generator[None]:
    """Stop what is inside after the time of one check."""
    signal.setitimer(signal.ITIMER_REAL, _STEP[0])
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(*_: object) -> None:
    raise TimeoutError("took too long")


def _check(check: dict[str, str], names: Names) -> dict[str, Any]:
    out = io.StringIO()
    value: Any = None
    try:
        with _no_longer(), contextlib.redirect_stdout(out):
            value = _run(check, names, out)
    except BaseException as error:
        name = type(error).__name__
        expected = "want" in check and _expects(check["want"], error)
        return {"ok": expected, "output": f"!{name}"}
    shown = out.getvalue()[:LONGEST]
    if check["kind"] == "equal":
        return {"ok": _same(value, _value(check["want"], names)), "output": _shown(value)}
    if "want" not in check:
        return {"ok": True, "output": shown or _shown(value)}
    return {"ok": _alike(shown, check["want"]), "output": shown}


def _run(check: dict[str, str], names: Names, out: io.StringIO) -> Any:
    """Run one check's source; the value of an expression."""
    if check["kind"] == "doctest":

        def show(shown: Any) -> None:
            if shown is not None:
                out.write(f"{shown!r}\n")

        sys.displayhook = show
        code = compile(check["source"] + "\n", "<example>", "single")
        exec(code, names)  # noqa: S102
        return None
    if check["kind"] in ("equal", "call"):
        return eval(check["source"], names)  # noqa: S307
    exec(compile(check["source"], "<example>", "exec"), names)  # noqa: S102
    return None


def _program(source: str, check: dict[str, str]) -> dict[str, Any]:
    """A whole program: what it prints for an input."""
    out = io.StringIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(check["source"].encode()), encoding="utf-8")
    failed = ""
    with _no_longer(), contextlib.redirect_stdout(out):
        try:
            exec(compile(source, "<candidate>", "exec"), {"__name__": "__main__"})  # noqa: S102
        except SystemExit:
            pass
        except BaseException as error:
            failed = f"!{type(error).__name__}"
    shown = out.getvalue()
    ok = not failed and ("want" not in check or shown.split() == check["want"].split())
    return {"ok": ok, "output": (failed or shown)[:LONGEST]}


# -- whether it is what was promised -------------------------------------------------------------


def _value(text: str, names: Names) -> Any:
    return eval(text, names)  # noqa: S307


def _shown(value: Any) -> str:
    try:
        return repr(value)[:LONGEST]
    except BaseException as error:
        return f"!{type(error).__name__}"


def _expects(want: str, error: BaseException) -> bool:
    last = want.strip().splitlines()[-1] if want.strip() else ""
    return (
        want.lstrip().startswith("Traceback")
        and last.split(":")[0].split(".")[-1] == type(error).__name__
    )


def _alike(got: str, want: str) -> bool:
    """Equal as doctest says, white space and dots apart; else equal as values."""
    plain, wanted = " ".join(got.split()), " ".join(want.split())
    if plain == wanted:
        return True
    if "..." in wanted:
        pattern = ".*".join(re.escape(part) for part in wanted.split("..."))
        if re.fullmatch(pattern, plain, re.DOTALL):
            return True
    try:
        return _same(ast.literal_eval(plain), ast.literal_eval(wanted))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return plain.strip("'\"") == wanted.strip("'\"")


def _same(got: Any, want: Any) -> bool:
    if isinstance(got, float) and isinstance(want, int | float) and not isinstance(want, bool):
        return math.isclose(got, want, rel_tol=1e-6, abs_tol=1e-6)
    if isinstance(got, list | tuple) and isinstance(want, list | tuple):
        # A tuple where a list is promised is taken: docstrings are loose about it.
        return len(got) == len(want) and all(_same(a, b) for a, b in zip(got, want, strict=True))
    return bool(got == want)


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
        os._exit(3)
