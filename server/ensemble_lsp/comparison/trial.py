"""A copy of a repository in which its own tests judge an answer. Never the user's tree.

What a model wrote is run, so the tests run apart: as a sub-process group with limits of time, memory
and file size, without the network, with no environment but the paths, and with the disk read-only but
for the copy (``bwrap`` where it is installed, else ``unshare``). Where the network cannot be taken away
nothing is run, unless the user allows it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import SettingsError

LARGEST_TREE = 600_000_000
"""Bytes of a repository that is copied."""
_LEFT_OUT = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".cache"}
)
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT", "JAVA_HOME", "GOROOT")
_INSIDE = """\
set -e
copy=$1; shift
for folder in $READ_ONLY; do
  mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder"
done
mount -o remount,bind,ro / 2>/dev/null || true
mount --bind "$copy" "$copy"
mount -o remount,bind,rw "$copy"
cd "$WORK"
unset READ_ONLY WORK
exec "$@"
"""

Walls = Literal["bwrap", "unshare", "none"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run of the tests may take."""

    seconds: float = 120.0
    memory: int = 4 << 30
    """Bytes of address space of each process."""
    file: int = 256 << 20
    """Bytes of the largest file it may write."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of the tests ended."""

    passed: bool
    timed_out: bool
    output: str
    """The end of what it printed."""


class Trial:
    """One copy of a repository, and its tests. Made by ``open``; ``close`` removes the copy."""

    def __init__(
        self, scratch: Path, root: Path, command: Sequence[str], limits: Limits, walls: Walls
    ) -> None:
        self._scratch = scratch
        self._root = root
        self._command = list(command)
        self._limits = limits
        self._import_roots: list[str] = []
        self._read_only: list[str] = []
        self._covered: dict[str, bool] = {}
        self.walls: Walls = walls

    @classmethod
    async def open(
        cls,
        root: Path,
        command: str,
        *,
        limits: Limits | None = None,
        files: Sequence[Path] = (),
        allow_network: bool = False,
    ) -> Trial:
        """Copy a repository and make sure that its tests pass as they are.

        ``files``: those with cases; their packages are imported from the copy. Raises
        ``SettingsError`` with what to do where it cannot be.
        """
        parts = shlex.split(command)
        if not parts:
            raise SettingsError('--run-tests needs a command, such as "pytest -q".')
        walls = await find_walls()
        if walls == "none" and not allow_network:
            raise SettingsError(
                "Nothing here can keep tests from the network (bwrap or unshare would), and they run "
                "what models wrote; install bubblewrap, or add --allow-network to run them anyway."
            )
        scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="ensemble-trial-"))
        trial = cls(scratch, root, parts, limits or Limits(), walls)
        try:
            await asyncio.to_thread(_copy, root, trial.tree)
            await asyncio.to_thread(trial._import_from, files)
            first = await trial.run()
        except BaseException:
            await trial.close()
            raise
        if not first.passed:
            await trial.close()
            why = "took too long" if first.timed_out else f"fail: {_last_line(first.output)}"
            raise SettingsError(
                f"The tests {why} before anything was changed, in a copy of {root} ({command!r}); "
                "choose a command whose tests pass there."
            )
        return trial

    @property
    def tree(self) -> Path:
        """The copy."""
        return self._scratch / "tree"

    async def judge(self, case: str, file: Path, hollow: str, text: str) -> bool | None:
        """Whether the tests pass with ``text`` as the file's content.

        ``hollow`` is the file without the code in question: where the tests pass with that too, they
        do not cover the code, and nothing can be said (None).
        """
        if not await self.covers(case, file, hollow):
            return None
        return (await self._with(file, text)).passed

    async def covers(self, case: str, file: Path, hollow: str) -> bool:
        """Whether the tests fail without the code in question; tried once for each case."""
        if case not in self._covered:
            self._covered[case] = not (await self._with(file, hollow)).passed
        return self._covered[case]

    async def _with(self, file: Path, text: str) -> Ended:
        place = self.tree / file.relative_to(self._root)
        original = await asyncio.to_thread(place.read_bytes)
        try:
            await asyncio.to_thread(place.write_bytes, text.encode("utf-8", "replace"))
            return await self.run()
        finally:
            await asyncio.to_thread(place.write_bytes, original)

    async def run(self) -> Ended:
        """Run the tests once on the copy as it is."""
        for name in ("home", "tmp"):
            await asyncio.to_thread((self._scratch / name).mkdir, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            *self._walled(),
            cwd=self.tree,
            env=self._env(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        timed_out = False
        reader = asyncio.ensure_future(_tail(process))
        try:
            await asyncio.wait_for(process.wait(), self._limits.seconds)
        except asyncio.TimeoutError:
            timed_out = True
        finally:
            _end(process)
            await process.wait()
            output = await reader
        return Ended(process.returncode == 0 and not timed_out, timed_out, output)

    async def close(self) -> None:
        """Remove the copy."""
        await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)

    def _import_from(self, files: Sequence[Path]) -> None:
        """Let Python find the copy's packages before an installation that points to the user's tree."""
        roots = {self._root, self._root / "src"}
        for file in files:
            folder = file.parent
            while (folder / "__init__.py").exists() and folder != self._root:
                folder = folder.parent
            roots.add(folder)
        copies = (self.tree / r.relative_to(self._root) for r in sorted(roots) if r.is_dir())
        self._import_roots = [str(c) for c in copies]
        folders = (p for p in (Path.home(), self._root) if p.is_dir() and p != Path("/"))
        self._read_only = [str(p) for p in folders if not any(c.isspace() for c in str(p))]

    def _env(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k in _PASSED_ON}
        return kept | {
            "HOME": str(self._scratch / "home"),
            "TMPDIR": str(self._scratch / "tmp"),
            "PYTHONPATH": os.pathsep.join(self._import_roots),
            "PYTHONDONTWRITEBYTECODE": "1",
            "READ_ONLY": " ".join(self._read_only),
            "WORK": str(self.tree),
        }

    def _walled(self) -> list[str]:
        limits = self._limits
        limited = [
            "sh", "-c",
            f"ulimit -c 0; ulimit -t {int(limits.seconds) + 5}; ulimit -v {limits.memory >> 10};"
            f' ulimit -f {limits.file >> 9}; exec "$@"',
            "sh", *self._command,
        ]  # fmt: skip
        scratch = str(self._scratch)
        if self.walls == "bwrap":
            return [
                "bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
                "--bind", scratch, scratch, "--unshare-all", "--die-with-parent",
                "--chdir", str(self.tree), *limited,
            ]  # fmt: skip
        if self.walls == "unshare":
            return [*_UNSHARE, "sh", "-c", _INSIDE, "sh", scratch, *limited]
        return limited


_UNSHARE = ("unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child")


async def find_walls() -> Walls:
    """What can keep a program from the network and the disk on this machine."""
    if sys.platform == "win32":
        return "none"
    temporary = await asyncio.to_thread(tempfile.gettempdir)
    tries: tuple[tuple[Walls, list[str]], ...] = (
        ("bwrap", ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"]),
        ("unshare", [*_UNSHARE, "sh", "-c", 'mount --bind "$TMPDIR" "$TMPDIR"']),
    )
    for walls, command in tries:
        if await asyncio.to_thread(shutil.which, command[0]) is None:
            continue
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "TMPDIR": temporary},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await process.wait() == 0:
            return walls
    return "none"


def _copy(root: Path, target: Path) -> None:
    """Copy a tree without its history and caches, and without links that leave it."""
    total = 0

    def ignore(folder: str, names: list[str]) -> list[str]:
        nonlocal total
        left_out: list[str] = []
        for name in names:
            path = Path(folder) / name
            if name in _LEFT_OUT or (path.is_symlink() and not _stays(path, root)):
                left_out.append(name)
            elif path.is_file():
                total += path.stat().st_size
            elif not path.is_dir():
                left_out.append(name)
        if total > LARGEST_TREE:
            raise SettingsError(
                f"{root} is too large to be copied for the tests; name a smaller repository."
            )
        return left_out

    try:
        shutil.copytree(root, target, symlinks=True, ignore=ignore)
    except (OSError, shutil.Error) as error:
        raise SettingsError(f"{root} cannot be copied for the tests: {error}") from error


def _stays(link: Path, root: Path) -> bool:
    target = link.readlink()
    real = Path(os.path.normpath(link.parent / target))
    return not target.is_absolute() and (real == root or root in real.parents)


async def _tail(process: asyncio.subprocess.Process, most: int = 8000) -> str:
    """The end of what a process prints; the rest is let go, however much it is."""
    assert process.stdout is not None
    kept = b""
    while chunk := await process.stdout.read(65536):
        kept = (kept + chunk)[-most:]
    return kept.decode("utf-8", "replace")


def _end(process: asyncio.subprocess.Process) -> None:
    """End the whole group: tests may have left others running."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no output"
