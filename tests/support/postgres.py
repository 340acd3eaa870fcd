"""A real PostgreSQL for a test: Debian's, in a temporary folder, on a local port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path

USER, PASSWORD = "ensemble", "correct horse battery"
_QUICK = "-c fsync=off -c full_page_writes=off -c unix_socket_directories="


def folder_of_programs() -> Path | None:
    """Return the folder of ``initdb`` and ``pg_ctl``; None without PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    beside = shutil.which("initdb")
    return Path(beside).resolve().parent if beside else None


class Postgres:
    """A cluster that can be stopped and started; ``close`` removes it."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="ensemble-postgres-"))
        self.port = _free_port()
        # PostgreSQL does not run as root.
        self._user = _ordinary_user() if os.geteuid() == 0 else None
        (self.folder / "password").write_text(PASSWORD)
        if self._user is not None:
            for path in (self.folder, self.folder / "password"):
                os.chown(path, self._user, -1)
        self._run(
            "initdb", "-D", str(self.folder / "data"), "-U", USER, "-A", "scram-sha-256",
            "--no-sync", "--pwfile", str(self.folder / "password"), "-E", "UTF8", "--locale=C",
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        options = f"{_QUICK} -c listen_addresses=127.0.0.1 -c port={self.port}"
        log = str(self.folder / "log")
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    def new_database(self) -> str:
        """Create an empty database and return its address."""
        name = f"db{uuid.uuid4().hex[:12]}"
        self.psql("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str, password: str = PASSWORD) -> str:
        from urllib.parse import quote

        return f"postgresql://{USER}:{quote(password)}@127.0.0.1:{self.port}/{database}"

    def psql(self, database: str, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as another client and return its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        subprocess.run(
            [str(self._programs / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "stop"],
            user=self._user, capture_output=True, check=False, cwd="/",
        )  # fmt: skip
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            user=self._user, stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT, check=False, cwd="/",
        )  # fmt: skip
        if done.returncode:
            log = self.folder / "log"
            told = done.stdout or (log.read_bytes() if log.exists() else b"")
            raise AssertionError(f"{program} failed: {told.decode(errors='replace')[-2000:]}")


def _ordinary_user() -> int:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise AssertionError("no ordinary user is here to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
