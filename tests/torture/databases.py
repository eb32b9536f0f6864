"""What is asked of a place's database on a PostgreSQL server, and its end."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import psycopg

LONGEST = 10.0
OTHERS = (
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
)


def drop(url: str) -> None:
    """Remove a database."""
    parts = urlsplit(url)
    with psycopg.connect(f"{parts.scheme}://{parts.netloc}/postgres", autocommit=True) as connection:
        connection.execute(f"drop database {parts.path[1:]} with (force)")  # type: ignore[call-overload]


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """Ask once everybody else has gone: a commit under way when its client died may still come through."""
    with psycopg.connect(url, autocommit=True) as connection:
        give_up_at = time.monotonic() + LONGEST
        while time.monotonic() < give_up_at:
            row = connection.execute(OTHERS).fetchone()
            if row is None or not row[0]:
                break
            time.sleep(0.005)
        try:
            return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]
        except psycopg.errors.UndefinedTable:
            return []
