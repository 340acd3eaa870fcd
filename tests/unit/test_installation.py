"""The command that adds an extra fits the way in which the package was installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ensemble_lsp.installation import extra_command, install_command


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that is not active."""
    made = tmp_path / "ensemble-lsp"
    (made / "bin").mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(made))
    monkeypatch.setattr(sys, "executable", str(made / "bin/python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return made


def test_an_environment_that_is_not_active_is_named(prefix: Path) -> None:
    expected = f'{prefix}/bin/python -m pip install "ensemble-lsp[report]"'
    assert extra_command("report") == expected


def test_an_active_environment_has_its_own_pip(
    prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = prefix / "bin/pip"
    pip.write_text("")
    pip.chmod(0o755)
    monkeypatch.setenv("PATH", str(pip.parent))
    assert extra_command("report") == 'pip install "ensemble-lsp[report]"'
    assert install_command("xllamacpp") == "pip install xllamacpp"


def test_pipx_installs_into_its_environment(prefix: Path) -> None:
    (prefix / "pipx_metadata.json").write_text("{}")
    expected = 'pipx runpip ensemble-lsp install "ensemble-lsp[team]"'
    assert extra_command("team") == expected


def test_an_environment_without_pip_is_filled_by_uv(
    prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    expected = f'uv pip install --python {prefix}/bin/python "ensemble-lsp[ws]"'
    assert extra_command("ws") == expected


def test_uv_installs_into_the_environment_of_the_tool(prefix: Path) -> None:
    (prefix / "uv-receipt.toml").write_text("")
    expected = f'uv pip install --python {prefix}/bin/python "ensemble-lsp[local]"'
    assert extra_command("local") == expected
