"""Untested code that attacks the sandboxes: nothing outlives a run, and no answer spoils another one's checks."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from ensemble_lsp.sandbox import process
from ensemble_lsp.sandbox.check_results import CheckResults
from ensemble_lsp.sandbox.folders import DiskUse, disk_use, remove_tree
from ensemble_lsp.sandbox.process import ResourceLimits
from ensemble_lsp.sandbox.scratch_repo import ScratchRepo
from tests.support.sandboxes import GOOD, isolation, run_beside_good

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="Linux only")]
__all__ = ["isolation"]
ISOLATION = Path(process.__file__).parent / "isolation"

SAY = """import os
def say(b):
    for fd in range(3, 20):
        try: os.write(fd, b)
        except OSError: pass
"""
LOCKED = """import os
def f():
    for n in range(9):
        os.mkdir(f'd{n}'); os.mkdir(f'd{n}/e', 0); os.chdir(f'd{n}')
"""


def says(data: str) -> str:
    """A function that writes to the answer's descriptor and leaves."""
    return f"{SAY}def f():\n    say({data}); os._exit(0)\n"


HOSTILE = {
    "nested folders": "import os\ndef f():\n    for _ in range(3000):\n        os.mkdir('d'); os.chdir('d')\n    return 3\n",
    "unreadable folders": LOCKED,
    "many files": "def f():\n    for n in range(10**6): open(f'f{n}', 'w').close()\n",
    "much data": "def f():\n    for n in range(10**6): open(f'f{n}', 'wb').write(bytes(4 << 20))\n",
    "garbage": says("b'garbage'"),
    "deep": says("b'[' * 900000"),
    "endless": f"{SAY}def f():\n    while True: say(b'x' * 65536)\n",
    "unavailable": says('b\'{"unavailable": "lie"}\''),
    "fewer": says("b'{\"groups\": []}'"),
    "other types": says("b'{\"groups\": [[7]]}'"),
    "a list": says("b'[1]'"),
    "digits": says("b'9' * 9000"),
    "closed": "import os\ndef f():\n    os.closerange(0, 99)\n    while True: pass\n",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_answer_fails_alone_and_leaves_nothing(
    name: str, isolation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    runner, hostile = await run_beside_good(HOSTILE[name], 8)
    assert hostile is not None
    if name != "nested folders":
        assert hostile.passed == 0
    assert await runner(f"{GOOD}# again\n") == CheckResults(1, 1, ("3",))
    assert await asyncio.to_thread(os.listdir, tmp_path) == []


def test_a_tree_of_any_depth_is_measured_and_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    fd = os.open(top, os.O_RDONLY)
    for number in range(1500):
        os.mkdir("folder", dir_fd=fd)
        inner = os.open("folder", os.O_RDONLY, dir_fd=fd)
        if number % 100 == 0:
            os.symlink("/etc", "link", dir_fd=fd)
            os.mkfifo("pipe", dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    limit = DiskUse(1 << 40, 10**6)
    assert disk_use(top, limit).exceeds(limit)  # too deep to look into
    (top / "locked").mkdir()
    (top / "locked" / "inner").mkdir()
    (top / "locked").chmod(0)
    remove_tree(top)
    assert not top.exists() and Path("/etc/passwd").exists()


# -- without namespaces and with an old Landlock ---------------------------------------------------

BARE = """
import sys; sys.path.insert(0, {isolation!r})
import ctypes, fcntl, os, signal, struct
import landlock_seccomp as inner
inner._unshare = lambda libc: []
inner._landlock = lambda *_: None        # a kernel whose Landlock knows no signals
inner._verify = lambda folder: None
inner.confine({folder!r}, [], seconds=5, memory=1 << 30, file_bytes=1 << 20)
libc = ctypes.CDLL(None, use_errno=True)
victim = {victim}
r, w = os.pipe()
tried = []
def attempt(name, action):
    try:
        if action() not in (-1, None): tried.append(name)
    except OSError: pass
attempt('kill', lambda: os.kill(victim, 9) or 1)
attempt('F_SETOWN', lambda: fcntl.fcntl(r, 8, victim) + 1)
attempt('F_SETSIG', lambda: fcntl.fcntl(r, 10, signal.SIGKILL) + 1)
attempt('F_SETOWN_EX', lambda: fcntl.fcntl(r, 15, struct.pack('ii', 1, victim)))
attempt('F_SETLEASE', lambda: fcntl.fcntl(r, 1024, 0) + 1)
attempt('F_NOTIFY', lambda: fcntl.fcntl(r, 1026, 0) + 1)
attempt('FIOSETOWN', lambda: fcntl.ioctl(r, 0x8901, struct.pack('i', victim)))
attempt('SIOCSPGRP', lambda: fcntl.ioctl(r, 0x8902, struct.pack('i', victim)))
attempt('prlimit', lambda: libc.syscall(302, victim, 0, struct.pack('QQ', 1, 1), None))
for name, number, arguments in (
    ('tgkill', 234, (victim, victim, 9)), ('tkill', 200, (victim, 9)),
    ('pidfd_open', 434, (victim, 0)), ('pidfd_send_signal', 424, (r, 9, None, 0)),
    ('rt_sigqueueinfo', 129, (victim, 9, bytes(128))), ('ptrace', 101, (16, victim, 0, 0)),
    ('process_vm_writev', 311, (victim, None, 0, None, 0, 0)), ('prctl', 157, (1, 9, 0, 0, 0)),
    ('setpriority', 141, (0, victim, 19)), ('timer_create', 222, (0, None, bytes(8))),
    ('unshare', 272, (0x10000000,)), ('clone3', 435, (bytes(88), 88)), ('fork', 57, ()),
    ('clone', 56, (0x10000011, 0, 0, 0, 0)), ('io_uring', 425, (1, bytes(120))),
    ('mq_open', 240, (b'q', 64, 0o600, None)), ('shmget', 29, (1, 1, 0o1600)),
):
    attempt(name, lambda: libc.syscall(number, *arguments))
os.write(w, b'x'); os.read(r, 1)
print(','.join(tried))
"""


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the same user that no test program may reach."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
def test_without_namespaces_and_landlock_no_call_reaches_another_process(
    tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    code = BARE.format(isolation=str(ISOLATION), folder=str(tmp_path), victim=victim.pid)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
    assert victim.poll() is None


FILTERED = """
import sys; sys.path.insert(0, {isolation!r})
import ctypes, fcntl, os, struct, subprocess
import namespaces
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
namespaces.seccomp(libc, apart={apart}, sealed=True)
victim = {victim}
r, w = os.pipe()
tried = []
def attempt(name, action):
    try:
        if action() not in (-1, None): tried.append(name)
    except OSError: pass
for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
    pid = libc.syscall(56, flag | 17, 0, 0, 0, 0)
    if pid == 0: os._exit(0)
    if pid > 0: tried.append(hex(flag))
    attempt('unshare', lambda: libc.syscall(272, flag))
pid = libc.syscall(435, struct.pack('11Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88)
if pid == 0: os._exit(0)
if pid > 0: tried.append('clone3')
attempt('F_SETOWN', lambda: fcntl.fcntl(r, 8, os.getpid()) + 1)
attempt('F_SETSIG', lambda: fcntl.fcntl(r, 10, 9) + 1)
attempt('F_SETOWN_EX', lambda: fcntl.fcntl(r, 15, struct.pack('ii', 1, os.getpid())))
attempt('ptrace', lambda: libc.syscall(101, 16, victim, 0, 0))
attempt('setns', lambda: libc.syscall(308, r, 0))
if not {apart}:
    attempt('prlimit', lambda: libc.syscall(302, victim, 0, struct.pack('QQ', 1, 1), None))
    attempt('setpriority', lambda: libc.syscall(141, 0, victim, 19))
    attempt('affinity', lambda: libc.syscall(203, victim, 8, struct.pack('Q', 1)))
    attempt('shmget', lambda: libc.syscall(29, 1, 1, 0o1600))
print(','.join(tried), subprocess.run(['true']).returncode, os.nice(1))
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
@pytest.mark.parametrize("apart", [True, False])
def test_a_test_runner_makes_no_namespaces_and_reaches_no_other_process(
    apart: bool, victim: subprocess.Popen[bytes]
) -> None:
    code = FILTERED.format(isolation=str(ISOLATION), victim=victim.pid, apart=apart)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    lowered = min(os.nice(0) + 1, 19)
    assert (done.stdout.strip(), done.stderr) == (f"0 {lowered}", "")
    assert victim.poll() is None


LAUNCHED = """
import sys; sys.path.insert(0, {isolation!r})
import namespaces
namespaces._namespaces = lambda libc: False
namespaces.main()
"""


@pytest.mark.parametrize("ends", [True, False])
def test_without_namespaces_the_launcher_ends_all_descendants(tmp_path: Path, ends: bool) -> None:
    seconds = f"97{os.getpid()}{int(ends)}"
    code = (
        f"import subprocess, time; subprocess.Popen(['sleep', '{seconds}'], start_new_session=True,"
        f" stdout=2); print('started', flush=True); time.sleep({0 if ends else 60})"
    )
    readable = ["/usr", "/lib", "/lib64", "/bin", "/proc", sys.prefix, sys.base_prefix]
    job = {"folder": str(tmp_path), "readable": readable, "seconds": 60, "memory": 1 << 30}
    job |= {"fileBytes": 1 << 20, "threads": 512, "contained": False}
    program = ["-c", LAUNCHED.format(isolation=str(ISOLATION)), json.dumps(job)]
    with subprocess.Popen(
        [sys.executable, *program, sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as launched:
        assert launched.stdout is not None and launched.stderr is not None
        first = launched.stdout.readline()
        if not first and "neither namespaces" in (reason := launched.stderr.read()):
            pytest.skip(reason)
        assert first == "started\n", launched.stderr.read()
        if not ends:
            launched.terminate()
        launched.wait(20)
    found = [p for p in psutil.process_iter(["cmdline"]) if seconds in (p.info["cmdline"] or ())]
    assert found == []


# -- the repository's tests ------------------------------------------------------------------------


async def run_code(code: str, folder: Path, **limits: float) -> process.ProcessResult:
    if reason := await process.unavailable_reason():
        pytest.skip(reason)
    command = [sys.executable, "-c", code]
    chosen = ResourceLimits(**{"seconds": 20, **limits})
    return await process.run(command, work=folder, folder=folder, limits=chosen)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/gshadow", "/etc/ssl/private", "/root"])
async def test_what_only_root_may_read_is_not_readable_as_root(
    path: str, tmp_path: Path, isolation: str
) -> None:
    code = f"import os; os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r}).read()"
    ended = await run_code(code, tmp_path)
    assert not ended.passed
    assert "PermissionError" in ended.output or "FileNotFoundError" in ended.output
    public = "print(open('/etc/passwd').readline(), open('/etc/ld.so.cache', 'rb').read(1))"
    assert (await run_code(public, tmp_path)).passed


async def test_other_processes_are_not_seen(tmp_path: Path, isolation: str) -> None:
    code = "import os; print('seen', [p for p in os.listdir('/proc') if p.isdigit()])"
    ended = await run_code(code, tmp_path)
    assert str(os.getpid()) not in ended.output.partition("seen")[2], ended.output


@pytest.mark.parametrize(
    "code",
    [
        "import itertools\nfor n in itertools.count(): open(f'f{n}', 'wb').write(bytes(1 << 20))",
        "import itertools, os\nfor n in itertools.count(): open(f'f{n}', 'w').close()",
        "import os\nwhile True: os.mkdir('d'); os.chdir('d')",
    ],
)
async def test_the_disk_that_all_files_take_is_limited(
    code: str, tmp_path: Path, isolation: str
) -> None:
    if reason := await process.unavailable_reason():
        pytest.skip(reason)
    limits = ResourceLimits(seconds=30, disk=DiskUse(40 << 20, 3000))
    command, start = [sys.executable, "-c", code], time.monotonic()
    try:
        ended = await process.run(command, work=tmp_path, folder=tmp_path, limits=limits)
    finally:
        took = time.monotonic() - start
        await asyncio.to_thread(remove_tree, tmp_path)  # too deep for pytest to remove
    assert not ended.passed and not ended.timed_out and "disk" in ended.output
    assert took < 20


@pytest.fixture
async def repo(tmp_path: Path, isolation: str) -> AsyncIterator[ScratchRepo]:
    """A copy of a small repository."""
    if reason := await process.unavailable_reason():
        pytest.skip(reason)
    root = tmp_path / "repo"
    await asyncio.to_thread(root.mkdir)
    await asyncio.to_thread((root / "app.py").write_text, "x = 1\n")
    await asyncio.to_thread((root / "pkg").mkdir)
    await asyncio.to_thread((root / "pkg" / "data.txt").write_text, "data")
    await asyncio.to_thread((root / "link").symlink_to, "pkg/data.txt")
    command = f"{sys.executable} -c \"import app; assert app.x == 1; assert open('link').read() == 'data'\""
    copy = await ScratchRepo.open(root, command, limits=ResourceLimits(seconds=20))
    yield copy
    await copy.close()


SPOILING = {
    "another module": "open('pkg/data.txt', 'w').write('spoiled')",
    "a removed file": "import os; os.remove('pkg/data.txt')",
    "a folder for a file": "import os; os.remove('app.py'); os.mkdir('app.py'); os.mkdir('app.py/x')",
    "a link for a folder": "import shutil, os; shutil.rmtree('pkg'); os.symlink('/etc', 'pkg')",
    "a new link": "import os; os.remove('link'); os.symlink('app.py', 'link')",
    "the whole tree": "import os; os.chdir('..'); os.rename('tree', 'other')",
    "a link for the tree": "import os; os.chdir('..'); os.rename('tree', 'o'); os.symlink('o', 'tree')",
    "home": "import os; os.rmdir(os.environ['HOME']); os.symlink('/etc', os.environ['HOME'])",
    "a startup file": "open('sitecustomize.py', 'w').write('raise SystemExit(3)')",
    "no rights": "import os; os.chmod('pkg', 0); os.chmod('..', 0o500)",
    "a pipe": "import os; os.remove('app.py'); os.mkfifo('app.py')",
    "the same size and time": "import os; s = os.stat('pkg/data.txt'); open('pkg/data.txt', 'w').write('DATA'); "
    "os.utime('pkg/data.txt', ns=(s.st_atime_ns, s.st_mtime_ns))",
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILING)
async def test_a_run_does_not_spoil_the_next_one(name: str, repo: ScratchRepo) -> None:
    original = repo.path_in_copy(repo._root / "app.py")
    await repo.write({repo._root / "app.py": "x = 1\n"})
    assert (await repo.run()).passed
    await repo.run([sys.executable, "-c", SPOILING[name]])
    assert (await repo.run()).passed
    await repo.write({repo._root / "app.py": "x = 2\n"})
    assert not (await repo.run()).passed
    await repo.write({repo._root / "app.py": "x = 1\n"})
    assert (await repo.run()).passed
    assert await asyncio.to_thread(original.read_text) == "x = 1\n"
