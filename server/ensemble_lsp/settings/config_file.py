"""The user's config file, and the paths of config and data.

Everything here blocks: call it in a thread from async code.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..errors import SettingsError
from ..provider_spec import fallback
from ..uris import expand_user
from .messages import SettingsIssue
from .permissions import writable_by_others
from .regular_files import read_regular
from .schema import ModelSettings

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_APP = "ensemble-lsp"
_MAX_BYTES = 4 << 20
_ATTEMPTS = 20

R = TypeVar("R")


def default_config_path(env: Mapping[str, str] | None = None) -> Path:
    """Return the path of the config file: ``ENSEMBLE_LSP_CONFIG``, else the platform's path."""
    import platformdirs

    configured = (os.environ if env is None else env).get("ENSEMBLE_LSP_CONFIG")
    if configured:
        return expand_user(configured)
    return _own(platformdirs.user_config_path) / "config.toml"


def default_data_dir(env: Mapping[str, str] | None = None) -> Path:
    """Return the folder of history and weights: ``ENSEMBLE_LSP_DATA_DIR``, else the platform's path."""
    import platformdirs

    configured = (os.environ if env is None else env).get("ENSEMBLE_LSP_DATA_DIR")
    if configured:
        return expand_user(configured).absolute()
    return _own(platformdirs.user_data_path)


def _own(path_of: Callable[..., Path]) -> Path:
    """Return a folder below the user's home; raise ``SettingsError`` for a user without one.

    A relative path would be in the folder that the editor has opened, which is not trusted.
    """
    try:
        folder = path_of(_APP, appauthor=False)
    except RuntimeError:  # newer versions of platformdirs
        folder = Path()
    if not folder.is_absolute():
        raise SettingsError(
            "There is no home folder: set HOME, or ENSEMBLE_LSP_CONFIG and ENSEMBLE_LSP_DATA_DIR."
        )
    return folder


def config_stamp(path: Path) -> tuple[int, ...] | None:
    """Return a value that changes with the file, its target or its rights; None for a missing file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode, found.st_uid)


def unreadable_config() -> dict[str, Any]:
    """Return the options that replace a file that cannot be used.

    We cannot know which providers the user trusts, so only the one that sends nothing anywhere (``recall``) is
    enabled.
    """
    only = fallback().name
    return {"models": [{"name": only, "provider": only}], "discover": False}


def read_config(path: Path, *, meanwhile: str = "") -> tuple[dict[str, Any], list[SettingsIssue]]:
    """Return the raw options of a TOML file, and an issue if it cannot be used. A missing file is empty.

    A file that is unreadable, or that others can write, is replaced by ``unreadable_config``. ``meanwhile`` is the
    clause of the issue that says which settings apply until the file is fixed.
    """
    try:
        text = read_regular(path, _MAX_BYTES).decode("utf-8-sig")
        if not (problem := writable_by_others(path)):
            return tomllib.loads(text), []
    except FileNotFoundError:
        if not path.is_symlink():
            return {}, []
        # The user has a config, which is somewhere else or not mounted.
        problem = "is a link to a file that does not exist; fix it"
    except UnicodeDecodeError as error:
        problem = f"is not valid TOML (not UTF-8 at byte {error.start}); save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        problem = f"is not valid TOML ({error}); {_remedy(error)}"
    except RecursionError:
        problem = "is nested too deeply; fix it"
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); fix it"
    applies = meanwhile or f"none of its settings apply, and only {fallback().name} is used"
    issue = SettingsIssue("config", str(path), problem, f"until then {applies}")
    return unreadable_config(), [issue]


def _remedy(error: Exception) -> str:
    """Return how to correct a TOML error: a backslash is usually of a Windows path."""
    if "hex value" in str(error) or "Unescaped" in str(error):
        return "write a path with backslashes in single quotes"
    return "fix it"


def add_model_to_config(
    path: Path, model: ModelSettings, found: Sequence[ModelSettings] = ()
) -> list[str]:
    """Append a model to the config file and keep the rest of the file.

    A file that lists models replaces discovery, so the models that were ``found`` without it are written first.
    Returns their names; none if the file lists models already. Creates file and folder. The file is replaced
    atomically, and only the user can read it (0600). Raises ``SettingsError`` if the name is taken or the file
    cannot be read or written.
    """
    import tomlkit
    from tomlkit.items import AoT

    def add(document: TOMLDocument) -> list[str]:
        models = _models(path, document)
        if any(_name(item) == model.name for item in models):
            raise SettingsError(f"{path} already has a model {model.name!r}; choose another name.")
        if not models:
            document["models"] = tomlkit.aot()
            models = _models(path, document)
            kept = [other for other in found if other.name != model.name]
        else:
            kept = []
        tables = isinstance(cast(object, models), AoT)
        for settings in (*kept, model):
            item: Any = tomlkit.table() if tables else tomlkit.inline_table()
            item.update(
                settings.model_dump(
                    mode="json", by_alias=True, exclude_defaults=True, exclude_none=True
                )
            )
            models.append(item)
        return [settings.name for settings in kept]

    return _change(path, add)


def remove_model_from_config(path: Path, name: str) -> bool:
    """Remove a model from the config file; return False if the file has no such model.

    Raises ``SettingsError`` if the file cannot be read or written.
    """

    def remove(document: TOMLDocument) -> bool:
        models = _models(path, document)
        index = next((i for i, item in enumerate(models) if _name(item) == name), None)
        if index is None:
            return False
        if len(models) == 1:
            del document["models"]
        else:
            del models[index]
        return True

    return _change(path, remove)


def _change(path: Path, edit: Callable[[TOMLDocument], R]) -> R:
    """Change the file by ``edit``, again if another process has written it meanwhile: neither change is lost."""
    for _ in range(_ATTEMPTS):
        stamp, document = config_stamp(path), _parse(path)
        before = document.as_string()
        result = edit(document)
        if document.as_string() == before or _write(path, document, stamp):
            return result
    raise SettingsError(f"{path} is being written by another program; try again.")


def _parse(path: Path) -> TOMLDocument:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(read_regular(path, _MAX_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        return tomlkit.document()
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path} is not valid TOML (not UTF-8 at byte {error.start}); save it as UTF-8 first."
        ) from error
    except (TOMLKitError, RecursionError) as error:
        raise SettingsError(f"{path} is not valid TOML ({error}); correct it first.") from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}); check its permissions."
        ) from error


def _models(path: Path, document: TOMLDocument) -> list[Any]:
    """Return the document's own list of models; an empty list if it has no models."""
    models: Any = cast("Mapping[str, Any]", document).get("models", [])
    if not isinstance(models, list):
        raise SettingsError(f"models in {path} is not a list; write [[models]] for each model.")
    return cast("list[Any]", models)


def _name(item: Any) -> Any:
    return cast("MutableMapping[str, Any]", item).get("name") if hasattr(item, "get") else None


def _write(path: Path, document: TOMLDocument, stamp: tuple[int, ...] | None) -> bool:
    """Replace a file atomically; for a symbolic link, replace its target. Return False if the file has another stamp."""
    temporary: Path | None = None
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(document.as_string().encode())
            file.flush()
            os.fsync(file.fileno())
        if config_stamp(path) != stamp:
            temporary.unlink()
            return False
        temporary.replace(target)
        return True
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}); check its permissions."
        ) from error
