"""Bugs that delivery does not have, put into a process that delivers, so that the harness is seen to catch them.

Each is what somebody has shipped before: recording after sending, claiming without looking at how many rows changed,
retrying on a 500, asking for objections once only, remembering how far was read instead of what was sent, a lock that
is a file. Two more live in SQL, see ``rules.py``: 24 hours for a day, and a guard that compares a run with itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import duckdb

from activation import claims, delivery, journal, spans, streams
from activation.connectors.dummy import Dummy
from activation.errors import HeldError
from activation.home import Home
from activation.types import Answer, Request, State


def apply(name: str) -> None:
    """Put a bug into this process; the empty name is none."""
    for part in filter(None, name.split("+")):
        BUGS[part]()


def record_after_sending() -> None:
    """Nothing is on disk before a request leaves: claim and answer are written together, afterwards."""
    claim, record = claims.claim, claims.record
    promised: dict[int, tuple[Any, ...]] = {}

    def later(
        found: Any, page: Any, pieces: Sequence[Any], *, before: Sequence[Any] = (), **others: Any
    ) -> Any:
        written(found, before, others["now"])
        promises = []
        for parts in pieces:
            number = -len(promised) - 1
            promised[number] = (page, parts, others)
            promises.append(claims.Claim(number, f"promise-{os.getpid()}-{number}", parts))
        return promises, []

    def written(found: Any, answered: Sequence[Any], now: Any) -> None:
        for promise, answer in answered:
            page, parts, others = promised[promise.request]
            [real], _ = claim(found, page, [parts], **others)
            record(found, [(real, answer)], now)

    claims.claim, claims.record = later, written  # type: ignore[assignment]


def claim_without_count() -> None:
    """A claim takes rows whatever state they are in, and nobody looks at how many rows a statement changed."""
    recut, record = spans.recut, claims._record

    def careless(connection: Any, cuts: Any, *_where: Any) -> int:
        return recut(connection, cuts)

    def unheeded(*arguments: Any, **others: Any) -> None:
        try:
            record(*arguments, **others)
        except HeldError:
            return

    claims.recut = careless  # type: ignore[attr-defined]
    claims._record = unheeded
    claims._refuse_if_taken = lambda *_: None


def without_lock() -> None:
    """No bug of ours: a file system that takes locks and keeps none, as some network shares do."""
    journal.Journal.hold = lambda *_: nullcontext()  # type: ignore[method-assign, assignment, return-value]


def retry_on_500() -> None:
    """What failed is simply sent again."""
    send = Dummy.send

    def again(self: Dummy, request: Request) -> Answer:
        answer = send(self, request)
        return send(self, request) if answer.state is State.IN_DOUBT else answer

    Dummy.send = again  # type: ignore[method-assign]


def no_recheck() -> None:
    """Objections since the freeze are not asked for."""
    delivery._Delivery.take_out_opted_out = lambda _: False  # type: ignore[method-assign]


def checkpoint_at_fetch() -> None:
    """How far was read is remembered, as if all of it had been sent."""
    due_page = streams.due_page

    def beyond(found: Any, stream: Any, after: int, *others: Any) -> Any:
        file = Path(found.home.path) / f"checkpoint-{stream.stream}"
        page = due_page(found, stream, max(after, int(file.read_text()) if file.exists() else -1), *others)
        if page.parts:
            file.write_text(str(page.parts[-1][1]))
        return page

    delivery.due_page = beyond  # type: ignore[attr-defined]


def lock_file() -> None:
    """The lock is a file that who dies leaves behind."""

    @contextmanager
    def lock(self: Home, name: str, holding: str) -> Iterator[None]:
        self.locks.mkdir(mode=0o700, exist_ok=True)
        file = self.locks / f"{name}.pid"
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            raise HeldError(f"another process is {holding}") from None
        try:
            yield
        finally:
            file.unlink()

    Home.lock = lock  # type: ignore[method-assign]


def one_engine_thread() -> None:
    """No bug: DuckDB without threads of its own, so that a process makes the same system calls each time."""
    connect = duckdb.connect

    def quietly(*arguments: Any, **others: Any) -> Any:
        return connect(*arguments, **{**others, "config": {**others.get("config", {}), "threads": "1"}})

    duckdb.connect = quietly


BUGS: dict[str, Callable[[], None]] = {
    "record_after_sending": record_after_sending,
    "claim_without_count": claim_without_count,
    "without_lock": without_lock,
    "retry_on_500": retry_on_500,
    "no_recheck": no_recheck,
    "checkpoint_at_fetch": checkpoint_at_fetch,
    "lock_file": lock_file,
    "one_engine_thread": one_engine_thread,
}
