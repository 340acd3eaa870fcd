"""Audit the locked packages against the package index: vulnerabilities and withdrawn releases.

Not every index reports vulnerabilities. One that knows nothing of one package is not asked for the rest;
any index can check this much: that each locked file is still served under its hash, and is not
withdrawn. Exit code 1 where something is wrong.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"


def locked() -> list[str]:
    """``name==version ; marker`` of everything that is locked."""
    return [line.rstrip(" \\") for line in LOCK.read_text().splitlines() if line[:1].isalnum()]


def weaknesses(requirements: list[str]) -> list[dict[str, Any]]:
    """Return the report of pip-audit for each package."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        command = ["pip_audit", "--disable-pip", "--no-deps", "--format", "json", "-r", file.name]
        done = subprocess.run(
            [sys.executable, "-m", *command, "--progress-spinner", "off"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode not in (0, 1) or not done.stdout:
        sys.exit(f"pip-audit failed: {done.stderr[-500:]}")
    return json.loads(done.stdout)["dependencies"]


def audited() -> bool:
    """Print what is known; False where something is."""
    requirements = locked()
    told = weaknesses(requirements[:1])
    if "skip_reason" in told[0]:
        print(f"weaknesses: not audited, the index in use says nothing ({told[0]['skip_reason']})")
        return True
    told += weaknesses(requirements[1:])
    found = [(each, bad) for each in told for bad in each.get("vulns", ())]
    for each, bad in found:
        fixed = ", ".join(bad["fix_versions"]) or "nothing yet"
        print(f"{each['name']} {each['version']}: {bad['id']}, fixed in {fixed}")
    missing = [each["name"] for each in told if "skip_reason" in each]
    print(f"weaknesses: {len(found)} in {len(told)} packages; {len(missing)} not audited {missing}")
    return not found


def served() -> bool:
    """Whether each locked file for this platform is served under its hash, and none is withdrawn."""
    command = ["pip", "install", "--dry-run", "--ignore-installed", "--no-deps"]
    done = subprocess.run(
        [sys.executable, "-m", *command, "--require-hashes", "-r", str(LOCK)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        print(done.stderr[-1000:])
        return False
    withdrawn = re.findall(r"yanked version: '([^']+)' candidate \(version (\S+)", done.stderr)
    for name, version in withdrawn:
        print(f"{name} {version} was withdrawn")
    print(f"files: all are served under their hashes; {len(withdrawn)} withdrawn")
    return not withdrawn


if __name__ == "__main__":
    results = audited(), served()
    sys.exit(0 if all(results) else 1)
