"""Prefect's processes keep their size."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from activation.settings import PROJECT
from flows.operate.lean_prefect import PAGE_CACHE_KB, begin_as_writer, collect_regularly, keep_few_pages

# Eight threads that allocate at the same time; then the C library's own word on how many arenas it has.
ARENAS = """
import ctypes, sys, threading
from flows.operate.lean_prefect import share_one_arena
if sys.argv[1] == "shared":
    assert share_one_arena()
here = threading.Barrier(8)
def allocate():
    kept = [bytes(2000) for _ in range(1000)]
    here.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


class Cycle:
    """Refers to itself, as a client with its TLS context does."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def python_collects_nothing() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("python_collects_nothing")
def test_cycles_are_collected_before_python_would() -> None:
    known = weakref.ref(Cycle())
    assert known() is not None
    ended = collect_regularly(0.01)
    try:
        until = time.monotonic() + 30
        while known() is not None:
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        ended.set()


@pytest.mark.parametrize(("manner", "is_one"), [("shared", True), ("as it comes", False)])
def test_threads_share_one_arena(tmp_path: Path, manner: str, *, is_one: bool) -> None:
    file = tmp_path / "malloc.xml"
    subprocess.run([sys.executable, "-c", ARENAS, manner, str(file)], cwd=PROJECT, check=True)
    assert (file.read_text().count("<heap nr=") == 1) == is_one


def test_a_connection_of_the_server_keeps_few_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AioSqliteConfiguration, "setup_sqlite", AioSqliteConfiguration.setup_sqlite)

    async def size(name: str) -> object:
        engine = await AioSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path / name}").engine()
        async with engine.connect() as connection:
            return (await connection.exec_driver_sql("PRAGMA cache_size")).scalar()

    assert asyncio.run(size("before.db")) != -PAGE_CACHE_KB
    keep_few_pages()
    assert asyncio.run(size("after.db")) == -PAGE_CACHE_KB


def test_two_transactions_that_read_and_then_write_both_succeed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AioSqliteConfiguration, "begin_sqlite_stmt", AioSqliteConfiguration.begin_sqlite_stmt)

    async def count(name: str) -> int:
        configuration = AioSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path / name}")
        engine = await configuration.engine()

        async def add() -> None:
            async with (
                await configuration.session(engine) as session,
                configuration.begin_transaction(session),
            ):
                (found,) = (await session.execute(text("select count(*) from counted"))).one()
                await asyncio.sleep(0.2)  # the other one is as far by now, if nothing keeps it
                await session.execute(text("insert into counted values (:found)"), {"found": found})

        async with engine.connect() as connection:
            await connection.exec_driver_sql("create table counted (number int)")
        await asyncio.gather(add(), add())
        async with engine.connect() as connection:
            found = await connection.exec_driver_sql("select count(distinct number) from counted")
            return int(found.scalar_one())

    with pytest.raises(OperationalError, match="database is locked"):
        asyncio.run(count("before.db"))
    begin_as_writer()
    assert asyncio.run(count("after.db")) == 2
