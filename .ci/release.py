"""Finish a release in ``dist/``: check its version, write its notes and the checksums of its files.

Exit code 1, with one sentence, if a file is missing, the versions differ or the working tree has changes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

FILES = ("*.whl", "*.tar.gz", "*.vsix", "ensemble-lsp.cdx.json", "ensemble-lsp-vscode.cdx.json")
"""The wheel, the source, the extension, and what each of the packages is made of."""


def version_of(root: Path) -> str:
    """Return the version, which the Python package and the extension must share."""
    found = re.search(r'^version = "(.+)"$', (root / "pyproject.toml").read_text(), re.MULTILINE)
    extension = json.loads((root / "clients/vscode/package.json").read_text())["version"]
    if found is None or found[1] != extension:
        sys.exit(f"pyproject.toml and clients/vscode/package.json ({extension}) differ in version")
    return found[1]


def notes_of(changelog: str, version: str) -> str:
    """Return the changelog's section of a version, else of what is unreleased.

    The notes are read outside the repository, so a link to one of its files becomes the file's path.
    """
    for title in (rf"\[?{re.escape(version)}\b[^\n]*", "Unreleased"):
        found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
        if found and found[1].strip():
            text = re.sub(
                r"\[([^][]+)\]\((?!\w+:)([^()#]+)[^()]*\)", r"\1 (`\2`)", found[1].strip()
            )
            return f"# ensemble-lsp {version}\n\n{text}\n"
    sys.exit(f"CHANGELOG.md has no section for {version}")


def checksums(folder: Path) -> str:
    """Return the SHA-256 of each file in a folder, as ``sha256sum --check`` reads it."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    digests = ((hashlib.sha256(path.read_bytes()).hexdigest(), path.name) for path in files)
    return "".join(f"{digest}  {name}\n" for digest, name in digests)


def finish(root: Path, dist: Path) -> str:
    """Write the notes and the checksums; return the version."""
    missing = [pattern for pattern in FILES if not list(dist.glob(pattern))]
    if missing:
        sys.exit(f"{dist} lacks {', '.join(missing)}; run `make package`")
    version = version_of(root)
    notes = notes_of((root / "CHANGELOG.md").read_text(), version)
    (dist / "RELEASE-NOTES.md").write_text(notes)
    (dist / "SHA256SUMS").write_text(checksums(dist))
    return version


def main() -> None:
    """Finish the release of this repository."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path)
    dist: Path = parser.parse_args().dist
    root = Path(__file__).parent.parent
    status = ["git", "-C", str(root), "status", "--porcelain"]
    if subprocess.run(status, capture_output=True, text=True, check=True).stdout.strip():
        sys.exit("the working tree has changes that no commit holds; commit them, then release")
    version = finish(root, dist)
    if not re.search(rf"^## \[?{re.escape(version)}\b", (root / "CHANGELOG.md").read_text(), re.M):
        print(
            f"CHANGELOG.md has no section {version}, so the notes are those of Unreleased; "
            "give the section its number before you publish"
        )
    print(f"{dist} holds the release {version}; tag it with `git tag v{version}`")


if __name__ == "__main__":
    main()
