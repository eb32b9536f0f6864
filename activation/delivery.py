"""Deliver one campaign of a frozen run: claim, re-check, send once, write down what became of it.

The promise is at most one attempt of unknown outcome for each message. Whatever ends this process leaves the
journal so that the next holder of the campaign knows what was open, and sends only what was certainly not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import duckdb
import pyarrow as pa

from activation import accounts, claims, rates
from activation.claims import Claim
from activation.clock import Clock
from activation.connectors import Connector
from activation.crew import Crew, Done, Job
from activation.errors import ConfigurationError
from activation.frozen import FrozenRun, connect, read_frozen
from activation.halving import Halving
from activation.home import Home, World
from activation.journal import Journal
from activation.pacing import LONGEST_REHEARSED_WAIT, DeliveryLimits, Pace, pause
from activation.planning import plan
from activation.prepare import content_of, load_page, request_of
from activation.receipts import write_receipts
from activation.room import refuse_if_full
from activation.settings import Sender
from activation.settling import Settling
from activation.spans import Range, StaleError
from activation.streams import Page, Stream, count_due, due_page, first_due, micros, seq_of, streams_of
from activation.types import Answer, Content, State

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
        crew = Crew(connector, another, connector.throughput.workers, should_stop)
        delivery = _Delivery(
            home, run, campaign, journal, connector, content, clock, recheck, pepper, sender,
            Pace(limits or DeliveryLimits()), should_stop, progress, engine, epoch, crew, waves,
        )  # fmt: skip
        try:
            plan(journal, run, campaign, pepper)
            delivery.run_rounds()
        finally:
            try:
                delivery.finish()
            finally:
                for run_id in sorted({*interrupted, *delivery.settled} - {run.run_id}):
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
    crew: Crew
    waves: Sequence[int]

    streams: list[Stream] = field(default_factory=list)
    answered: list[tuple[Claim, Answer]] = field(default_factory=list)
    halving: Halving = field(default_factory=Halving)
    error: ConfigurationError | None = None
    opted_out: pa.Table | None = None
    wait_until: datetime | None = None
    requests: int = 0
    done: int = 0
    total: int = 0
    settled: set[str] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        return (
            self.pace.is_down or self.error is not None or self.wait_until is not None or self.should_stop()
        )

    def run_rounds(self) -> None:
        """Go over all that is due, and over what was given back until nothing is."""
        known = streams_of(self.journal, self.run, self.campaign)
        self.streams = [stream for stream in known if stream.destination == self.connector.name]
        going = [stream for stream in self.streams if stream.wave in self.waves]
        now = self.clock.now()
        self.total = sum(count_due(self.journal, stream, now) for stream in going)
        refuse_if_full(self.home, self.total)
        settling = Settling(self)
        settling.run()
        while not self.is_over:
            self.pace.begin_round()
            for stream in going:
                self.send_stream(stream)
            self.flush()
            was_given_back = settling.run()
            if not (self.pace.is_round_incomplete or was_given_back):
                break

    def send_stream(self, stream: Stream) -> None:
        after = stream.first_seq - 1
        claims.expire(self.journal, stream, self.clock.now())
        while not self.is_over:
            self.take_out_opted_out()
            page = due_page(self.journal, stream, after, self.clock.now(), PAGE_ROWS)
            if not page.parts:
                return
            after = self.send_page(page, self.rows_of(page), after)
            self.halve()
        if self.error is not None:
            raise self.error

    def send_page(self, page: Page, rows: pa.Table, after: int) -> int:
        """Send until the page's end, or until it has to be read again; give the last key claimed."""
        most = self.halving.most(page.stream, self.connector.max_rows)
        pieces = list(page.pieces(most))
        group = self.connector.throughput.group
        ahead = 1 if self.crew.is_alone else group
        content = content_of(page.stream, self.content)
        place = offset = 0
        while place < len(pieces) or self.crew.open or self.pace.wait:
            if self.pace.wait and not self.crew.open:
                self.flush()
                self.wait()
            may_claim = place < len(pieces) and not self.is_over and not self.pace.wait
            if may_claim and self.crew.open < ahead:
                part = pieces[place : place + group]
                claimed = self.claim(page, part)
                if claimed is None:
                    place = len(pieces)
                    continue
                jobs = []
                for each, moment in claimed:
                    people = each.people
                    request = request_of(page.stream, each, content, rows.slice(offset, people))
                    jobs.append(Job(each, request, moment))
                    offset += people
                self.crew.submit(jobs)
                place += len(part)
                after = part[-1][-1][1]
            elif self.crew.open:
                self.receive(page.stream)
                if self.halving.most(page.stream, self.connector.max_rows) < most:
                    place = len(pieces)  # the rest is read again and cut smaller
            else:
                break
        self.flush()
        return after

    def claim(self, page: Page, pieces: Sequence[tuple[Range, ...]]) -> list[tuple[Claim, float]] | None:
        """Claim requests; ``None`` where the page has to be read again."""
        now = self.clock.now()
        if self.take_out_opted_out() or self.take_out_expired(page, now):
            return None
        throughput, patience = self.connector.throughput, self.pace.limits.max_wait
        try:
            claimed, moments = claims.claim(
                self.journal, page, pieces, epoch=self.epoch, now=now, before=self.answered,
                book=lambda connection, requests: rates.book(
                    connection, self.account, throughput, requests, patience
                ),
            )  # fmt: skip
        except StaleError:
            return None
        except rates.BusyAccountError as busy:
            self.wait_until = now + timedelta(seconds=busy.seconds)
            return None
        self.answered = []
        self.requests += len(claimed)
        return list(zip(claimed, moments or [0.0] * len(claimed), strict=True))

    def receive(self, stream: Stream) -> None:
        """Wait for answers, judge them, and take back what has not begun where that is wiser."""
        for done in self.crew.take():
            self.judge(stream, done)
        if self.pace.wait or self.is_over:
            for done in self.crew.recall():
                self.judge(stream, done)

    def judge(self, stream: Stream, done: Done) -> None:
        people = done.claimed.people
        answer = claims.well_formed(done.answer, people)
        if done.error is not None:
            self.error = self.error or done.error
        elif answer.is_divisible and people > 1 and answer.state is State.REFUSED:
            answer = self.halving.begin(stream, done.claimed, answer)
        elif answer.reason != "not_sent":
            answer = self.pace.judge(answer)
            self.halving.note(answer)
        if answer.reason == "not_sent":
            self.pace.is_round_incomplete = True
            self.requests -= 1
        self.answered.append((done.claimed, answer))
        self.done += people
        if self.progress is not None:
            self.progress(Progress(self.campaign, min(self.done, self.total), self.total))

    def halve(self) -> None:
        """Find the bad rows of refused requests: send their halves, and the halves of those refused."""
        while (part := self.halving.next()) is not None and not self.is_over:
            stream, parts, answer = part
            page = Page(stream, micros(self.clock.now()), parts, None)
            claimed = self.claim(page, [tuple(parts)])
            if claimed is None:
                continue
            (each, moment) = claimed[0]
            if answer is not None:  # given up on: refused without being asked again
                self.requests -= 1
                self.answered.append((each, answer))
            else:
                content = content_of(stream, self.content)
                request = request_of(stream, each, content, self.rows_of(page))
                self.crew.submit([Job(each, request, moment)])
                while self.crew.open:
                    self.receive(stream)
            self.flush()
            self.wait()

    def rows_of(self, page: Page) -> pa.Table:
        return load_page(self.engine, self.run, page, self.sender, self.pepper)

    @property
    def account(self) -> str:
        """Whose limits these are: connectors of one connection share them."""
        return str(getattr(self.connector, "connection", self.connector.name))

    def flush(self) -> None:
        """Write down answers that did not travel with the next claim."""
        if self.answered:
            claims.record(self.journal, self.answered, self.clock.now())
            self.answered = []

    def finish(self) -> None:
        """Nothing stays open, whatever happened: what has not begun is given back, and the rest is waited for."""
        try:
            for done in self.crew.recall():
                self.answered.append((done.claimed, done.answer))
            # Alone, whatever is still open was interrupted in this very thread.
            while self.crew.open and not self.crew.is_alone:
                for done in self.crew.take():
                    answer = claims.well_formed(done.answer, done.claimed.people)
                    self.answered.append((done.claimed, answer))
        finally:
            self.crew.close()
            self.flush()

    def wait(self) -> None:
        seconds, self.pace.wait = self.pace.wait, 0.0
        if not seconds or self.pace.is_down:
            return
        if self.connector.throughput.requests:
            with self.journal.write() as connection:
                rates.postpone(connection, self.account, self.rehearsed(seconds))
        if seconds > self.pace.limits.max_wait:
            self.wait_until = self.clock.now() + timedelta(seconds=seconds)
            return
        pause(self.rehearsed(seconds), self.should_stop)

    def rehearsed(self, seconds: float) -> float:
        """How long to wait for real: a simulated clock stands still meanwhile."""
        return min(seconds, LONGEST_REHEARSED_WAIT) if self.home.world is World.REHEARSAL else seconds

    def take_out_opted_out(self) -> bool:
        """Ask again where anything was landed since; say whether rows were taken out."""
        if self.opted_out is not None and not self.recheck.changed():
            return False
        self.flush()
        self.opted_out = found = self.recheck.opted_out(self.clock.now())
        rows = list(zip(*(found[name].to_pylist() for name in ("kind", "position", "reason")), strict=True))
        taken = 0
        for stream in self.streams:
            reasons = {seq_of(stream, at): why for kind, at, why in rows if kind == stream.kind}
            taken += claims.exclude(self.journal, stream, reasons)
        return taken > 0

    def take_out_expired(self, page: Page, now: datetime) -> bool:
        if page.expires_at is None or page.expires_at > micros(now):
            return False
        self.flush()
        return claims.expire(self.journal, page.stream, now) > 0

    def result(self) -> DeliveryResult:
        planned = (first_due(self.journal, stream) for stream in self.streams)
        next_due = min((at for at in planned if at is not None), default=None)
        if next_due is not None and self.wait_until is not None:
            next_due = max(next_due, self.wait_until)
        counts = accounts.summary(self.journal, self.run.run_id).get(self.campaign, {})
        return DeliveryResult(
            self.campaign, counts, self.requests, self.pace.is_down, self.pace.why, next_due
        )
