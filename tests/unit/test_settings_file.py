"""The user's config file: read, written atomically, never overwritten if it is broken; the paths of config and data."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.errors import SettingsError
from ensemble_lsp.settings import (
    ModelSettings,
    add_model_to_config,
    config_file,
    default_config_path,
    default_data_dir,
    read_config,
    remove_model_from_config,
    resolve,
)


def test_a_config_file_is_read_and_a_missing_one_is_empty(tmp_path):
    path = tmp_path / "config.toml"
    assert read_config(path) == ({}, [])
    path.write_bytes(b"\xef\xbb\xbf[complete]\r\nmaxLines = 3\r\n")
    assert read_config(path) == ({"complete": {"maxLines": 3}}, [])


ONLY_RECALL = {"models": [{"name": "recall", "provider": "recall"}], "discover": False}


@pytest.mark.parametrize("content", [b"a = ", b"\xff\xfe", b"a = " + b"[" * 100_000])
def test_a_config_file_that_is_no_toml_is_named(tmp_path, content: bytes):
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    raw, faults = read_config(path)
    assert raw == ONLY_RECALL
    assert "until then none of its settings apply, and only recall is used" in str(faults[0])


def test_a_config_that_cannot_be_read_is_named(tmp_path):
    raw, faults = read_config(tmp_path)
    assert (raw, "cannot be read" in str(faults[0])) == (ONLY_RECALL, True)


def test_a_model_is_added_to_a_new_file_only_the_user_can_read(tmp_path):
    path = tmp_path / "new" / "config.toml"
    gpt = ModelSettings(name="gpt", provider="openai", model="gpt-6-luna")
    add_model_to_config(path, gpt)
    assert resolve([("config", read_config(path)[0])])[0].models == (gpt,)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    "start",
    [
        "# mine\n[complete]\nmaxLines = 4 # few\n",
        '# mine\n[[models]]\nname = "a" # first\nprovider = "recall"\n\n'
        "[complete]\nmaxLines = 4 # few\n",
        '# mine\nmodels = [{ name = "a", provider = "recall" }]\n[complete]\nmaxLines = 4 # few\n',
        "# mine\r\nmodels = []\r\n[complete]\r\nmaxLines = 4 # few\r\n",
    ],
)
def test_adding_and_removing_models_keeps_the_rest_of_the_file(tmp_path, start: str):
    path = tmp_path / "config.toml"
    path.write_bytes(start.encode())
    model = ModelSettings(
        name="local",
        provider="openai",
        model="m",
        base_url="http://127.0.0.1:1/v1",
        tasks=("explain",),
    )
    before = resolve([("config", read_config(path)[0])])[0]
    add_model_to_config(path, model)
    settings, faults = resolve([("config", read_config(path)[0])])
    assert faults == []
    assert settings.models == (*before.models, model)
    assert settings.complete.max_lines == 4
    assert remove_model_from_config(path, "local")
    assert resolve([("config", read_config(path)[0])]) == (before, [])
    text = path.read_bytes().decode()
    assert "# mine" in text and "# few" in text
    assert ("# first" in text) == ("# first" in start)


def test_a_name_that_is_taken_and_one_that_is_not_there(tmp_path):
    path = tmp_path / "config.toml"
    add_model_to_config(path, ModelSettings(name="r", provider="recall"))
    with pytest.raises(SettingsError, match="already has a model 'r'"):
        add_model_to_config(path, ModelSettings(name="r", provider="recall"))
    assert not remove_model_from_config(path, "other")


def test_a_broken_file_is_never_overwritten(tmp_path):
    path = tmp_path / "config.toml"
    for text in ("a = ", "models = 5\n"):
        path.write_text(text)
        with pytest.raises(SettingsError):
            add_model_to_config(path, ModelSettings(name="r", provider="recall"))
        assert path.read_text() == text


def test_a_symbolic_link_stays_one(tmp_path):
    target = tmp_path / "dotfiles.toml"
    target.write_text("# mine\n")
    link = tmp_path / "config.toml"
    link.symlink_to(target)
    add_model_to_config(link, ModelSettings(name="r", provider="recall"))
    assert link.is_symlink()
    assert "# mine" in target.read_text()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be"):
        add_model_to_config(
            tmp_path / "file" / "config.toml", ModelSettings(name="r", provider="recall")
        )


def test_paths_come_from_the_environment_or_the_platform(tmp_path):
    env = {"ENSEMBLE_LSP_CONFIG": str(tmp_path / "c.toml"), "ENSEMBLE_LSP_DATA_DIR": str(tmp_path)}
    assert default_config_path(env) == tmp_path / "c.toml"
    assert default_data_dir(env) == tmp_path
    assert default_config_path({}).name == "config.toml"
    assert default_data_dir({}).name == "ensemble-lsp"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"# caf\xe9\n", "(not UTF-8 at byte 5); save it as UTF-8"),
        ("[complete]\n".encode("utf-16"), "(not UTF-8 at byte 0); save it as UTF-8"),
        (b'model = "C:\\Users\\me\\a.gguf"\n', "in single quotes"),
        (b'model = "D:\\models\\a.gguf"\n', "in single quotes"),
        (b"a = \n", "fix it"),
    ],
)
def test_the_remedy_for_an_unreadable_config_is_named(
    tmp_path: Path, content: bytes, sentence: str
):
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    assert sentence in str(read_config(path)[1][0])


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
@pytest.mark.parametrize("target", ["gone.toml", "config.toml", "gone/config.toml"])
def test_a_link_to_nowhere_is_not_the_absence_of_a_config(tmp_path: Path, target: str):
    path = tmp_path / "config.toml"
    path.symlink_to(target)
    raw, faults = read_config(path)
    assert raw == ONLY_RECALL
    assert "until then none of its settings apply" in str(faults[0])


def test_a_change_of_another_program_while_a_model_is_added_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "config.toml"
    path.write_text("[complete]\nmaxLines = 1\n")
    real, others = config_file._parse, iter(["[complete]\nmaxLines = 222\n"])

    def parse_and_be_overtaken(given: Path) -> Any:
        document = real(given)
        if (text := next(others, None)) is not None:
            path.write_text(text)
        return document

    monkeypatch.setattr(config_file, "_parse", parse_and_be_overtaken)
    add_model_to_config(path, ModelSettings(name="m", provider="openai", model="m"))
    raw, _ = read_config(path)
    assert raw["complete"] == {"maxLines": 222} and raw["models"][0]["name"] == "m"
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]


def test_a_file_that_is_written_all_the_time_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "config.toml"
    stamps = iter(range(1000))
    monkeypatch.setattr(config_file, "config_stamp", lambda path: (next(stamps),))
    with pytest.raises(SettingsError, match="another program"):
        add_model_to_config(path, ModelSettings(name="m", provider="openai", model="m"))
    assert not path.exists()
