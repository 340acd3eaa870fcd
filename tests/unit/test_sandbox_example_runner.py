"""The examples' sandbox: outcomes of checks, and everything it cannot reach. Linux with Landlock and seccomp."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from ensemble_lsp.sandbox.check_results import CheckOutcome, ExampleCheck
from ensemble_lsp.sandbox.example_runner import ExampleLimits, ExampleRun, run_examples
from tests.support.sandboxes import isolation

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux only"),
    pytest.mark.usefixtures("isolation"),
]
__all__ = ["isolation"]


async def call(source: str, expression: str, limits: ExampleLimits | None = None) -> CheckOutcome:
    ran = await run_examples(source, [[ExampleCheck("call", expression)]], limits)
    assert not ran.unavailable, ran.unavailable
    return ran.groups[0][0]


async def test_each_kind_of_check_is_judged() -> None:
    source = "def add(a, b):\n    return a + b\n\ndef boom():\n    raise ValueError('no')\n"
    checks = [
        (ExampleCheck("doctest", "add(1, 2)", "3"), True),
        (ExampleCheck("doctest", "add('a', 'b')", '"ab"'), True),
        (ExampleCheck("doctest", "add(.1, .2)", "0.3"), True),
        (ExampleCheck("doctest", "add(1, 2)", "4"), False),
        (
            ExampleCheck("doctest", "boom()", "Traceback (most recent call last):\nValueError: no"),
            True,
        ),
        (ExampleCheck("doctest", "boom()", "3"), False),
        (ExampleCheck("equal", "add(1, 2)", "3"), True),
        (ExampleCheck("equal", "add(0.1, 0.2)", "0.3"), True),
        (ExampleCheck("equal", "add([1], [2])", "[1, 3]"), False),
        (ExampleCheck("assert", "assert add(1, 1) == 2"), True),
        (ExampleCheck("assert", "assert add(1, 1) == 3"), False),
        (ExampleCheck("call", "add(2, 2)"), True),
        (ExampleCheck("call", "missing(2)"), False),
    ]
    ran = await run_examples(source, [[check] for check, _ in checks])
    assert [(c, g[0].ok) for (c, _), g in zip(checks, ran.groups, strict=True)] == checks
    assert ran.groups[-2][0].output == "4"
    assert ran.groups[-1][0].output == "!NameError"


async def test_a_groups_checks_share_names_and_groups_do_not() -> None:
    source = "class Box:\n    def __init__(self): self.items = []\n    def put(self, x): self.items.append(x)\n"
    group = [
        ExampleCheck("run", "b = Box()"),
        ExampleCheck("run", "b.put(3)"),
        ExampleCheck("doctest", "b.items", "[3]"),
    ]
    ran = await run_examples(source, [group, [ExampleCheck("call", "b.items")]])
    assert [t.ok for t in ran.groups[0]] == [True, True, True]
    assert ran.groups[1][0].output == "!NameError"


async def test_a_program_reads_its_input_and_is_judged_by_what_it_prints() -> None:
    program = "a, b = map(int, input().split())\nprint(a + b)\n"
    checks = [
        ExampleCheck("stdin", "1 2\n", "3\n"),
        ExampleCheck("stdin", "1 2\n", "4"),
        ExampleCheck("stdin", "x", "1"),
    ]
    ran = await run_examples(program, [checks])
    assert [t.ok for t in ran.groups[0]] == [True, False, False]


async def test_definitions_alone_are_run_and_one_that_fails_does_not_spoil_the_rest() -> None:
    source = "import nothing_of_this_name\nprint(open('/etc/passwd').read())\nwhile True: pass\ndef f(): return 7\n"
    assert (await call(source, "f()")).output == "7"


@pytest.mark.parametrize(
    "body",
    [
        "__import__('socket').create_connection(('127.0.0.1', PORT), 1)",
        "__import__('socket').socket(__import__('socket').AF_UNIX)",
        "open(OUTSIDE, 'w').write('x')",
        "__import__('os').remove(INSIDE_OF_ANOTHER)",
        "__import__('os').rename(INSIDE_OF_ANOTHER, 'mine')",
        "__import__('os').chmod(INSIDE_OF_ANOTHER, 0o777)",
        "__import__('os').utime(INSIDE_OF_ANOTHER)",
        "open(INSIDE_OF_ANOTHER).read()",
        "open(f'/proc/{PARENT}/environ', 'rb').read()",
        "__import__('os').listdir('/')",
        "__import__('subprocess').run(['/bin/true'])",
        "__import__('os').execv('/bin/true', ['true'])",
        "__import__('os').fork()",
        "__import__('os').kill(PARENT, 0)",
        "__import__('os').symlink(OUTSIDE, 'link')",
        "len(bytearray(3 << 30))",
        "open('big', 'wb').write(bytes(64 << 20))",
    ],
)
async def test_what_is_outside_cannot_be_reached(body: str, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    await asyncio.to_thread(other.write_text, "secret")
    outside = tmp_path / "evil.txt"
    names = f"OUTSIDE = {str(outside)!r}\nINSIDE_OF_ANOTHER = {str(other)!r}\nPORT = 9\nPARENT = {os.getpid()}\n"
    tried = await call(f"{names}def f():\n    return {body}\n", "f()")
    assert not tried.ok
    # Under bubblewrap the paths do not exist.
    assert tried.output in ("!PermissionError", "!MemoryError", "!OSError", "!FileNotFoundError")
    assert await asyncio.to_thread(other.read_text) == "secret"
    assert not await asyncio.to_thread(outside.exists)


async def test_the_temporary_folder_can_be_written_and_is_removed() -> None:
    source = "import os\ndef f():\n    open('a', 'w').write('x')\n    return os.getcwd(), open('a').read()\n"
    folder, read = eval((await call(source, "f()")).output)
    assert read == "x"
    assert not await asyncio.to_thread(Path(folder).exists)


async def test_threads_and_the_standard_library_work() -> None:
    source = (
        "import threading, decimal, json, re, datetime, collections, random, hashlib, sqlite3\n"
    )
    source += "def f():\n    got = []\n    t = threading.Thread(target=got.append, args=(1,))\n"
    source += "    t.start(); t.join()\n    return got, sqlite3.connect(':memory:').execute('select 2').fetchall()\n"
    assert (await call(source, "f()")).output == "([1], [(2,)])"


async def test_an_endless_check_is_stopped_and_the_others_go_on() -> None:
    source = "def loop():\n    while True: pass\ndef one(): return 1\n"
    ran = await run_examples(
        source,
        [[ExampleCheck("call", "loop()")], [ExampleCheck("call", "one()")]],
        ExampleLimits(seconds=3, check_seconds=0.3),
    )
    assert [g[0].output for g in ran.groups] == ["!TimeoutError", "1"]


async def test_what_cannot_be_stopped_is_killed() -> None:
    source = "def loop():\n    return sum(range(10**13))\n"
    start = time.monotonic()
    ran = await run_examples(
        source, [[ExampleCheck("call", "loop()")]], ExampleLimits(seconds=1, check_seconds=0.3)
    )
    assert not ran.completed
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("body", ["__import__('os')._exit(0)", "__import__('sys').exit()", "f()"])
async def test_leaving_or_overflowing_is_no_pass(body: str) -> None:
    ran = await run_examples(
        f"def f():\n    return {body}\n", [[ExampleCheck("equal", "f()", "None")]]
    )
    assert not ran.completed or not ran.groups[0][0].ok


async def test_cancelling_kills_the_process() -> None:
    source = "def loop():\n    while True: pass\n"
    work = asyncio.create_task(
        run_examples(
            source, [[ExampleCheck("call", "loop()")]], ExampleLimits(seconds=30, check_seconds=30)
        )
    )
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_a_system_that_cannot_confine_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    ran = await run_examples("def f(): pass", [[ExampleCheck("call", "f()")]])
    assert ran == ExampleRun(completed=False, unavailable="examples run on Linux only")
