"""A copy of a repository in which its own tests judge an answer. Never the user's tree.

What a model wrote is run, so the tests run walled in (``walls.py``). Where the network cannot be taken away nothing is
run, unless the user allows it.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import SettingsError
from . import process
from .process import ProcessResult, ResourceLimits

MAX_TREE_BYTES = 600_000_000
"""Bytes of a repository that is copied."""
_LEFT_OUT = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".cache"}
    | {".tox", ".nox"}
)
LINKED_FOLDERS = frozenset({".venv", "venv", "node_modules"})
"""Folders of installed packages: read where they are, not copied."""

__all__ = ["ProcessResult", "ResourceLimits", "ScratchRepo"]


class ScratchRepo:
    """One copy of a repository, and its tests. Made by ``open``; ``close`` removes the copy."""

    def __init__(
        self,
        scratch: Path,
        root: Path,
        command: Sequence[str],
        limits: ResourceLimits,
        *,
        walled: bool,
    ) -> None:
        self._scratch = scratch
        self._root = root
        self._command = list(command)
        self._limits = limits
        self._walled = walled
        self._import_roots: list[str] = []
        self._linked: list[Path] = []
        self._covered: dict[str, bool] = {}

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
        """Copy a repository. ``files``: those with cases; their packages are imported from the copy.

        Raises ``SettingsError`` with what to do where it cannot be.
        """
        parts = shlex.split(command)
        if not parts:
            raise SettingsError('To run tests needs a command, such as "pytest -q".')
        refused = await process.unavailable_reason()
        if refused and not allow_network:
            raise SettingsError(
                f"The tests are not run: nothing keeps what models wrote from the network and the disk "
                f"here ({refused})."
            )
        scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="ensemble-trial-"))
        bench = cls(scratch, root, parts, limits or ResourceLimits(), walled=not refused)
        try:
            bench._linked = await asyncio.to_thread(_copy, root, bench.tree)
            await asyncio.to_thread(bench._import_from, files)
        except BaseException:
            await bench.close()
            raise
        return bench

    async def check_baseline(self) -> None:
        """Make sure that the tests pass as they are; raises ``SettingsError`` where they do not."""
        first = await self.run()
        if not first.passed:
            why = "took too long" if first.timed_out else f"fail: {_last_line(first.output)}"
            raise SettingsError(
                f"The tests {why} before anything was changed, in a copy of {self._root} "
                f"({shlex.join(self._command)!r}); choose a command whose tests pass there."
            )

    @property
    def tree(self) -> Path:
        """The copy."""
        return self._scratch / "tree"

    async def passes(self, case: str, file: Path, hollow: str, text: str) -> bool | None:
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

    async def _with(self, file: Path, text: str) -> ProcessResult:
        original = await asyncio.to_thread(self.path_in_copy(file).read_bytes)
        try:
            await self.write({file: text})
            return await self.run()
        finally:
            await asyncio.to_thread(self._write, file, original)

    def path_in_copy(self, file: Path) -> Path:
        """Where a file of the repository is in the copy."""
        return self.tree / file.relative_to(self._root)

    async def write(self, files: Mapping[Path, str]) -> None:
        """Give files of the repository another content, in the copy."""

        def write() -> None:
            for file, text in files.items():
                self._write(file, text.encode("utf-8", "replace"))

        await asyncio.to_thread(write)

    def _write(self, file: Path, content: bytes) -> None:
        """Write a file of the copy. What ran there may have left links that lead out of it."""
        place, tree = self.path_in_copy(file), self.tree.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        folder = place.parent.resolve()
        if folder != tree and tree not in folder.parents:
            raise SettingsError(f"{file.name} is not tested: its folder leads out of the copy.")
        place.unlink(missing_ok=True)
        with place.open("xb") as out:
            out.write(content)

    async def run(self, command: Sequence[str] = ()) -> ProcessResult:
        """Run the tests once on the copy as it is, by the command it was opened with or another."""
        for folder in (self.home, self.temp):
            await asyncio.to_thread(folder.mkdir, exist_ok=True)
        return await process.run(
            list(command) or self._command,
            work=self.tree,
            folder=self._scratch,
            limits=self._limits,
            readable=self._linked,
            env=self._env(),
            sandboxed=self._walled,
        )

    @property
    def home(self) -> Path:
        """What the tests are told is the home folder."""
        return self._scratch / "home"

    @property
    def temp(self) -> Path:
        """What the tests are told is the folder for what does not last."""
        return self._scratch / "tmp"

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
    """Copy a tree without its history and caches, and without links that leave it.

    The folders of installed packages that were linked instead.
    """
    total = 0
    linked: list[Path] = []

    def ignore(folder: str, names: list[str]) -> list[str]:
        nonlocal total
        left_out: list[str] = []
        for name in names:
            path = Path(folder) / name
            if name in LINKED_FOLDERS and path.is_dir() and not path.is_symlink():
                linked.append(path)
                left_out.append(name)
            elif name in _LEFT_OUT or (path.is_symlink() and not _stays(path, root)):
                left_out.append(name)
            elif path.is_file():
                total += path.stat().st_size
            elif not path.is_dir():
                left_out.append(name)
        if total > MAX_TREE_BYTES:
            raise SettingsError(
                f"{root} is too large to be copied for the tests; name a smaller repository."
            )
        return left_out

    try:
        shutil.copytree(root, target, symlinks=True, ignore=ignore)
        for folder in linked:
            (target / folder.relative_to(root)).symlink_to(folder)
    except (OSError, shutil.Error) as error:
        raise SettingsError(f"{root} cannot be copied for the tests: {error}") from error
    return linked


def _stays(link: Path, root: Path) -> bool:
    target = link.readlink()
    real = Path(os.path.normpath(link.parent / target))
    return not target.is_absolute() and (real == root or root in real.parents)


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no output"
