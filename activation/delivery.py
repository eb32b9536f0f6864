"""Deliver one campaign of a frozen run: claim, re-check, send once, write down what became of it.

The promise is at most one attempt of unknown outcome for each message. Whatever ends this process leaves the
journal so that the next holder of the campaign knows what was open, and sends only what was certainly not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import duckdb
import pyarrow as pa

from activation import accounts, claims
from activation.clock import Clock
from activation.connectors import Connector
from activation.crew import Crew
from activation.frozen import FrozenRun, connect, read_frozen
from activation.home import Home, World
from activation.journal import Journal
from activation.pacing import DeliveryLimits, Pace
from activation.planning import plan
from activation.prepare import content_of, load_page
from activation.receipts import write_receipts
from activation.room import refuse_if_full
from activation.sending import Sending
from activation.settings import Sender
from activation.settling import Settling
from activation.streams import Page, Stream, count_due, due_page, first_due, micros, seq_of, streams_of
from activation.types import Content

PAGE_ROWS = 40_000


class Recheck(Protocol):
    """Asks newer landing and ledger rows whether a decision still stands."""

    def changed(self) -> bool:
        """Whether anything was landed since the last ``opted_out``; cheap, asked before every claim."""
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
    ``waits_for`` says why a part of it waits: its canary has to be judged first.
    """

    campaign: str
    counts: Mapping[str, int]
    requests: int
    is_down: bool
    why_down: str
    next_due: datetime | None
    waits_for: str = ""


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
    another: Callable[[], Connector] | None = None,
    waves: Sequence[int] = (0, 1),
    limits: DeliveryLimits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] | None = None,
) -> DeliveryResult:
    """Send what is due of one campaign through one connector, and write the receipts.

    ``content`` is by template name. ``another`` makes the connector of each further worker; without it, requests
    go one after the other. ``waves`` are those that may go: 0 are the canaries. Plans the campaign first where that
    was not done. Raises ``HeldError`` where another process delivers it or the disk is full, ``ConfigurationError``
    for a template that changed after the freeze or a connector that cannot make the request (its rows stay planned),
    ``JournalUnsafeError``.
    """
    with journal.hold(campaign), closing(connect(home.ledger)) as engine:
        epoch, interrupted = claims.take_lease(journal, campaign, clock.now())
        delivery = _Delivery(
            home, run, campaign, journal, connector, content, clock, recheck, pepper, sender, engine,
            waves, progress,
        )  # fmt: skip
        sending = Sending(
            journal=journal,
            connector=connector,
            crew=Crew(connector, another, connector.throughput.workers, should_stop),
            source=delivery,
            pace=Pace(limits or DeliveryLimits()),
            clock=clock,
            epoch=epoch,
            is_rehearsed=home.world is World.REHEARSAL,
            should_stop=should_stop,
            on_answer=delivery.tell,
        )
        settling = Settling(delivery, sending)
        try:
            plan(journal, run, campaign, pepper)
            delivery.run_rounds(sending, settling)
        finally:
            try:
                sending.finish()
            finally:
                for run_id in sorted({*interrupted, *settling.runs} - {run.run_id}):
                    write_receipts(home, journal, read_frozen(home, run_id), clock.now(), campaign)
                write_receipts(home, journal, run, clock.now(), campaign)
        return delivery.result(sending)


@dataclass
class _Delivery:
    """What is due, and who may no longer be sent to."""

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
    engine: duckdb.DuckDBPyConnection
    waves: Sequence[int]
    progress: Callable[[Progress], None] | None

    streams: list[Stream] = field(default_factory=list)
    opted_out: pa.Table | None = None
    sending: Sending | None = None
    done: int = 0
    total: int = 0

    def run_rounds(self, sending: Sending, settling: Settling) -> None:
        """Go over all that is due, and over what was given back until nothing is."""
        self.sending = sending
        known = streams_of(self.journal, self.run, self.campaign)
        self.streams = [stream for stream in known if stream.destination == self.connector.name]
        going = [stream for stream in self.streams if stream.wave in self.waves]
        now = self.clock.now()
        self.total = sum(count_due(self.journal, stream, now) for stream in going)
        refuse_if_full(self.home, self.total)
        settling.run()
        while not sending.is_over:
            sending.pace.begin_round()
            for stream in going:
                self._send_stream(sending, stream)
            sending.flush()
            was_given_back = settling.run()
            if not (sending.pace.is_round_incomplete or was_given_back):
                break

    def load(self, page: Page) -> tuple[Content | None, pa.Table]:
        """See :class:`activation.sending.Source`."""
        content = content_of(page.stream, self.content)
        return content, load_page(self.engine, self.run, page, self.sender, self.pepper)

    def take_out(self, page: Page, now: datetime) -> bool:
        """See :class:`activation.sending.Source`."""
        return self.take_out_opted_out() or self._take_out_expired(page, now)

    def take_out_opted_out(self) -> bool:
        """Ask again where anything was landed since; say whether rows were taken out."""
        if self.opted_out is not None and not self.recheck.changed():
            return False
        self._flush()
        self.opted_out = found = self.recheck.opted_out(self.clock.now())
        rows = list(zip(*(found[name].to_pylist() for name in ("kind", "position", "reason")), strict=True))
        taken = 0
        for stream in self.streams:
            reasons = {seq_of(stream, at): why for kind, at, why in rows if kind == stream.kind}
            taken += claims.exclude(self.journal, stream, reasons)
        return taken > 0

    def tell(self, people: int) -> None:
        """Tell who listens how far it is."""
        self.done += people
        if self.progress is not None:
            self.progress(Progress(self.campaign, min(self.done, self.total), self.total))

    def result(self, sending: Sending) -> DeliveryResult:
        """How it ended."""
        planned = (first_due(self.journal, stream) for stream in self.streams if stream.wave in self.waves)
        next_due = min((at for at in planned if at is not None), default=None)
        if next_due is not None and sending.wait_until is not None:
            next_due = max(next_due, sending.wait_until)
        counts = accounts.summary(self.journal, self.run.run_id).get(self.campaign, {})
        return DeliveryResult(
            self.campaign, counts, sending.requests, sending.pace.is_down, sending.pace.why, next_due
        )

    def _send_stream(self, sending: Sending, stream: Stream) -> None:
        after = stream.first_seq - 1
        claims.expire(self.journal, stream, self.clock.now())
        while not sending.is_over:
            self.take_out_opted_out()
            page = due_page(self.journal, stream, after, self.clock.now(), PAGE_ROWS)
            if not page.parts:
                return
            after = sending.send(page, after)
        if sending.error is not None:
            raise sending.error

    def _take_out_expired(self, page: Page, now: datetime) -> bool:
        if page.expires_at is None or page.expires_at > micros(now):
            return False
        self._flush()
        return claims.expire(self.journal, page.stream, now) > 0

    def _flush(self) -> None:
        # Answers first: a row that was given back can be taken out too.
        if self.sending is not None:
            self.sending.flush()
