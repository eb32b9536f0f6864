"""Settle what is in doubt, by what the destination can do: be asked again under the same key, or be looked at.

``idempotent`` requests are repeated, within 0.8 of the time that the vendor keeps a key; ``lookup`` and ``file``
destinations are asked what is there. What the others have in doubt stays so, until feedback or a person says more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from activation import claims
from activation.accounts import Doubt, in_doubt
from activation.claims import Claim
from activation.connectors import LooksUp, Replays
from activation.crew import attempt
from activation.errors import ConfigurationError
from activation.frozen import read_frozen
from activation.pacing import FIRST_BACKOFF, pause
from activation.prepare import content_of, load_page, request_of
from activation.spans import StaleError
from activation.streams import Page, micros, seq_of, stream_by_key
from activation.types import Answer, Capability, Request, State

if TYPE_CHECKING:
    from activation.delivery import _Delivery
    from activation.sending import Sending

SHARE_OF_KEY = 0.8
REPETITIONS = 4
LOOKED_UP = frozenset({Capability.LOOKUP, Capability.FILE})


class Settling:
    """Settles the doubts of one delivery's campaign and destination."""

    def __init__(self, delivery: _Delivery, sending: Sending) -> None:
        self._delivery = delivery
        self._sending = sending
        self.runs: set[str] = set()

    def run(self) -> bool:
        """Settle what can be; say whether rows were given back, which wait to be sent."""
        capability = self._delivery.connector.capability
        if capability is not Capability.IDEMPOTENT and capability not in LOOKED_UP:
            return False
        was_given_back = False
        for doubt in in_doubt(self._delivery.journal, campaign=self._delivery.campaign):
            if doubt.destination != self._delivery.connector.name or not doubt.is_whole:
                continue
            if self._sending.is_over:
                break
            was_given_back |= self._settle(doubt)
        return was_given_back

    def _settle(self, doubt: Doubt) -> bool:
        delivery = self._delivery
        claimed = Claim(doubt.request, doubt.request_id, doubt.parts)
        try:
            if isinstance(delivery.connector, LooksUp) and delivery.connector.capability in LOOKED_UP:
                answer = delivery.connector.look_up(self._request(doubt, claimed))
                answer = claims.well_formed(answer, claimed.people)
                claims.settle(delivery.journal, claimed, answer, delivery.clock.now())
            else:
                answer = self._repeat(doubt, claimed)
        except (StaleError, ConfigurationError):
            # Somebody else settled it, or what it was made of is gone: it stays as it is.
            return False
        self.runs.add(doubt.run_id)
        return State.PLANNED in {answer.state, *(verdict.state for verdict in answer.rows.values())}

    def _repeat(self, doubt: Doubt, claimed: Claim) -> Answer:
        delivery = self._delivery
        answer = Answer(State.IN_DOUBT, doubt.reason)
        for number in range(REPETITIONS):
            if not self._may_repeat(doubt):
                break
            request = self._request(doubt, claimed)
            claims.repeat(delivery.journal, claimed, delivery.campaign, self._sending.epoch)
            self._sending.requests += 1
            answer, error = attempt(delivery.connector, request)
            if error is not None:
                # Nothing left this time; what left before is as unknown as it was.
                answer = Answer(State.IN_DOUBT, doubt.reason)
            answer = claims.well_formed(answer, claimed.people)
            if answer.state is State.PLANNED:
                # Not acted on now, but perhaps then.
                wait = answer.retry_after
                answer = Answer(State.IN_DOUBT, answer.reason)
            else:
                wait = None
            claims.record(delivery.journal, [(claimed, answer)], delivery.clock.now())
            if answer.state is not State.IN_DOUBT or error is not None or self._sending.is_over:
                break
            backoff = FIRST_BACKOFF * 2**number if wait is None else wait
            if backoff > self._sending.pace.limits.max_wait or number == REPETITIONS - 1:
                break
            pause(self._sending.rehearsed(backoff), self._sending.should_stop)
        return answer

    def _may_repeat(self, doubt: Doubt) -> bool:
        """Whether the key still holds and everybody in the request may still be contacted."""
        delivery = self._delivery
        if not isinstance(delivery.connector, Replays) or doubt.run_id != delivery.run.run_id:
            return False
        now = delivery.clock.now()
        kept = timedelta(seconds=SHARE_OF_KEY * delivery.connector.replay_seconds)
        is_late = doubt.expires_at is not None and doubt.expires_at <= micros(now)
        if is_late or now - doubt.attempted_at >= kept:
            return False
        delivery.take_out_opted_out()
        found = delivery.opted_out
        assert found is not None  # noqa: S101  # it was just asked
        stream = stream_by_key(delivery.journal, doubt.stream)
        refused = {
            seq_of(stream, at)
            for kind, at in zip(found["kind"].to_pylist(), found["position"].to_pylist(), strict=True)
            if kind == stream.kind
        }
        return not any(first <= seq <= last for first, last in doubt.parts for seq in refused)

    def _request(self, doubt: Doubt, claimed: Claim) -> Request:
        delivery = self._delivery
        run = (
            delivery.run if doubt.run_id == delivery.run.run_id else read_frozen(delivery.home, doubt.run_id)
        )
        stream = stream_by_key(delivery.journal, doubt.stream)
        page = Page(stream, micros(delivery.clock.now()), doubt.parts, None)
        rows = load_page(delivery.engine, run, page, delivery.sender, delivery.pepper)
        return request_of(stream, claimed, content_of(stream, delivery.content), rows)
