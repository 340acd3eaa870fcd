"""A real VS Code for tests: code-server with the packaged extension, and a user of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.environment import clean_environment

REPOSITORY = Path(__file__).parents[3]
EXTENSION = REPOSITORY / "clients" / "vscode"

USER_SETTINGS: dict[str, Any] = {
    "security.workspace.trust.enabled": False,
    "workbench.startupEditor": "none",
    "window.autoDetectColorScheme": True,  # a screenshot is taken in both
    "workbench.reduceMotion": "on",  # a picture shows the end of a movement
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.enableExperiments": False,
    "chat.disableAIFeatures": True,  # VS Code's own; extensions' ghost text still works
    "telemetry.telemetryLevel": "off",
    "extensions.autoCheckUpdates": False,
    "extensions.autoUpdate": False,
    "extensions.ignoreRecommendations": True,
    "git.enabled": False,
    "files.autoSave": "off",  # the web default is afterDelay
    "editor.minimap.enabled": False,
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.wordBasedSuggestions": "off",
    "editor.autoClosingBrackets": "never",  # typed text is exactly what lands in the file
    "editor.autoIndent": "none",
    "editor.lightbulb.enabled": "off",
}


def install() -> Path:
    """Install code-server if it is missing, and return its folder."""
    script = REPOSITORY / "tests" / "e2e" / "editors" / "install-code-server.sh"
    done = subprocess.run([script], stdout=subprocess.PIPE, text=True, check=True, timeout=1200)
    return Path(done.stdout.strip())


def package(out: Path) -> Path:
    """Build the extension as users get it."""
    if not (EXTENSION / "node_modules" / ".package-lock.json").exists():
        npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    vsix = out / "ensemble-lsp.vsix"
    wheels = EXTENSION / "wheel"  # as `make package` does: the extension carries its server
    shutil.rmtree(wheels, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "-w", str(wheels), str(REPOSITORY)], check=True, timeout=300)
    npm("run", "package", "--", "--out", str(vsix))
    return vsix


def npm(*arguments: str) -> None:
    """Run npm in the extension's folder; show its output if it fails."""
    done = subprocess.run(
        ["npm", *arguments],
        cwd=EXTENSION,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def environment(home: Path) -> dict[str, str]:
    """The environment of a user without keys, whose PATH begins with the tested server."""
    clean = {
        key: value
        for key, value in clean_environment().items()
        if not key.startswith(("XDG_", "VSCODE_"))
    }
    return clean | {
        "HOME": str(home),
        "SHELL": "/bin/bash",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ENSEMBLE_LSP_CONFIG": str(home / "config.toml"),
        "ENSEMBLE_LSP_DATA_DIR": str(home / "data"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


class CodeServer:
    """One code-server; ``path`` replaces the PATH that contains the tested server."""

    def __init__(self, root: Path, vsix: Path, home: Path, path: str = "") -> None:
        self.home = home
        self.workspace = home / "workspace"
        self.user_data = home / "user-data"
        self.data = home / "data"
        self.url = ""
        self.env = environment(home) | ({"PATH": path} if path else {})
        # VS Code asks the user's login shell for PATH, as it does on a desktop.
        (home / ".bash_profile").write_text(f"export PATH='{self.env['PATH']}'\n")
        self._command = [
            str(root / "node_modules" / ".bin" / "node"),
            str(root / "node_modules" / "code-server" / "out" / "node" / "entry.js"),
            "--config",
            str(home / "code-server.yaml"),
            "--user-data-dir",
            str(self.user_data),
            "--extensions-dir",
            str(home / "extensions"),
        ]
        self._vsix = vsix
        self._process: subprocess.Popen[bytes] | None = None
        self.workspace.mkdir(parents=True, exist_ok=True)

    def settings(self, **more: Any) -> None:
        """Write the user's settings; dots in names are written as ``__``."""
        given = {key.replace("__", "."): value for key, value in more.items()}
        self._write("User", {**USER_SETTINGS, **given})

    def machine(self, settings: dict[str, Any]) -> None:
        """Write the machine settings, which a remote VS Code keeps in a file of their own."""
        self._write("Machine", settings)

    def _write(self, kind: str, settings: dict[str, Any]) -> None:
        path = self.user_data / kind / "settings.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=2))

    def start(self) -> None:
        """Install the extension, start the server and wait until it answers."""
        install = [*self._command, "--install-extension", str(self._vsix)]
        subprocess.run(install, env=self.env, check=True, capture_output=True, timeout=120)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        options = ["--auth", "none", "--bind-addr", address]
        options += ["--disable-telemetry", "--disable-update-check"]
        log = (self.home / "code-server.log").open("wb")
        self._process = subprocess.Popen(
            [*self._command, *options], env=self.env, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self.url = f"http://{address}"
        deadline = time.monotonic() + 60
        while not self._healthy():
            said = (self.home / "code-server.log").read_text()
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.1)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the server and its child processes."""
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)


def chromium() -> str:
    """The browser's program."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "Chromium is missing: apt-get install chromium, or set CHROMIUM"
    return found
