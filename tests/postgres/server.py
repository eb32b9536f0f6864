"""A PostgreSQL server of its own for the tests: in a directory of theirs, on a port that is free, gone with them."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

MISSING = "PostgreSQL is not installed: `make test` installs it (on Debian: apt-get install postgresql)"


@contextmanager
def server() -> Iterator[str]:
    """The URL of a running server, without a database. Raises ``RuntimeError`` where PostgreSQL is missing."""
    programs = _programs()
    directory = Path(tempfile.mkdtemp(prefix="muster-postgres-"))
    data = directory / "data"
    port = _free_port()
    options = f"-p {port} -k {directory} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        _own(directory)
        _run(programs / "initdb", "-D", data, "-A", "trust", "-U", "muster", "--no-sync")
        _run(programs / "pg_ctl", "-D", data, "-o", options, "-l", directory / "log", "-w", "start")
        try:
            yield f"postgresql://muster@127.0.0.1:{port}"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def create_database(url: str) -> str:
    """Make a database on a server; give its URL."""
    name = f"journal_{uuid.uuid4().hex}"
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name} strategy file_copy")  # type: ignore[call-overload]
    return f"{url}/{name}"


def restart(url: str) -> None:
    """End all connections at once, as a server that fails and comes back does."""
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and datname is not null"
        )


def _programs() -> Path:
    found = shutil.which("pg_ctl")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not places or not (places[-1] / "initdb").exists():
        raise RuntimeError(MISSING)
    return places[-1]


def _own(directory: Path) -> None:
    """PostgreSQL refuses to run as root: then the directory is its own user's."""
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(directory, user.pw_uid, user.pw_gid)


def _run(*command: object) -> None:
    user = "postgres" if os.getuid() == 0 else None
    done = subprocess.run(
        [str(part) for part in command], user=user, capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}{done.stdout}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
