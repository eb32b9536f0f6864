"""Deliver one campaign of a frozen run: claim, re-check, send once, write down what became of it.

The promise is at most one attempt of unknown outcome for each message. Whatever ends this process leaves the
journal so that the next holder of the campaign knows what was open, and sends only what was certainly not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import duckdb
import pyarrow as pa

from activation import accounts, claims
from activation.claims import Claim, StaleError
from activation.clock import Clock
from activation.connectors import Connector
from activation.errors import ConfigurationError
from activation.frozen import FrozenRun, connect, read_frozen
from activation.home import Home, World
from activation.journal import Journal
from activation.pacing import LONGEST_REHEARSED_WAIT, DeliveryLimits, Pace, pause
from activation.planning import plan
from activation.prepare import content_of, load_page, request_of
from activation.receipts import write_receipts
from activation.settings import Sender
from activation.streams import Page, Stream, count_due, due_page, first_due, micros, seq_of, streams_of
from activation.types import Answer, Content, Request, State

PAGE_ROWS = 40_000


class Recheck(Protocol):
    """Asks newer landing and ledger rows whether a decision still stands."""

    def changed(self) -> bool:
        """Whether anything was landed since the last ``opted_out``; cheap, asked before every request."""
        ...

    def opted_out(self, now: datetime) -> pa.Table:
        """Rows that must not be sent any more: kind (``message`` or ``membership``), position, reason.

        Of the whole run, or of the campaign at least. Raises ``HeldError`` where it cannot be told.
        """
        ...


@dataclass(frozen=True)
class Progress:
    """How far a delivery is: rows with an answer, of those that were due when it began."""

    campaign: str
    done: int
    total: int


@dataclass(frozen=True)
class DeliveryResult:
    """How a delivery ended; ``counts`` are the campaign's rows by state, all of them.

    ``next_due`` is when there is something left to send; where the delivery was stopped, it may be past.
    """

    campaign: str
    counts: Mapping[str, int]
    requests: int
    is_down: bool
    why_down: str
    next_due: datetime | None


def deliver(
    home: Home,
    run: FrozenRun,
    campaign: str,
    *,
    journal: Journal,
    connector: Connector,
    content: Mapping[str, Content],
    clock: Clock,
    recheck: Recheck,
    pepper: bytes,
    sender: Sender,
    limits: DeliveryLimits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] | None = None,
) -> DeliveryResult:
    """Send what is due of one campaign through one connector, and write the receipts.

    ``content`` is by template name. Plans the campaign first where that was not done. Raises ``HeldError``
    where another process delivers it, ``ConfigurationError`` for a template that changed after the freeze
    or a connector that cannot make the request (its rows stay planned), ``JournalUnsafeError``.
    """
    with home.lock(f"campaign-{campaign}", f"delivering {campaign}"), closing(connect()) as engine:
        epoch, interrupted = claims.take_lease(journal, campaign, clock.now())
        delivery = _Delivery(
            home, run, campaign, journal, connector, content, clock, recheck, pepper, sender,
            Pace(limits or DeliveryLimits()), should_stop, progress, engine, epoch,
        )  # fmt: skip
        try:
            plan(journal, run, campaign, pepper)
            delivery.run_rounds()
        finally:
            try:
                delivery.flush()
            finally:
                for run_id in interrupted:
                    if run_id != run.run_id:
                        write_receipts(home, journal, read_frozen(home, run_id), clock.now(), campaign)
                write_receipts(home, journal, run, clock.now(), campaign)
        return delivery.result()


@dataclass
class _Delivery:
    home: Home
    run: FrozenRun
    campaign: str
    journal: Journal
    connector: Connector
    content: Mapping[str, Content]
    clock: Clock
    recheck: Recheck
    pepper: bytes
    sender: Sender
    pace: Pace
    should_stop: Callable[[], bool]
    progress: Callable[[Progress], None] | None
    engine: duckdb.DuckDBPyConnection
    epoch: str

    streams: list[Stream] = field(default_factory=list)
    pending: tuple[Claim, Answer] | None = None
    is_checked: bool = False
    wait_until: datetime | None = None
    requests: int = 0
    done: int = 0
    total: int = 0

    @property
    def is_over(self) -> bool:
        return self.pace.is_down or self.wait_until is not None or self.should_stop()

    def run_rounds(self) -> None:
        """Go over all that is due, and over what was given back until nothing is."""
        known = streams_of(self.journal, self.run, self.campaign)
        self.streams = [stream for stream in known if stream.destination == self.connector.name]
        if self.progress is not None:
            now = self.clock.now()
            self.total = sum(count_due(self.journal, stream, now) for stream in self.streams)
        while not self.is_over:
            self.pace.begin_round()
            for stream in self.streams:
                self.send_stream(stream)
            self.flush()
            if not self.pace.is_round_incomplete:
                break

    def flush(self) -> None:
        """Write down the last answer, where it did not travel with the next claim."""
        if self.pending is not None:
            claims.record(self.journal, *self.pending, self.clock.now())
            self.pending = None

    def send_stream(self, stream: Stream) -> None:
        after = stream.first_seq - 1
        claims.expire(self.journal, stream, self.clock.now())
        while not self.is_over:
            self.take_out_opted_out()
            page = due_page(self.journal, stream, after, self.clock.now(), PAGE_ROWS)
            if not page.seqs:
                return
            content = content_of(stream, self.content)
            rows = load_page(self.engine, self.run, page, self.sender, self.pepper)
            after = self.send_page(page, content, rows, after)

    def send_page(self, page: Page, content: Content | None, rows: pa.Table, after: int) -> int:
        """Send until the page's end, or until it has to be read again; give the last key sent."""
        for start in range(0, len(page.seqs), self.connector.max_rows):
            seqs = page.seqs[start : start + self.connector.max_rows]
            if self.is_over or self.take_out_opted_out() or self.take_out_expired(page, start, len(seqs)):
                return after
            now = self.clock.now()
            try:
                claimed = claims.claim(
                    self.journal, page, seqs, epoch=self.epoch, now=now, before=self.pending
                )
            except StaleError:
                return after
            self.pending = None
            self.send(request_of(page.stream, claimed, content, rows.slice(start, len(seqs))), claimed)
            after = seqs[-1]
        return after

    def send(self, request: Request, claimed: Claim) -> None:
        self.requests += 1
        try:
            answer = claims.well_formed(self.connector.send(request), request.people)
        except ConfigurationError:
            # By its meaning nothing was sent, so nobody is in doubt.
            self.pending = (claimed, Answer(State.PLANNED, "not_sent"))
            raise
        except Exception as error:  # noqa: BLE001  # whatever it was, we cannot know what left
            answer = Answer(State.IN_DOUBT, type(error).__name__)
        self.pending = (claimed, self.pace.judge(answer))
        self.done += request.people
        if self.progress is not None:
            self.progress(Progress(self.campaign, min(self.done, self.total), self.total))
        if self.pace.wait and not self.pace.is_down:
            self.flush()
            self.wait(self.pace.wait)

    def wait(self, seconds: float) -> None:
        if seconds > self.pace.limits.max_wait:
            self.wait_until = self.clock.now() + timedelta(seconds=seconds)
            return
        if self.home.world is World.REHEARSAL:
            seconds = min(seconds, LONGEST_REHEARSED_WAIT)
        pause(seconds, self.should_stop)

    def take_out_opted_out(self) -> bool:
        """Ask again where anything was landed since; say whether rows were taken out."""
        if self.is_checked and not self.recheck.changed():
            return False
        self.flush()
        found = self.recheck.opted_out(self.clock.now())
        self.is_checked = True
        rows = list(zip(*(found[name].to_pylist() for name in ("kind", "position", "reason")), strict=True))
        taken = 0
        for stream in self.streams:
            reasons = {seq_of(stream, at): why for kind, at, why in rows if kind == stream.kind}
            taken += claims.exclude(self.journal, stream, reasons)
        return taken > 0

    def take_out_expired(self, page: Page, start: int, rows: int) -> bool:
        now = micros(self.clock.now())
        if all(at is None or at > now for at in page.expiries[start : start + rows]):
            return False
        self.flush()
        return claims.expire(self.journal, page.stream, self.clock.now()) > 0

    def result(self) -> DeliveryResult:
        planned = (first_due(self.journal, stream) for stream in self.streams)
        next_due = min((at for at in planned if at is not None), default=None)
        if next_due is not None and self.wait_until is not None:
            next_due = max(next_due, self.wait_until)
        counts = accounts.summary(self.journal, self.run.run_id).get(self.campaign, {})
        return DeliveryResult(
            self.campaign, counts, self.requests, self.pace.is_down, self.pace.why, next_due
        )
