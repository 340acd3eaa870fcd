"""Apply the strictest sandbox a test runner tolerates, then exec the command. Linux only.

Started by path, with ``-I -S -B``; the arguments are a job as JSON, then the command. Job: ``{"folder", "readable",
"seconds", "memory", "fileBytes", "threads", "contained"}``: the writable folder, readable paths, seconds of processor
time, bytes of a process's data and of one file, the number of threads, and whether bubblewrap has already made the
namespaces. Exits with the command's code, or with 97 and a sentence if this system cannot lock the process down; then
nothing ran.

It allows more than ``landlock_seccomp.confine``: programs, processes, and sockets within the sandbox. It forbids
other folders (Landlock), the network and sockets of other programs, other processes, keyrings and mounts.
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
import landlock_seccomp  # type: ignore[import-not-found]  # beside this file

UNAVAILABLE = 97
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def main() -> None:
    """Lock the process down, then run the command."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    try:
        lock_down(job)
    except OSError as error:
        sys.stderr.write(error.strerror or str(error))
        sys.stderr.flush()
        os._exit(UNAVAILABLE)
    try:
        os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the purpose of this process
    except OSError as error:
        sys.stderr.write(f"{sys.argv[2]} cannot be run: {error.strerror}")
        sys.stderr.flush()
        os._exit(127)


def lock_down(job: dict[str, Any]) -> None:
    """Apply every layer; raise ``OSError`` if this system cannot."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        raise OSError(0, "only Linux on x86_64 and aarch64 can lock a program down here")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)
    landlock_seccomp.end_first()
    contained = bool(job["contained"])
    apart = contained or _namespaces(libc)
    sealed = contained or (apart and _seal(libc, job["folder"]))
    _limit(job, apart)
    if not apart:
        _lead_descendants(libc)
    elif not contained:
        _enter_pid_namespace(libc)
        libc.mount(
            b"proc", b"/proc", b"proc", 14, None
        )  # where allowed, only its own processes are seen
    landlock_seccomp.drop_capabilities(libc)
    if libc.prctl(38, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")
    scoped = _landlock(libc, job, shared_memory=apart)
    if not apart and not scoped:
        raise OSError(0, "this system has neither namespaces nor Landlock's scopes (Linux 6.12)")
    seccomp(libc, apart=apart, sealed=sealed)
    _verify(job)


def _namespaces(libc: ctypes.CDLL) -> bool:
    """Enter namespaces for network, processes, mounts and IPC under the user's id; return whether it could."""
    user, group = os.getuid(), os.getgid()
    flags = landlock_seccomp.NEW_USER | landlock_seccomp.NEW_MOUNT
    for flag in landlock_seccomp.NAMESPACES.values():
        flags |= flag
    if libc.unshare(flags):
        return False
    landlock_seccomp.keep_ids(user, group)
    with contextlib.suppress(OSError), socket.socket() as one:
        # SIOCSIFFLAGS brings up the loopback of the new network; tests may talk to their own servers.
        fcntl.ioctl(one, 0x8914, struct.pack("16sH14x", b"lo", 1))
    return True


def _seal(libc: ctypes.CDLL, folder: str) -> bool:
    """Mount everything but one folder read-only; return whether that worked."""
    libc.mount(None, b"/", None, landlock_seccomp.PRIVATE, None)
    writable = os.fsencode(folder)
    failed = libc.mount(writable, writable, None, 1 << 12 | 1 << 14, None)
    failed |= _set_mount(libc, b"/", 0x8000, set_=1)
    failed |= _set_mount(libc, writable, 0, clear=1)
    libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 6, b"size=256m,mode=1777")
    os.chdir(Path.cwd())  # the current directory is still in the mount below
    return not failed


def _set_mount(libc: ctypes.CDLL, path: bytes, flags: int, *, set_: int = 0, clear: int = 0) -> int:
    """Call mount_setattr(2), whose read-only bit is 1; return non-zero on failure."""
    attributes = struct.pack("QQQQ", set_, clear, 0, 0)
    size = ctypes.c_size_t(len(attributes))
    return int(libc.syscall(442, ctypes.c_int(-100), path, ctypes.c_uint(flags), attributes, size))


def _limit(job: dict[str, Any], apart: bool) -> None:
    limits = {
        resource.RLIMIT_CPU: job["seconds"],
        resource.RLIMIT_DATA: job["memory"],
        resource.RLIMIT_FSIZE: job["fileBytes"],
        resource.RLIMIT_CORE: 0,
    }
    if apart:
        # Without a namespace this would count the user's other processes too.
        limits[resource.RLIMIT_NPROC] = job["threads"]
    for kind, limit in limits.items():
        _, hard = resource.getrlimit(kind)
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))


def _enter_pid_namespace(libc: ctypes.CDLL) -> None:
    """Continue as the second process of a namespace; the first reaps orphans, and all end with it."""
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


def _lead_descendants(libc: ctypes.CDLL) -> None:
    """Continue in a child. This process adopts all its descendants and ends them: no namespace does."""
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    leader = os.getpid()
    inner = os.fork()
    if not inner:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        libc.prctl(1, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != leader:
            os._exit(UNAVAILABLE)
        return
    libc.prctl(1, signal.SIGTERM, 0, 0, 0)  # the server is gone

    def end(*_: object) -> None:
        _kill_descendants()
        os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    status = 0
    while True:
        ended, status = os.wait()
        if ended == inner:
            break
    _kill_descendants()
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _kill_descendants() -> None:
    """Kill this process's children until none is left; it adopts the children of those."""
    mine = os.getpid()
    for _ in range(1000):
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        children = [pid for pid in pids if _parent_of(pid) == mine]
        for pid in children:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not children:
            return


def _parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _landlock(libc: ctypes.CDLL, job: dict[str, Any], *, shared_memory: bool) -> bool:
    """Restrict files to the job's; return whether signals are restricted too."""
    # Its network namespace keeps the network away, and the sandbox may use sockets within.
    rules, files, restricts_signals = landlock_seccomp.open_ruleset(libc, network=True)
    run = (1 << 0 | 1 << 2 | 1 << 3) & files
    for path in (job["folder"], *(["/dev/shm"] if shared_memory else [])):  # noqa: S108 - a separate mount
        landlock_seccomp.allow(libc, rules, path, files & ~(1 << 6 | 1 << 11))
    for path in job["readable"]:
        _allow_to_run(libc, rules, path, run)
    for name in _DEVICES:
        landlock_seccomp.allow(libc, rules, f"/dev/{name}", (1 << 1 | 1 << 2) & files)
    landlock_seccomp.enter(libc, rules)
    os.close(rules)
    return restricts_signals


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


# -- denied system calls -----------------------------------------------------------------

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
    "setdomainname": (171, 162), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "kexec_file_load": (320, 294), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "fsconfig": (431, 431), "fspick": (433, 433), "vhangup": (153, 58), "kcmp": (312, 272),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "process_madvise": (440, 440),
    "process_mrelease": (448, 448), "lookup_dcookie": (212, 18), "fanotify_init": (300, 262),
}  # fmt: skip
_DENIED_X86 = (172, 173)
"""Calls that only x86_64 has: iopl, ioperm."""
_ON_OTHERS = {
    "ioprio_set": (251, 30), "shmget": (29, 194), "shmat": (30, 196),
    "shmctl": (31, 195), "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191),
    "semtimedop": (220, 192), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188),
    "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181),
}  # fmt: skip
"""Denied without namespaces: they reach other processes' priorities, shared memory and queues."""
_ON_SELF = {
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274),
}  # fmt: skip
"""Allowed without namespaces only on the caller (process 0): a limit set on another process can end it."""
_FCNTL_DENIED = (8, 10, 15)
_IOCTL_DENIED = (0x8901, 0x8902, 0x5412, 0x541C)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX: they make the kernel send signals or
type into a terminal."""
_UNSEALED = {
    "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "fchown": (93, 55),
    "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "setxattrat": (463, 463), "removexattrat": (466, 466), "file_setattr": (469, 469),
    "utimensat": (280, 88),
}  # fmt: skip
_UNSEALED_X86 = (90, 92, 94, 132, 235, 261)
"""Calls that change a file's mode, owner, times or attributes, which Landlock does not cover; not needed if all is
read-only. The last six are chmod, chown, lchown, utime, utimes and futimesat. They pretend to succeed: a test runner
that sets a file's mode must not fail."""
_UNSEALED_IOCTL = (0x40086602, 0x40046602, 0x401C5820)
"""FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS, FS_IOC_FSSETXATTR: the same for a file's flags."""
_INSIDE = (socket.AF_INET, socket.AF_INET6, 16)
"""Address families allowed in the new network; 16 is netlink, which lists its interfaces."""
_JUMP_AT_LEAST = 0x35


def seccomp(libc: ctypes.CDLL, *, apart: bool, sealed: bool) -> None:
    """Install the filter of system calls."""
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
    if x86:  # the x32 convention numbers the same calls differently
        yield op(_JUMP_AT_LEAST, 0, 1, 0x40000000)
        yield refuse
    column = 0 if x86 else 1
    denied = [pair[column] for pair in (*_DENIED.values(), *(() if apart else _ON_OTHERS.values()))]
    for number in (*denied, *(_DENIED_X86 if x86 else ())):
        yield op(landlock_seccomp.EQUAL, 0, 1, number)
        yield refuse
    yield from _arguments(column, apart, sealed)
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


def _arguments(column: int, apart: bool, sealed: bool) -> Iterable[bytes]:
    """Yield the rules for calls that depend on their arguments."""
    clone, clone3 = ((56, 435), (220, 435))[column]
    fcntl_, ioctl = ((72, 16), (25, 29))[column]
    # No new namespaces, in which the process would have every right. clone3 keeps its flags in memory, unseen by the
    # filter; ENOSYS makes the C library fall back to clone.
    yield landlock_seccomp.op(landlock_seccomp.EQUAL, 0, 1, clone3)
    code = landlock_seccomp.ERRNO | errno.ENOSYS
    yield landlock_seccomp.op(landlock_seccomp.RETURN, 0, 0, code)
    yield from _refuse_unless_zero(clone, landlock_seccomp.ALL_NAMESPACES)
    # A pair of datagram sockets (2, or 3 for raw) can also send to every socket of the system that has a path.
    yield from _refuse_unless_zero((53, 199)[column], 2, landlock_seccomp.ARG1)  # socketpair
    for pair in () if apart else _ON_SELF.values():
        yield from _refuse_unless_zero(pair[column], 0xFFFFFFFF)
    for place in () if apart else (landlock_seccomp.ARG0, landlock_seccomp.ARG1):
        yield from _refuse_unless_zero((141, 140)[column], 0xFFFFFFFF, place)  # setpriority
    controls = (*_IOCTL_DENIED, *(() if sealed else _UNSEALED_IOCTL))
    for number, values in ((fcntl_, _FCNTL_DENIED), (ioctl, controls)):
        for value in values:
            yield from _refuse_value(number, value)


def _refuse_unless_zero(
    number: int, mask: int, place: int = landlock_seccomp.ARG0
) -> Iterable[bytes]:
    """Refuse a call whose masked argument is not zero."""
    op = landlock_seccomp.op
    yield op(landlock_seccomp.EQUAL, 0, 5, number)
    yield op(landlock_seccomp.LOAD, 0, 0, place)
    yield op(landlock_seccomp.AND, 0, 0, mask)
    yield op(landlock_seccomp.EQUAL, 1, 0, 0)
    yield op(landlock_seccomp.RETURN, 0, 0, landlock_seccomp.ERRNO | errno.EPERM)
    yield op(landlock_seccomp.LOAD, 0, 0, landlock_seccomp.NUMBER)


def _refuse_value(number: int, value: int) -> Iterable[bytes]:
    """Refuse a call whose second argument has a value."""
    op = landlock_seccomp.op
    yield op(landlock_seccomp.EQUAL, 0, 4, number)
    yield op(landlock_seccomp.LOAD, 0, 0, landlock_seccomp.ARG1)
    yield op(landlock_seccomp.EQUAL, 0, 1, value)
    yield op(landlock_seccomp.RETURN, 0, 0, landlock_seccomp.ERRNO | errno.EPERM)
    yield op(landlock_seccomp.LOAD, 0, 0, landlock_seccomp.NUMBER)


# -- verification ---------------------------------------------------------------------------------------


def _verify(job: dict[str, Any]) -> None:
    """Try forbidden operations; raise if one of them works."""
    try:
        socket.socket(socket.AF_UNIX).close()
    except OSError:
        pass
    else:
        raise OSError(0, "a socket to other programs can still be made")
    with contextlib.suppress(OSError), socket.socket() as one:
        one.settimeout(0.2)
        # 192.0.2.1 is reserved for documentation (RFC 5737); without a network this fails at once.
        code = one.connect_ex(("192.0.2.1", 9))
        if code not in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EPERM, errno.EACCES):
            raise OSError(0, "the network can still be reached")
    outside = Path(job["folder"]).parent / f"{Path(job['folder']).name}.outside"
    try:
        outside.open("x").close()
    except OSError:
        return
    raise OSError(0, "a file can still be written outside")


if __name__ == "__main__":
    main()
