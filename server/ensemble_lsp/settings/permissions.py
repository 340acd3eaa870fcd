"""Checks that no one else can write the user's config and data, on systems with POSIX permissions.

The writer of the config decides where code and keys are sent. Group rights count unless the group is the user's
private one, whose only member is the user.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

_ACL = "system.posix_acl_access"
_ACL_USER, _ACL_OWN_GROUP, _ACL_GROUP, _ACL_MASK = 0x02, 0x04, 0x08, 0x10
_WRITE = 0x2


def writable_by_others(path: Path) -> str:
    """Return why others can change a file or folder, with the remedy; empty if they cannot.

    Symbolic links are judged by their targets. Folders above count too: who can write one can replace the path. In
    a sticky folder, such as ``/tmp``, only the owner can.
    """
    if sys.platform == "win32":
        return ""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links must stay
    target = Path(os.path.realpath(path))
    try:
        found = target.stat()
    except OSError:
        return _parents_writable(absolute, target)
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        return ""  # such as /dev/null, which has no content
    return _problem(target, found) or _parents_writable(absolute, target)


def _parents_writable(*paths: Path) -> str:
    for folder in dict.fromkeys(parent for path in paths for parent in _folders_above(path)):
        with contextlib.suppress(OSError):
            found = folder.stat()
            if problem := _problem(folder, found, sticky_is_safe=True):
                return problem
    return ""


def _folders_above(path: Path) -> Iterator[Path]:
    yield from path.parents
    for parent in path.parents:
        if parent.is_symlink():
            yield from Path(os.path.realpath(parent)).parents


def _problem(path: Path, found: os.stat_result, *, sticky_is_safe: bool = False) -> str:
    me = os.geteuid()
    if found.st_uid not in (me, 0):
        return f"{path} belongs to another user ({_user_name(found.st_uid)}); make it your own"
    if sticky_is_safe and found.st_mode & stat.S_ISVTX:
        return ""
    if found.st_mode & stat.S_IWOTH:
        return f"{path} can be written by every user; run chmod o-w {path}"
    for group in _writing_groups(path, found):
        if not _is_private(group):
            name = _group_name(group)
            return f"{path} can be written by the group {name}; run chmod g-w {path}"
    for user in _writing_users(path):
        if user not in (me, 0):
            return f"{path} can be written by {_user_name(user)}; run setfacl -x u:{user} {path}"
    return ""


def _writing_groups(path: Path, found: os.stat_result) -> list[int]:
    """Return the groups that may write; with an access list the mode's group bits are only its mask."""
    entries = list(_acl(path))
    if not entries:
        return [found.st_gid] if found.st_mode & stat.S_IWGRP else []
    mask = next((rights for tag, rights, _ in entries if tag == _ACL_MASK), 0x7)
    return [
        found.st_gid if tag == _ACL_OWN_GROUP else owner
        for tag, rights, owner in entries
        if tag in (_ACL_OWN_GROUP, _ACL_GROUP) and rights & mask & _WRITE
    ]


def _writing_users(path: Path) -> list[int]:
    entries = list(_acl(path))
    mask = next((rights for tag, rights, _ in entries if tag == _ACL_MASK), 0x7)
    return [owner for tag, rights, owner in entries if tag == _ACL_USER and rights & mask & _WRITE]


def _acl(path: Path) -> Iterator[tuple[int, int, int]]:
    """Yield tag, rights and id of each entry of a POSIX access list (Linux)."""
    if sys.platform != "linux":
        return
    try:
        data = os.getxattr(path, _ACL)
    except OSError:
        return
    with contextlib.suppress(struct.error):
        yield from struct.iter_unpack("<HHI", data[4:])


def _is_private(group: int) -> bool:
    """Return whether only the user, or root, is in a group."""
    if sys.platform == "win32" or group == 0:
        return True
    import grp
    import pwd

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
        members = set(grp.getgrgid(group).gr_mem)
        primary = {user.pw_name for user in pwd.getpwall() if user.pw_gid == group}
    except (KeyError, OSError):
        return False
    return members | primary <= {name, "root"}


def _user_name(user: int) -> str:
    if sys.platform != "win32":
        import pwd

        with contextlib.suppress(KeyError):
            return pwd.getpwuid(user).pw_name
    return f"user {user}"


def _group_name(group: int) -> str:
    if sys.platform != "win32":
        import grp

        with contextlib.suppress(KeyError):
            return grp.getgrgid(group).gr_name
    return str(group)
