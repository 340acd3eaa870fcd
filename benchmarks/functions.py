"""Draw real functions from pure Python modules of the standard library, with a fixed seed."""

from __future__ import annotations

import ast
import importlib.util
import random
from dataclasses import dataclass
from pathlib import Path

MODULES = (
    "argparse", "ast", "bisect", "calendar", "cmd", "codecs", "colorsys", "configparser", "copy",
    "csv", "dataclasses", "difflib", "dis", "doctest", "fileinput", "fnmatch", "fractions",
    "functools", "getopt", "glob", "gzip", "heapq", "inspect", "ipaddress", "linecache", "locale",
    "mailbox", "mimetypes", "netrc", "ntpath", "optparse", "pathlib", "pickle", "plistlib",
    "pprint", "queue", "random", "sched", "shelve", "shlex", "shutil", "statistics", "string",
    "subprocess", "tarfile", "tempfile", "textwrap", "timeit", "tokenize", "trace", "typing",
    "unittest.case", "uuid", "weakref", "zipfile",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """One function in its file."""

    module: str
    before: str
    """Text above the function, at most 200 lines."""
    text: str
    """Text from ``def`` to the end of the last line."""
    after: str
    """Text below the function, at most 100 lines."""


def functions(count: int, *, seed: int = 1, lines: tuple[int, int] = (5, 30)) -> list[Written]:
    """Return this many functions of ``lines`` lines; the result depends only on the Python version."""
    found: list[Written] = []
    for module in MODULES:
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            continue
        source = Path(spec.origin).read_text(encoding="utf-8")
        rows = source.splitlines(keepends=True)
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.FunctionDef) or node.end_lineno is None:
                continue
            first, last = node.lineno - 1, node.end_lineno
            if lines[0] <= last - first <= lines[1]:
                found.append(
                    Written(
                        module,
                        "".join(rows[max(0, first - 200) : first]),
                        "".join(rows[first:last]),
                        "".join(rows[last : last + 100]),
                    )
                )
    return random.Random(seed).sample(found, count)
