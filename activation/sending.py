"""Send pages of due rows through a crew: claim groups, receive answers, judge them, write them down.

Answers travel with the next claim, so that a group of requests costs one durable commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import pyarrow as pa

from activation import claims, rates
from activation.claims import Claim
from activation.clock import Clock
from activation.connectors import Connector
from activation.crew import Crew, Done, Job
from activation.errors import ConfigurationError
from activation.halving import Halving
from activation.journal import Journal
from activation.pacing import LONGEST_REHEARSED_WAIT, Pace, pause
from activation.prepare import request_of
from activation.spans import Range, StaleError
from activation.streams import Page, Stream, micros
from activation.types import Answer, Content, State


class Source(Protocol):
    """Where rows come from, and whether they may still be sent."""

    def load(self, page: Page) -> tuple[Content | None, pa.Table]:
        """The template and the rows of a page."""
        ...

    def take_out(self, page: Page, now: datetime) -> bool:
        """Take out of the journal who may no longer be sent to; say whether the page has to be read again."""
        ...


@dataclass
class Sending:
    """Sends for one holder of a campaign (``epoch``) through one connector. Not safe for several threads."""

    journal: Journal
    connector: Connector
    crew: Crew
    source: Source
    pace: Pace
    clock: Clock
    epoch: str
    is_rehearsed: bool
    should_stop: Callable[[], bool]
    on_answer: Callable[[int], None]

    halving: Halving = field(default_factory=Halving)
    answered: list[tuple[Claim, Answer]] = field(default_factory=list)
    error: ConfigurationError | None = None
    wait_until: datetime | None = None
    requests: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is sent."""
        return (
            self.pace.is_down or self.error is not None or self.wait_until is not None or self.should_stop()
        )

    @property
    def account(self) -> str:
        """Whose limits these are: connectors of one connection share them."""
        return str(getattr(self.connector, "connection", self.connector.name))

    def send(self, page: Page, after: int) -> int:
        """Send until the page's end, or until it has to be read again; give the last key claimed."""
        content, rows = self.source.load(page)
        most = self.halving.most(page.stream, self.connector.max_rows)
        pieces = list(page.pieces(most))
        group = self.connector.throughput.group
        ahead = 1 if self.crew.is_alone else group
        place = offset = 0
        while place < len(pieces) or self.crew.open or self.pace.wait:
            if self.pace.wait and not self.crew.open:
                self.flush()
                self._wait()
            may_claim = place < len(pieces) and not self.is_over and not self.pace.wait
            if may_claim and self.crew.open < ahead:
                part = pieces[place : place + group]
                claimed = self._claim(page, part)
                if claimed is None:
                    place = len(pieces)
                    continue
                jobs = []
                for each, moment in claimed:
                    request = request_of(page.stream, each, content, rows.slice(offset, each.people))
                    jobs.append(Job(each, request, moment))
                    offset += each.people
                self.crew.submit(jobs)
                place += len(part)
                after = part[-1][-1][1]
            elif self.crew.open:
                self._receive(page.stream)
                if self.halving.most(page.stream, self.connector.max_rows) < most:
                    place = len(pieces)  # the rest is read again and cut smaller
            else:
                break
        self.flush()
        self._halve()
        return after

    def flush(self) -> None:
        """Write down answers that did not travel with the next claim."""
        if self.answered:
            claims.record(self.journal, self.answered, self.clock.now())
            self.answered = []

    def finish(self) -> None:
        """Leave nothing open, whatever happened: what has not begun is given back, and the rest is waited for."""
        try:
            self._note(self.crew.recall())
            # Alone, whatever is still open was interrupted in this very thread.
            while self.crew.open and not self.crew.is_alone:
                self._note(self.crew.take())
        finally:
            self.crew.close()
            self.flush()

    def rehearsed(self, seconds: float) -> float:
        """How long to wait for real: a simulated clock stands still meanwhile."""
        return min(seconds, LONGEST_REHEARSED_WAIT) if self.is_rehearsed else seconds

    def _claim(self, page: Page, pieces: Sequence[tuple[Range, ...]]) -> list[tuple[Claim, float]] | None:
        """Claim requests; ``None`` where the page has to be read again."""
        now = self.clock.now()
        if self.source.take_out(page, now):
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

    def _receive(self, stream: Stream) -> None:
        """Wait for answers, judge them, and take back what has not begun where that is wiser."""
        for done in self.crew.take():
            self._judge(stream, done)
        if self.pace.wait or self.is_over:
            for done in self.crew.recall():
                self._judge(stream, done)

    def _judge(self, stream: Stream, done: Done) -> None:
        people = done.claimed.people
        answer = claims.well_formed(done.answer, people)
        if done.was_not_begun:
            self.error = self.error or done.error
            self.pace.is_round_incomplete = True
            self.requests -= 1
        elif answer.is_divisible and people > 1 and answer.state is State.REFUSED:
            answer = self.halving.begin(stream, done.claimed, answer)
        else:
            answer = self.pace.judge(answer)
            self.halving.note(answer)
        self.answered.append((done.claimed, answer))
        self.on_answer(people)

    def _halve(self) -> None:
        """Find the bad rows of refused requests: send their halves, and the halves of those refused."""
        while not self.is_over and (part := self.halving.next()) is not None:
            stream, parts, answer = part
            page = Page(stream, micros(self.clock.now()), parts, None)
            claimed = self._claim(page, [tuple(parts)])
            if claimed is None:
                continue
            each, moment = claimed[0]
            if answer is not None:  # given up on: refused without being asked again
                self.requests -= 1
                self.answered.append((each, answer))
            else:
                content, rows = self.source.load(page)
                self.crew.submit([Job(each, request_of(stream, each, content, rows), moment)])
                while self.crew.open:
                    self._receive(stream)
            self.flush()
            self._wait()

    def _note(self, found: Iterable[Done]) -> None:
        for done in found:
            self.answered.append((done.claimed, claims.well_formed(done.answer, done.claimed.people)))

    def _wait(self) -> None:
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
