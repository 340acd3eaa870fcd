"""Lock this process down as far as a test-runner can bear, then become that program. Linux only.

Run by path, with ``-I -S -B``, arguments: a job as JSON, then the command. Job: ``{"write", "read", "seconds",
"data", "file"}``: folders, whole seconds of processor time, bytes of a process' data and of a file. Ends with the
command's exit code, or with 97 and a sentence where this system cannot lock it down; then nothing was run.

More is allowed than ``landlock_seccomp.confine`` allows: programs, processes, and sockets to itself. What is left out stays
out: other folders (Landlock), the network and sockets of other programs, other processes, keyrings, mounts.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import platform
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import landlock_seccomp  # type: ignore[import-not-found]

REFUSED = 97
PROCESSES = 512
_MOUNTS = 0x00020000
_PRIVATE = 1 << 18 | 1 << 14  # MS_PRIVATE, MS_REC
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def main() -> None:
    """Lock down, then run the command."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    try:
        lock_down(job)
    except OSError as error:
        sys.stderr.write(error.strerror or str(error))
        sys.stderr.flush()
        os._exit(REFUSED)
    try:
        os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - what this process is for
    except OSError as error:
        sys.stderr.write(f"{sys.argv[2]} cannot be run: {error.strerror}")
        sys.stderr.flush()
        os._exit(127)


def lock_down(job: dict[str, Any]) -> None:
    """Raise ``OSError`` where this system cannot."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        raise OSError(0, "only Linux on x86_64 and aarch64 can lock a program down here")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)
    apart = _namespaces(libc)
    sealed = apart and _seal(libc, job["write"])
    _limit(job, apart)
    if apart:
        _own_processes(libc)
    if libc.prctl(38, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")
    scoped = _landlock(libc, job, shared_memory=apart)
    if not apart and not scoped:
        raise OSError(0, "neither namespaces nor Landlock's scopes (Linux 6.12) are to be had here")
    _seccomp(libc, apart=apart, sealed=sealed)
    _check(job)


def _namespaces(libc: ctypes.CDLL) -> bool:
    """Networks, processes, mounts and IPC of its own, with the user's own id; whether it got them."""
    user, group = os.getuid(), os.getgid()
    every = landlock_seccomp.NEW_USER | _MOUNTS
    for flag in landlock_seccomp.NAMESPACES.values():
        every |= flag
    if libc.unshare(every):
        return False
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
    with contextlib.suppress(OSError):
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with contextlib.suppress(OSError), socket.socket() as one:
        # SIOCSIFFLAGS: the loopback of its own network is up; tests may serve themselves.
        fcntl.ioctl(one, 0x8914, struct.pack("16sH14x", b"lo", 1))
    return True


def _seal(libc: ctypes.CDLL, folders: Iterable[str]) -> bool:
    """Mount everything read-only but some folders; whether that could be done."""
    libc.mount(None, b"/", None, _PRIVATE, None)
    kept = [os.fsencode(folder) for folder in folders]
    done = [libc.mount(path, path, None, 1 << 12 | 1 << 14, None) for path in kept]
    done.append(_mounted(libc, b"/", 0x8000, set_=1))
    done += [_mounted(libc, path, 0, clear=1) for path in kept]
    libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 6, b"size=256m,mode=1777")
    os.chdir(Path.cwd())  # the current folder still lies in the mount below
    return not any(done)


def _mounted(libc: ctypes.CDLL, path: bytes, flags: int, *, set_: int = 0, clear: int = 0) -> int:
    """mount_setattr(2), of which the read-only bit is 1; not 0 where it fails."""
    attributes = struct.pack("QQQQ", set_, clear, 0, 0)
    size = ctypes.c_size_t(len(attributes))
    return int(libc.syscall(442, ctypes.c_int(-100), path, ctypes.c_uint(flags), attributes, size))


def _limit(job: dict[str, Any], apart: bool) -> None:
    wanted = {
        resource.RLIMIT_CPU: job["seconds"],
        resource.RLIMIT_DATA: job["data"],
        resource.RLIMIT_FSIZE: job["file"],
        resource.RLIMIT_CORE: 0,
    }
    if apart:
        # Without a namespace it would count the user's other processes too.
        wanted[resource.RLIMIT_NPROC] = PROCESSES
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (value, value))


def _own_processes(libc: ctypes.CDLL) -> None:
    """Go on as the second process of a namespace; the first collects the dead, and all end with it."""
    outer = os.fork()
    if outer:
        _, status = os.waitpid(outer, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)
    inner = os.fork()
    while inner:
        ended, status = os.wait()
        if ended == inner:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _landlock(libc: ctypes.CDLL, job: dict[str, Any], *, shared_memory: bool) -> bool:
    """Files as the job says; whether signals are held to itself too."""
    version = libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        raise OSError(ctypes.get_errno(), "this kernel has no Landlock (Linux 5.13)")
    files = (1 << 13) - 1
    for least, bit in ((2, 13), (3, 14), (5, 15)):
        files |= (1 << bit) if version >= least else 0
    scope = 3 if version >= 6 else 0
    attributes = struct.pack("QQQ", files, 0, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(444, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if rules < 0:
        raise OSError(ctypes.get_errno(), "Landlock refuses its rules")
    run = (1 << 0 | 1 << 2 | 1 << 3) & files
    for path in (*job["write"], *(["/dev/shm"] if shared_memory else [])):  # noqa: S108
        landlock_seccomp.allow(libc, rules, path, files & ~(1 << 6 | 1 << 11))
    for path in job["read"]:
        _allow_to_run(libc, rules, path, run)
    for name in _DEVICES:
        landlock_seccomp.allow(libc, rules, f"/dev/{name}", (1 << 1 | 1 << 2) & files)
    if libc.syscall(446, ctypes.c_int(rules), ctypes.c_uint32(0)):
        raise OSError(ctypes.get_errno(), "Landlock cannot be entered")
    os.close(rules)
    return bool(scope)


def _allow_to_run(libc: ctypes.CDLL, rules: int, path: str, access: int) -> None:
    if Path(path).is_dir():
        landlock_seccomp.allow(libc, rules, path, access)
        return
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", access & (1 << 0 | 1 << 2), fd)
        libc.syscall(445, ctypes.c_int(rules), ctypes.c_int(1), rule, ctypes.c_uint32(0))
    finally:
        os.close(fd)


# -- system calls: all but these -----------------------------------------------------------------

_DENIED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "bpf": (321, 280), "perf_event_open": (298, 241),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "unshare": (272, 97), "setns": (308, 268), "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsmount": (432, 432), "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442), "syslog": (103, 116), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "sethostname": (170, 161),
}  # fmt: skip
_UNSEALED = {
    "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "fchown": (93, 55),
    "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
}  # fmt: skip
_UNSEALED_X86 = (90, 92, 94)
"""Mode and owner of files, which Landlock does not know; needless where all is read-only. The last three:
chmod, chown, lchown. Done as if they had worked: a test-runner that sets a file's mode must not fail."""
_INSIDE = (socket.AF_INET, socket.AF_INET6, 16)
"""Families within its own network; 16: netlink, which lists its interfaces."""
_JUMP_AT_LEAST = 0x35


def _seccomp(libc: ctypes.CDLL, *, apart: bool, sealed: bool) -> None:
    code = b"".join(_program(platform.machine(), apart, sealed))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(22, 2, program, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp filters are refused")


def _program(machine: str, apart: bool, sealed: bool) -> Iterable[bytes]:
    op, x86 = landlock_seccomp.op, machine == "x86_64"
    refuse = op(landlock_seccomp.RETURN, 0, 0, landlock_seccomp.ERRNO | errno.EPERM)
    silent = op(landlock_seccomp.RETURN, 0, 0, landlock_seccomp.ERRNO)
    allow = op(landlock_seccomp.RETURN, 0, 0, landlock_seccomp.ALLOW)
    yield op(landlock_seccomp.LOAD, 0, 0, landlock_seccomp.ARCH)
    yield op(landlock_seccomp.EQUAL, 1, 0, 0xC000003E if x86 else 0xC00000B7)
    yield refuse
    yield op(landlock_seccomp.LOAD, 0, 0, landlock_seccomp.NUMBER)
    if x86:  # the x32 convention has the same calls under other numbers
        yield op(_JUMP_AT_LEAST, 0, 1, 0x40000000)
        yield refuse
    for pair in _DENIED.values():
        yield op(landlock_seccomp.EQUAL, 0, 1, pair[0] if x86 else pair[1])
        yield refuse
    unsealed = [pair[0] if x86 else pair[1] for pair in _UNSEALED.values()]
    for number in () if sealed else (*unsealed, *(_UNSEALED_X86 if x86 else ())):
        yield op(landlock_seccomp.EQUAL, 0, 1, number)
        yield silent
    yield op(landlock_seccomp.EQUAL, 1, 0, 41 if x86 else 198)
    yield allow
    yield op(landlock_seccomp.LOAD, 0, 0, landlock_seccomp.ARG0)
    for family in _INSIDE if apart else ():
        yield op(landlock_seccomp.EQUAL, 0, 1, family)
        yield allow
    yield refuse


# -- proof ---------------------------------------------------------------------------------------


def _check(job: dict[str, Any]) -> None:
    """Try what must fail; run nothing where it does not."""
    try:
        socket.socket(socket.AF_UNIX).close()
    except OSError:
        pass
    else:
        raise OSError(0, "a socket to other programs can still be made")
    with contextlib.suppress(OSError), socket.socket() as one:
        one.settimeout(0.2)
        # 192.0.2.1 is nobody's (RFC 5737); where there is no way out this fails at once.
        code = one.connect_ex(("192.0.2.1", 9))
        if code not in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EPERM, errno.EACCES):
            raise OSError(0, "the network can still be reached")
    outside = Path(job["write"][0]).parent / f"{Path(job['write'][0]).name}.outside"
    try:
        outside.open("x").close()
    except OSError:
        return
    raise OSError(0, "a file can still be written outside")


if __name__ == "__main__":
    main()
