"""Lock this process down permanently, without root. Linux only.

The layers, in order: limits (setrlimit), namespaces if the system allows them (user, network, process ids, IPC,
host name, mounts) unless bubblewrap already made some, Landlock (files), seccomp (system calls). Landlock and
seccomp are required: without them ``confine`` raises. The numbers are the kernel's
(``include/uapi``); see landlock(7) and seccomp(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

NAMESPACES = {"ipc": 0x08000000, "uts": 0x04000000, "net": 0x40000000, "pid": 0x20000000}
NEW_USER, NEW_MOUNT = 0x10000000, 0x00020000
ALL_NAMESPACES = 0x7E020000
"""Every flag of clone(2) that makes a namespace."""
PRIVATE = 1 << 18 | 1 << 14  # MS_PRIVATE, MS_REC
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_PR_CAPBSET_DROP = 24

_READ = 1 << 2 | 1 << 3  # read a file, list a folder
_FILE = 1 << 1 | 1 << 2 | 1 << 14  # the rights that apply to a file
_WRITE = _READ | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14  # and write, remove, make


class CannotConfineError(OSError):
    """This system cannot lock a process down far enough to run unreviewed code."""


def confine(
    folder: str,
    readable: Iterable[str],
    *,
    seconds: int,
    memory: int,
    file_bytes: int,
    contained: bool = False,
    disk: tuple[int, int] = (32 << 20, 2000),
) -> list[str]:
    """Allow writing only in ``folder`` and reading there and below ``readable``; return the layers in force.

    ``contained``: the process is already in bubblewrap's namespaces. Otherwise ``folder`` becomes an empty file
    system in memory with ``disk`` bytes and files, if the system allows mounts.

    In a process-id namespace it forks: the caller continues as the first process of the namespace, and the
    outer process exits with the inner one's code.
    """
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        raise CannotConfineError("only Linux on x86_64 and aarch64 can lock a process down here")
    libc = ctypes.CDLL(None, use_errno=True)
    end_first()
    _limit(seconds, memory, file_bytes)
    layers = ["limits", *(["bubblewrap"] if contained else _unshare(libc))]
    if "mount" in layers and _mount_memory(libc, folder, *disk):
        layers.append("memory")
    if "pid" in layers:
        _enter_pid_namespace()
    drop_capabilities(libc)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise CannotConfineError(ctypes.get_errno(), "no_new_privs is refused")
    _landlock(libc, folder, readable)
    _seccomp(libc)
    _verify(folder)
    return [*layers, "landlock", "seccomp"]


def end_first() -> None:
    """Make this process and its children the first that the kernel ends if memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up every capability, including those that root would get back by starting a program.

    In its own namespace root may, for example, load rules into the kernel's packet filter.
    """
    for number in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0):
            break  # no such capability, or no right to drop it and thus none to lose
    libc.capset(struct.pack("Ii", 0x20080522, 0), bytes(24))


def _limit(seconds: int, memory: int, file_bytes: int) -> None:
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_STACK: 16 << 20,
    }
    for kind, limit in limits.items():
        _, hard = resource.getrlimit(kind)
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))


def _unshare(libc: ctypes.CDLL) -> list[str]:
    """Enter new namespaces if the system allows; a user namespace makes that possible without root."""
    user, group = os.getuid(), os.getgid()
    flags = NEW_USER
    for flag in NAMESPACES.values():
        flags |= flag
    if libc.unshare(flags | NEW_MOUNT) == 0:
        keep_ids(user, group)
        return ["user", *NAMESPACES, "mount"]
    return ["user", *NAMESPACES] if libc.unshare(flags) == 0 else []


def keep_ids(user: int, group: int) -> None:
    """Map the user's own ids into a new user namespace."""
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
    with contextlib.suppress(OSError):
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _mount_memory(libc: ctypes.CDLL, folder: str, size: int, files: int) -> bool:
    """Mount an empty file system over a folder and enter it; return whether that worked."""
    libc.mount(None, b"/", None, PRIVATE, None)
    options = f"size={size},nr_inodes={files},mode=0700".encode()
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 6, options):  # nosuid, nodev
        return False
    os.chdir(folder)
    return True


def _enter_pid_namespace() -> None:
    inner = os.fork()
    if inner:
        _, status = os.waitpid(inner, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


# -- files ---------------------------------------------------------------------------------------


def open_ruleset(libc: ctypes.CDLL, *, network: bool) -> tuple[int, int, bool]:
    """Return a new Landlock ruleset, the accesses to files that it handles, and whether it restricts signals.

    It restricts TCP unless ``network``. Everything it handles is forbidden until ``allow`` allows it.
    """
    version = libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        raise CannotConfineError(ctypes.get_errno(), "this kernel has no Landlock (Linux 5.13)")
    files = (1 << 13) - 1
    for least, bit in ((2, 13), (3, 14), (5, 15)):
        files |= (1 << bit) if version >= least else 0
    net = 3 if version >= 4 and not network else 0
    scope = 3 if version >= 6 else 0
    attributes = struct.pack("QQQ", files, net, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(444, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        raise CannotConfineError(ctypes.get_errno(), "Landlock refuses its rules")
    return ruleset, files, bool(scope)


def enter(libc: ctypes.CDLL, ruleset: int) -> None:
    """Apply a ruleset to this thread and its children, for good."""
    if libc.syscall(446, ctypes.c_int(ruleset), ctypes.c_uint32(0)):
        raise CannotConfineError(ctypes.get_errno(), "Landlock cannot be entered")


def _landlock(libc: ctypes.CDLL, folder: str, readable: Iterable[str]) -> None:
    ruleset, files, _ = open_ruleset(libc, network=False)
    try:
        allow(libc, ruleset, folder, _WRITE & files)
        allow(libc, ruleset, "/dev/null", (1 << 1 | 1 << 2) & files)
        for path in readable:
            allow(libc, ruleset, path, _READ & files)
        enter(libc, ruleset)
    finally:
        os.close(ruleset)


def allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    """Allow access to a path and everything below it; a missing path needs no rule."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", access if Path(path).is_dir() else access & _FILE, fd)
        if libc.syscall(445, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0)):
            raise CannotConfineError(ctypes.get_errno(), f"Landlock refuses a rule for {path}")
    finally:
        os.close(fd)


# -- system calls --------------------------------------------------------------------------------

_BOTH: dict[str, tuple[int | None, int]] = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "pread64": (17, 67), "pwrite64": (18, 68), "readv": (19, 65), "writev": (20, 66),
    "sched_yield": (24, 124), "mremap": (25, 216), "madvise": (28, 233), "dup": (32, 23),
    "nanosleep": (35, 101), "getitimer": (36, 102), "setitimer": (38, 103), "getpid": (39, 172),
    "exit": (60, 93), "uname": (63, 160), "flock": (73, 32),
    "fsync": (74, 82), "fdatasync": (75, 83), "ftruncate": (77, 46), "getcwd": (79, 17),
    "chdir": (80, 49), "fchdir": (81, 50), "umask": (95, 166), "gettimeofday": (96, 169),
    "getrusage": (98, 165), "sysinfo": (99, 179), "times": (100, 153), "getuid": (102, 174),
    "getgid": (104, 176), "geteuid": (107, 175), "getegid": (108, 177), "getppid": (110, 173),
    "getgroups": (115, 158), "sigaltstack": (131, 132), "statfs": (137, 43),
    "fstatfs": (138, 44), "gettid": (186, 178), "futex": (202, 98),
    "sched_getaffinity": (204, 123), "getdents64": (217, 61), "set_tid_address": (218, 96),
    "restart_syscall": (219, 128), "fadvise64": (221, 223), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "exit_group": (231, 94),
    "openat": (257, 56), "mkdirat": (258, 34), "newfstatat": (262, 79), "unlinkat": (263, 35),
    "renameat": (264, 38), "readlinkat": (267, 78), "faccessat": (269, 48),
    "pselect6": (270, 72), "ppoll": (271, 73), "set_robust_list": (273, 99),
    "fallocate": (285, 47), "eventfd2": (290, 19), "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21), "epoll_pwait": (281, 22), "dup3": (292, 24), "pipe2": (293, 59),
    "renameat2": (316, 276), "getrandom": (318, 278), "membarrier": (324, 283),
    "copy_file_range": (326, 285), "statx": (332, 291), "rseq": (334, 293),
    "close_range": (436, 436), "faccessat2": (439, 439),
}  # fmt: skip
_OLD_X86 = (
    *(2, 4, 6, 7, 21, 22, 23, 33, 34, 37, 78, 82, 83, 84, 85, 87, 89, 97),  # open … getrlimit
    *(111, 121, 124, 158, 201, 232),  # getpgrp, getpgid, getsid, arch_prctl, time, epoll_wait
)
"""Calls that only x86_64 has: open, stat, lstat, poll, access, pipe, select, dup2, pause, alarm, getdents, rename,
mkdir, rmdir, creat, unlink, readlink, getrlimit. No chmod, chown, utime, link, mknod, truncate: Landlock
does not know them or they are of no use; no socket, execve, kill, ptrace, mount, ioctl at large."""

_CLONE_THREAD = 0x00010000
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032)
"""fcntl's commands that duplicate, lock and flag descriptors. F_SETOWN, F_SETSIG, leases and notifications are not
among them: they make the kernel send signals, to any process of the user if no namespace or Landlock prevents it."""
_TERMINAL = (0x5401, 0x5413, 0x5421, 0x5451, 0x541B)
"""TCGETS, TIOCGWINSZ, FIONBIO, FIOCLEX, FIONREAD: what opening a file asks of it."""
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD, EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06
NUMBER, ARCH, ARG0, ARG1 = 0, 4, 16, 24


def _seccomp(libc: ctypes.CDLL) -> None:
    code = b"".join(_program(platform.machine()))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(_PR_SET_SECCOMP, 2, program, 0, 0):
        raise CannotConfineError(ctypes.get_errno(), "seccomp filters are refused")


def _program(machine: str) -> Iterable[bytes]:
    """Yield the filter: calls not listed fail with EPERM, in a foreign calling convention too."""
    x86 = machine == "x86_64"
    numbers = [pair[0] if x86 else pair[1] for pair in _BOTH.values()]
    clone, clone3, ioctl, prlimit = (56, 435, 16, 302) if x86 else (220, 435, 29, 261)
    fcntl = 72 if x86 else 25
    yield op(LOAD, 0, 0, ARCH)
    yield op(EQUAL, 1, 0, 0xC000003E if x86 else 0xC00000B7)
    yield op(RETURN, 0, 0, ERRNO | errno.EPERM)
    yield op(LOAD, 0, 0, NUMBER)
    for number in (*numbers, *(_OLD_X86 if x86 else ())):
        yield op(EQUAL, 0, 1, number or 0)
        yield op(RETURN, 0, 0, ALLOW)
    # clone3 keeps its flags in memory, unseen by the filter; ENOSYS makes the C library fall back to clone.
    yield op(EQUAL, 0, 1, clone3)
    yield op(RETURN, 0, 0, ERRNO | errno.ENOSYS)
    yield from only(clone, ARG0, _CLONE_THREAD, _CLONE_THREAD)
    yield from only(prlimit, ARG0, 0xFFFFFFFF, 0)
    for request in _TERMINAL:
        yield from only(ioctl, ARG1, 0xFFFFFFFF, request)
    for command in _FCNTL:
        yield from only(fcntl, ARG1, 0xFFFFFFFF, command)
    yield op(RETURN, 0, 0, ERRNO | errno.EPERM)


def only(number: int, place: int, mask: int, value: int) -> Iterable[bytes]:
    """Allow a call if a masked argument has a value; else continue with the call number loaded."""
    yield op(EQUAL, 0, 5, number)
    yield op(LOAD, 0, 0, place)
    yield op(AND, 0, 0, mask)
    yield op(EQUAL, 0, 1, value)
    yield op(RETURN, 0, 0, ALLOW)
    yield op(LOAD, 0, 0, NUMBER)


def op(code: int, yes: int, no: int, value: int) -> bytes:
    """Encode one instruction of a filter."""
    return struct.pack("HBBI", code, yes, no, value)


# -- verification ---------------------------------------------------------------------------------------


def _verify(folder: str) -> None:
    """Try forbidden operations; raise if one of them works."""
    for family in (socket.AF_INET, socket.AF_UNIX):
        try:
            socket.socket(family).close()
        except OSError:
            continue
        raise CannotConfineError("a socket can still be made")
    outside = Path(folder).parent / f"{Path(folder).name}.outside"
    try:
        outside.open("x").close()
    except OSError:
        pass
    else:
        raise CannotConfineError("a file can still be written outside")
    try:
        os.kill(os.getppid() or 1, 0)
    except OSError:
        return
    raise CannotConfineError("another process can still be sent a signal")
