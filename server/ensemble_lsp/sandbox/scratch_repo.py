"""A scratch copy of a repository in which its own tests judge answers; the user's tree stays untouched.

The tests run code that a model wrote, so they run in a sandbox (``process.py``). On a system that cannot cut off
the network nothing runs, unless the user allows it.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import SettingsError
from . import process
from .folders import discard
from .process import ProcessResult, ResourceLimits
from .snapshot import TreeSnapshot

MAX_TREE_BYTES = 600_000_000
"""Largest repository, in bytes, that is copied."""
_EXCLUDED = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".cache"}
    | {".tox", ".nox"}
)
LINKED_FOLDERS = frozenset({".venv", "venv", "node_modules"})
"""Folders of installed packages: linked to, not copied."""


class ScratchRepo:
    """One copy of a repository with its tests. Create it with ``open``; ``close`` removes the copy."""

    def __init__(
        self,
        scratch: Path,
        root: Path,
        command: Sequence[str],
        limits: ResourceLimits,
        *,
        sandboxed: bool,
    ) -> None:
        self._scratch = scratch
        self._root = root
        self._command = list(command)
        self._limits = limits
        self._sandboxed = sandboxed
        self._import_roots: list[str] = []
        self._linked: list[Path] = []
        self._covered: dict[str, bool] = {}
        self._snapshot: TreeSnapshot | None = None
        self._has_run = False

    @classmethod
    async def open(
        cls,
        root: Path,
        command: str,
        *,
        limits: ResourceLimits | None = None,
        files: Sequence[Path] = (),
        allow_network: bool = False,
    ) -> ScratchRepo:
        """Copy a repository. The packages of ``files`` are imported from the copy.

        Raises ``SettingsError``, with advice, if that is not possible.
        """
        parts = shlex.split(command)
        if not parts:
            raise SettingsError('Give the command that runs the tests, such as "pytest -q".')
        reason = await process.unavailable_reason()
        if reason and not allow_network:
            raise SettingsError(
                "The tests are not run: this system cannot keep the models' code from the network and the "
                f"disk ({reason})."
            )
        scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="ensemble-repo-"))
        repo = cls(scratch, root, parts, limits or ResourceLimits(), sandboxed=not reason)
        try:
            for folder in (repo._reachable, repo._trash):
                await asyncio.to_thread(folder.mkdir)
            repo._linked = await asyncio.to_thread(_copy, root, repo.tree)
            repo._snapshot = await asyncio.to_thread(TreeSnapshot, repo.tree, root, repo._trash)
            await asyncio.to_thread(repo._import_from, files)
        except BaseException:
            await repo.close()
            raise
        return repo

    async def check_baseline(self) -> None:
        """Check that the tests pass before any change; raise ``SettingsError`` if they do not."""
        first = await self.run()
        if not first.passed:
            problem = "take too long" if first.timed_out else f"fail: {_last_line(first.output)}"
            raise SettingsError(
                f"In an unchanged copy of {self._root} the tests of {shlex.join(self._command)!r} {problem}; "
                "choose a command whose tests pass there."
            )

    @property
    def tree(self) -> Path:
        """The root of the copy."""
        return self._reachable / "tree"

    @property
    def _reachable(self) -> Path:
        """The folder that the tests may write."""
        return self._scratch / "work"

    @property
    def _trash(self) -> Path:
        return self._scratch / "trash"

    async def passes(self, case: str, file: Path, stubbed: str, text: str) -> bool | None:
        """Return whether the tests pass with ``text`` as the file's content.

        ``stubbed`` is the file without the code in question. If the tests pass with that too, they do not cover
        the code, and the result is None.
        """
        if not await self.covers(case, file, stubbed):
            return None
        return (await self._run_with(file, text)).passed

    async def covers(self, case: str, file: Path, stubbed: str) -> bool:
        """Return whether the tests fail without the code in question; they run once for each case."""
        if case not in self._covered:
            self._covered[case] = not (await self._run_with(file, stubbed)).passed
        return self._covered[case]

    async def _run_with(self, file: Path, text: str) -> ProcessResult:
        await self._restore()
        original = await asyncio.to_thread(self.path_in_copy(file).read_bytes)
        try:
            await self.write({file: text})
            return await self.run()
        finally:
            await self._restore()
            await asyncio.to_thread(self._write, file, original)

    async def _restore(self) -> None:
        """Undo what the last run changed, in its tree, home and temporary directory."""
        if not self._has_run:
            return
        self._has_run = False

        def restore() -> None:
            self._reachable.chmod(0o700)
            for entry in self._reachable.iterdir():
                if entry != self.tree:
                    entry.rename(self._trash / uuid.uuid4().hex)
            if self._snapshot is not None:
                self._snapshot.restore()

        await asyncio.to_thread(restore)

    def path_in_copy(self, file: Path) -> Path:
        """Return the path in the copy of a file of the repository."""
        return self.tree / file.relative_to(self._root)

    async def write(self, files: Mapping[Path, str]) -> None:
        """Write new contents of the repository's files into the copy."""
        await self._restore()

        def write_all() -> None:
            for file, text in files.items():
                self._write(file, text.encode("utf-8", "replace"))

        await asyncio.to_thread(write_all)

    def _write(self, file: Path, content: bytes) -> None:
        """Write a file of the copy, but never through links out of it."""
        path, tree = self.path_in_copy(file), self.tree.resolve()
        folder = path.parent.resolve()
        if folder != tree and tree not in folder.parents:
            raise SettingsError(f"{file.name} is not tested: its folder leads out of the copy.")
        assert self._snapshot is not None
        self._snapshot.write(path, content)

    async def run(self, command: Sequence[str] = ()) -> ProcessResult:
        """Run the tests once on the current copy, with its own command or another.

        The copy is restored before the next run or write: a run does not see what an earlier one left.
        """
        await self._restore()
        self._has_run = True
        for folder in (self.home, self.temp):
            await asyncio.to_thread(folder.mkdir, exist_ok=True)
        return await process.run(
            list(command) or self._command,
            work=self.tree,
            folder=self._reachable,
            limits=self._limits,
            readable=self._linked,
            env=self._env(),
            sandboxed=self._sandboxed,
        )

    @property
    def home(self) -> Path:
        """The home directory that the tests see."""
        return self._reachable / "home"

    @property
    def temp(self) -> Path:
        """The temporary directory that the tests see."""
        return self._reachable / "tmp"

    async def close(self) -> None:
        """Remove the copy."""
        await discard(self._scratch)

    def _import_from(self, files: Sequence[Path]) -> None:
        """Put the copy's packages before any installation that points to the user's tree."""
        roots = {self._root, self._root / "src"}
        for file in files:
            folder = file.parent
            while (folder / "__init__.py").exists() and folder != self._root:
                folder = folder.parent
            roots.add(folder)
        copies = (self.tree / r.relative_to(self._root) for r in sorted(roots) if r.is_dir())
        self._import_roots = [str(c) for c in copies]

    def _env(self) -> dict[str, str]:
        own = [f / "bin" for f in self._linked if f.name != "node_modules"]
        own += [f / ".bin" for f in self._linked if f.name == "node_modules"]
        return {
            "PATH": os.pathsep.join([*map(str, own), os.environ.get("PATH", os.defpath)]),
            "HOME": str(self.home),
            "TMPDIR": str(self.temp),
            "PYTHONPATH": os.pathsep.join(self._import_roots),
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def _copy(root: Path, target: Path) -> list[Path]:
    """Copy a tree without its history, caches and links out of it.

    Returns the folders of installed packages, which are linked to instead.
    """
    total = 0
    linked: list[Path] = []

    def ignore(folder: str, names: list[str]) -> list[str]:
        nonlocal total
        excluded: list[str] = []
        for name in names:
            path = Path(folder) / name
            if name in LINKED_FOLDERS and path.is_dir() and not path.is_symlink():
                linked.append(path)
                excluded.append(name)
            elif name in _EXCLUDED or (path.is_symlink() and not _stays_inside(path, root)):
                excluded.append(name)
            elif path.is_file():
                total += path.stat().st_size
            elif not path.is_dir():
                excluded.append(name)
        if total > MAX_TREE_BYTES:
            raise SettingsError(
                f"{root} is too large to copy for the tests; choose a smaller repository."
            )
        return excluded

    try:
        shutil.copytree(root, target, symlinks=True, ignore=ignore)
        for folder in linked:
            (target / folder.relative_to(root)).symlink_to(folder)
    except (OSError, shutil.Error) as error:
        raise SettingsError(f"{root} cannot be copied for the tests: {error}") from error
    return linked


def _stays_inside(link: Path, root: Path) -> bool:
    target = link.readlink()
    real = Path(os.path.normpath(link.parent / target))
    return not target.is_absolute() and (real == root or root in real.parents)


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no output"
