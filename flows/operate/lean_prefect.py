"""Prefect's command line in a process that keeps its size: ``python -m flows.operate.lean_prefect worker start …``.

Each flow run leaves its worker some clients whose TLS contexts hang in reference cycles. They are a few Python objects
and hundreds of kilobytes outside of Python, and it counts objects before it looks for cycles: a worker of 99 MB had
129 MB after fifty flow runs and 153 MB after six hundred. Looked for every minute, it stays at 108 MB.

A server answers from many threads, and glibc gives each of them an arena of its own, which keeps what was freed in it:
with one arena for all, a server that grows from 175 to 254 MB over sixteen hundred requests stays at 210 MB. And each
of its connections to SQLite (5, at need 15) may keep 80 MB of the database's pages, beside the operating system, which
keeps them as well: here one keeps 8 MB.

Most of its transactions read before they write, and begin as readers. Where another one writes in between, SQLite
refuses the write at once ("database is locked"), whatever the time-out: the server then answered 503, or dropped the
event that should have raised an alarm, and now and then stood still for a minute. Here each begins as a writer, and
waits for its turn.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from typing import Any

COLLECT_SECONDS = 60.0
PAGE_CACHE_KB = 8_000
_M_ARENA_MAX = -8  # malloc.h of glibc


def collect_regularly(seconds: float = COLLECT_SECONDS) -> threading.Event:
    """Collect garbage that often, beside whatever this process does, until what is given back is set."""
    ended = threading.Event()

    def collect() -> None:
        while not ended.wait(seconds):
            gc.collect()

    threading.Thread(target=collect, name="collects-garbage", daemon=True).start()
    return ended


def share_one_arena() -> bool:
    """Let threads that start from now on share malloc's one arena; False where the C library has no such option."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, 1))


def keep_few_pages(kilobytes: int = PAGE_CACHE_KB) -> None:
    """Let each SQLite connection that this process's server opens from now on keep so much of its database."""
    from prefect.server.database.configurations import AioSqliteConfiguration  # noqa: PLC0415 - it takes seconds

    as_prefect_does = AioSqliteConfiguration.setup_sqlite

    def set_up(self: AioSqliteConfiguration, connection: Any, record: Any) -> None:
        as_prefect_does(self, connection, record)
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA cache_size = {-kilobytes}")
        cursor.close()

    AioSqliteConfiguration.setup_sqlite = set_up  # type: ignore[assignment, method-assign]


def begin_as_writer() -> None:
    """Let each transaction that this process's server begins on SQLite take its turn at writing before it reads."""
    from prefect.server.database.configurations import (  # noqa: PLC0415 - it takes seconds
        SQLITE_BEGIN_MODE,
        AioSqliteConfiguration,
    )

    def begin(self: AioSqliteConfiguration, connection: Any) -> None:
        del self
        if SQLITE_BEGIN_MODE.get() is not None:  # else each statement is for itself
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    AioSqliteConfiguration.begin_sqlite_stmt = begin  # type: ignore[assignment, method-assign]


def main() -> None:
    """Do what Prefect's command line is asked."""
    share_one_arena()
    from prefect.cli import app  # noqa: PLC0415 - it takes seconds, and starts threads

    collect_regularly()
    if "server" in sys.argv[1:2]:
        keep_few_pages()
        begin_as_writer()
    app()


if __name__ == "__main__":
    main()
