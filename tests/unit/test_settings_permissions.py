"""Config and data that others can write: refused or reported, judged at links' targets and in all folders above."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ensemble_lsp.settings import read_config, writable_by_others
from tests.support.cli import InProcess

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
TOML = '[[models]]\nname = "far"\nprovider = "openai"\nmodel = "x"\nbaseUrl = "https://far.example/v1"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config file that only the user can write."""
    path = tmp_path / "folder" / "config.toml"
    path.parent.mkdir(mode=0o700)
    path.write_text(TOML)
    path.chmod(0o600)
    return path


def refused(path: Path, word: str) -> bool:
    raw, issues = read_config(path)
    assert [issue.path for issue in issues] == [str(path)]
    assert word in str(issues[0]) and "only recall is used" in str(issues[0])
    return [model["name"] for model in raw["models"]] == ["recall"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o400, 0o444])
def test_a_config_that_only_the_user_can_write_is_used(config: Path, mode: int) -> None:
    config.chmod(mode)
    assert writable_by_others(config) == ""
    assert read_config(config)[1] == []


@pytest.mark.parametrize("mode", [0o666, 0o602, 0o777])
def test_a_config_that_every_user_can_write_is_refused(config: Path, mode: int) -> None:
    config.chmod(mode)
    assert refused(config, f"chmod o-w {config}")


@pytest.mark.parametrize("mode", [0o777, 0o703])
def test_a_folder_that_every_user_can_write_counts_unless_it_is_sticky(
    config: Path, mode: int
) -> None:
    config.parent.chmod(mode)
    assert refused(config, f"chmod o-w {config.parent}")
    config.parent.chmod(0o1777)
    assert writable_by_others(config) == ""


def test_a_missing_file_in_a_folder_of_everyone_is_reported(config: Path) -> None:
    config.unlink()
    assert writable_by_others(config) == ""
    config.parent.chmod(0o777)
    assert "o-w" in writable_by_others(config)


def test_links_are_judged_by_their_target_and_by_their_folders(
    config: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(config)
    assert writable_by_others(link) == ""
    config.chmod(0o666)
    assert refused(link, str(config))
    config.chmod(0o600)
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    (open_to_all / "config.toml").symlink_to(config)
    open_to_all.chmod(0o777)
    assert refused(open_to_all / "config.toml", str(open_to_all))
    (tmp_path / "way").symlink_to(open_to_all)
    assert refused(tmp_path / "way" / "config.toml", str(tmp_path / "way"))


@root
def test_another_users_config_is_refused(config: Path) -> None:
    os.chown(config, 65534, 65534)
    assert refused(config, "belongs to another user")
    os.chown(config, 0, 0)
    os.chown(config.parent, 65534, 65534)
    assert refused(config, "belongs to another user")


@root
def test_group_rights_count_unless_the_group_is_the_users_own(config: Path) -> None:
    import grp

    config.chmod(0o664)
    assert writable_by_others(config) == ""
    other = next(group.gr_gid for group in grp.getgrall() if group.gr_name == "nogroup")
    os.chown(config, 0, other)
    assert refused(config, "can be written by the group nogroup")


@root
@pytest.mark.skipif(shutil.which("setfacl") is None, reason="needs access lists")
def test_an_access_list_is_read(config: Path) -> None:
    if subprocess.run(["setfacl", "-m", "u:nobody:rw", config]).returncode:
        pytest.skip("the file system has no access lists")
    assert refused(config, "can be written by nobody")
    subprocess.run(["setfacl", "-m", "u:nobody:r", config], check=True)
    assert writable_by_others(config) == ""


def test_the_null_device_is_an_empty_config() -> None:
    assert read_config(Path(os.devnull)) == ({}, [])


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "huge"])
def test_a_config_that_is_no_plain_file_is_named_and_stalls_nothing(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "config.toml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)
    raw, issues = read_config(path)
    assert "cannot be read" in str(issues[0])
    assert [model["name"] for model in raw["models"]] == ["recall"]


def test_on_windows_there_is_no_alarm(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.chmod(0o666)
    monkeypatch.setattr(sys, "platform", "win32")
    assert writable_by_others(config) == ""


def test_doctor_marks_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = InProcess(tmp_path)
    user.capsys, user.monkeypatch = capsys, monkeypatch
    user.model("gone", "http://127.0.0.1:9/v1", timeout=1)
    user.data.mkdir(exist_ok=True)
    user.run("models")
    user.data.chmod(0o777)
    user.config.chmod(0o666)
    result = user.run("doctor")
    assert result.code == 1
    assert f"✗ config: {user.config} can be written by every user" in result.out
    assert f"✗ data folder: {user.data} can be written by every user" in result.out
    assert "model gone" not in result.out and "settings" not in result.out
    user.config.chmod(0o600)
    user.data.chmod(0o700)
    result = user.run("doctor")
    assert f"✓ config: {user.config}" in result.out and f"✓ data folder: {user.data}" in result.out
    assert "sandbox: " in result.out
