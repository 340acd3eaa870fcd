"""Untested code that tries to reach other programs or to use up the machine: more attacks on both sandboxes."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ensemble_lsp.sandbox import machine_load, process
from ensemble_lsp.sandbox.check_results import CheckResults, ExampleCheck
from ensemble_lsp.sandbox.example_runner import ExampleRunner
from ensemble_lsp.sandbox.folders import DiskUse, disk_use
from ensemble_lsp.sandbox.process import ProcessResult, ResourceLimits
from tests.support.sandboxes import isolation, run_beside_good

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="Linux only"),
]
__all__ = ["isolation"]
ISOLATION = Path(process.__file__).parent / "isolation"

HEAD = """import ctypes, os, signal, sys, threading, time
def call(*a): return ctypes.CDLL(None).syscall(*a) >= 0
def say(data):
    for fd in range(3, 20):
        try: os.write(fd, data)
        except OSError: pass
"""
HOSTILE = {
    "threads": """def f():
    threading.stack_size(32768)
    while True: threading.Thread(target=threading.Event().wait, daemon=True).start()""",
    "threads that never end": """def f():
    def spin():
        while True: pass
    for _ in range(20): threading.Thread(target=spin).start()
    return 4""",
    "no signals": """def f():
    for number in range(1, 32):
        try: signal.signal(number, signal.SIG_IGN)
        except OSError: pass
    while True: pass""",
    "every exception": """def f():
    while True:
        try:
            while True: pass
        except BaseException: pass
    """,
    "endless equality": """class E:
    def __eq__(self, other):
        while True: pass
def f(): return E()""",
    "equality that leaves": """class E:
    def __eq__(self, other): raise SystemExit(0)
def f(): return E()""",
    "endless text": """class S(str):
    def __getitem__(self, key):
        while True: pass
class E:
    def __repr__(self): return S('x')
def f(): return E()""",
    "endless output": "def f():\n    while True: print('x' * 10**6)",
    "recursion": "def f():\n    sys.setrecursionlimit(10**9)\n    return f()",
    "half a character": """def f():
    say(b'{"groups": [[{"ok": false, "output": "\\\\ud800\\\\u001b[2J"}]]}'); os._exit(0)""",
    "an answer before its own": """def f():
    say(b'{"groups": [[{"ok": true, "output": "3"}]]}')
    return 4""",
    "sleep without descriptors": "def f():\n    os.closerange(0, 64); time.sleep(100)",
    "a large file": "def f():\n    os.ftruncate(os.open('s', os.O_CREAT | os.O_RDWR), 1 << 40)",
    "a large number": "def f(): return 10 ** (10 ** 8)",
}
REACHES = {
    "memory files": "call(319, b'x', 0)",
    "socket pairs": "call(53, 1, 1, 0, (ctypes.c_int * 2)())",
    "tracing": "call(101, 0, 0, 0, 0)",
    "rings": "call(425, 1, bytes(120))",
    "mounts": "call(165, b'tmpfs', b'.', b'tmpfs', 0, 0)",
    "namespaces": "call(272, 0x10000000) or call(435, bytes(88), 88)",
    "signals": "call(62, os.getppid(), 9) or call(62, -1, 0) or call(200, 1, 9)",
    "process control": "call(157, 1, 0, 0, 0, 0) or call(157, 22, 0, 0, 0)",
    "programs": "call(59, b'/bin/true', None, None) or call(322, -100, b'/bin/true', None, None, 0)",
    "links": "call(86, b'/etc/hosts', b'x') or call(88, b'/etc', b'l')",
    "passwords": "os.access('/etc/passwd', os.R_OK) and open('/etc/passwd').read()",
    "processes": "os.listdir('/proc')",
    "the folder above": "os.listdir('..')",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_code_fails_alone(
    name: str, isolation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _, hostile = await run_beside_good(HEAD + HOSTILE[name], 20)
    assert hostile is not None and hostile.passed == 0
    assert await asyncio.to_thread(os.listdir, tmp_path) == []


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
@pytest.mark.parametrize("name", REACHES)
async def test_examples_reach_nothing(name: str, isolation: str) -> None:
    code = f"{HEAD}def f():\n    try: return 'reached' if {REACHES[name]} else 'denied'\n"
    code += "    except OSError: return 'denied'\n"
    runner = ExampleRunner([[ExampleCheck("equal", "f()", "'denied'")]], lambda text: text)
    assert await runner(code) == CheckResults(1, 1, ("'denied'",))


# -- the repository's tests ------------------------------------------------------------------------


async def run_code(code: str, folder: Path, limits: ResourceLimits | None = None) -> ProcessResult:
    if reason := await process.unavailable_reason():
        pytest.skip(reason)
    command = [sys.executable, "-c", code]
    limits = limits or ResourceLimits(seconds=30)
    return await process.run(command, work=folder, folder=folder, limits=limits)


DATAGRAMS = """
import socket
for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
    for path in ({path!r}, {name!r}):
        for reach in (lambda s: s.sendto(b'hostile', path), lambda s: s.connect(path) or s.send(b'hostile')):
            try: reach(socket.socketpair(socket.AF_UNIX, kind)[0])
            except OSError: pass
"""


async def test_a_pair_of_sockets_reaches_no_other_program(tmp_path: Path, isolation: str) -> None:
    # The way without a path: in the same network, it would be seen. A short path, as sockets need one.
    with tempfile.TemporaryDirectory(prefix="ens") as folder:
        path, name = f"{folder}/s", f"\0ensemble-test-{os.getpid()}"
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as named,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract,
        ):
            for one, place in ((named, path), (abstract, name)):
                one.bind(place)
                one.setblocking(False)
            ended = await run_code(DATAGRAMS.format(path=path, name=name), tmp_path)
            assert ended.passed, ended.output
            for one in (named, abstract):
                with pytest.raises(BlockingIOError):
                    one.recv(100)


async def test_a_test_runner_has_no_capabilities(tmp_path: Path, isolation: str) -> None:
    code = (
        "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('Cap')])"
    )
    ended = await run_code(code, tmp_path)
    assert set(ended.output.strip("[]\n").split(", ")) == {"'0000000000000000'"}, ended.output


@pytest.mark.parametrize(
    "start",
    [
        "os.fork() or time.sleep(60)",
        "os.fork() or (os.setsid(), time.sleep(60))",
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    ],
)
async def test_the_number_of_processes_is_limited(
    start: str, tmp_path: Path, isolation: str
) -> None:
    code = (
        f"import os, threading, time\nthreading.stack_size(32768)\nfor n in range(400): {start}\n"
    )
    limits = ResourceLimits(seconds=30, threads=100)
    began = time.monotonic()
    ended = await run_code(f"{code}\ntime.sleep(60)", tmp_path, limits)
    assert not ended.passed and not ended.timed_out
    assert time.monotonic() - began < 25


async def test_memory_that_belongs_to_no_process_is_limited(
    tmp_path: Path, isolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nearly_all() -> float:
        return machine_load._memory()[1] - (200 << 10)

    monkeypatch.setattr(machine_load, "_least_memory", nearly_all)
    code = """import os, time
files = [os.memfd_create(str(n)) for n in range(60)]  # more than a test before this one may give back
for file in files: os.write(file, bytes(48 << 20)); time.sleep(.1)
time.sleep(60)"""
    ended = await run_code(code, tmp_path)
    assert not ended.passed and "memory" in ended.output


async def test_the_kernel_ends_untested_code_first(tmp_path: Path, isolation: str) -> None:
    ended = await run_code("print(open('/proc/self/oom_score_adj').read())", tmp_path)
    assert ended.output.strip() == "1000"


UNSEALED = """
import sys; sys.path.insert(0, {isolation!r})
import ctypes, fcntl, os, struct
import namespaces
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
namespaces.seccomp(libc, apart=False, sealed=False)
path = {path!r}
os.chmod(path, 0o777); os.chown(path, 1, 1); os.utime(path, (1, 1))
for number, arguments in (
    (463, (-100, path.encode(), 0, b'user.x', bytes(16), 16)), (466, (-100, path.encode(), 0, b'user.y')),
    (197, (path.encode(), b'user.y')), (469, (-100, path.encode(), bytes(24), 24, 0)),
    (132, (path.encode(), bytes(16))), (235, (path.encode(), bytes(32))), (261, (-100, path.encode(), bytes(32))),
):
    assert libc.syscall(number, *arguments) == 0, number
for request in (0x40086602, 0x401C5820):
    try: fcntl.ioctl(os.open(path, os.O_RDONLY), request, bytearray(struct.pack('l', 0x40) + bytes(24)))
    except PermissionError: continue
    raise SystemExit(request)
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
def test_without_mounts_no_attribute_of_a_file_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    before = file.stat()
    code = UNSEALED.format(isolation=str(ISOLATION), path=str(file))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert file.stat() == before


def test_measuring_a_folder_changes_no_mode_outside_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work" / "inner").mkdir(parents=True)
    (tmp_path / "precious").mkdir(mode=0o755)
    attempts: list[str] = []
    scandir = os.scandir

    def refused(path: str) -> object:
        """Refuse once, as for a folder without rights, and put a link in its place meanwhile."""
        if str(path).endswith("inner") and not attempts:
            attempts.append(str(path))
            (tmp_path / "work" / "inner").rmdir()
            (tmp_path / "work" / "inner").symlink_to(tmp_path / "precious")
            raise PermissionError(13, "refused", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    disk_use(tmp_path / "work", DiskUse(1 << 30, 100))
    assert attempts
    assert (tmp_path / "precious").stat().st_mode & 0o777 == 0o755
