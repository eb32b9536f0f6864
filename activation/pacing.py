"""What follows from an answer: go on, wait, give a row up, or leave the destination alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from activation.types import Answer, RowVerdict, State

FIRST_BACKOFF = 0.5
NAP = 0.2
# A simulated clock does not move while a process sleeps, so waiting long proves nothing.
LONGEST_REHEARSED_WAIT = 1.0
DEFINITE = (State.ACCEPTED, State.REFUSED)
GAVE_UP = "gave_up"


@dataclass(frozen=True)
class DeliveryLimits:
    """When to wait, and when to stop asking.

    ``max_wait`` is in seconds: a longer Retry-After ends the delivery. Rows singled out as given back in more than
    ``max_attempts`` rounds are refused. Whole requests given back in as many rounds, or so many in a row, or
    ``max_doubts`` in a row left in doubt, mean that the destination is down: that it is busy, or that our disk
    fails, is nobody's fault whose row is in the request, so theirs stay planned.
    """

    max_attempts: int = 5
    max_wait: float = 30.0
    max_doubts: int = 5


@dataclass
class Pace:
    """Counts what came back in one delivery.

    A request refused in part and otherwise given back is progress and not an attempt: a provider that names
    one bad address at a time must not cost the good ones their turn.
    """

    limits: DeliveryLimits
    is_down: bool = False
    why: str = ""
    wait: float = 0.0
    """Seconds to wait before the next request; who waits resets it. Above ``limits.max_wait``, the delivery ends."""
    is_round_incomplete: bool = False
    _rounds_given_back: int = 0
    _was_given_back: bool = False
    _was_anybody_answered: bool = False
    _given_back_in_a_row: int = 0
    _doubts_in_a_row: int = 0

    def begin_round(self) -> None:
        """Start over on what was given back."""
        self._rounds_given_back += self._was_given_back
        self._given_back_in_a_row = 0
        self.is_round_incomplete = self._was_given_back = False

    def judge(self, answer: Answer) -> Answer:
        """The answer to write down: as it came, or refused where a row had its attempts."""
        states = {answer.state, *(verdict.state for verdict in answer.rows.values())}
        self._doubts_in_a_row = self._doubts_in_a_row + 1 if answer.state is State.IN_DOUBT else 0
        if answer.is_down or self._doubts_in_a_row >= self.limits.max_doubts:
            self._stop(answer.reason)
        is_progress = any(state in DEFINITE for state in states)
        self._was_anybody_answered |= is_progress
        if State.PLANNED not in states:
            self._given_back_in_a_row = 0
            return answer
        if is_progress and answer.state is State.PLANNED:
            self.is_round_incomplete = True
            self._given_back_in_a_row = 0
            self.wait = max(self.wait, answer.retry_after or 0.0)
            return answer
        return answer if self.is_down else self._given_back(answer)

    def _given_back(self, answer: Answer) -> Answer:
        self._was_given_back = True
        is_whole = answer.state is State.PLANNED
        if is_whole:
            self._given_back_in_a_row += 1
            backoff = FIRST_BACKOFF * 2 ** (self._given_back_in_a_row - 1)
            asked = answer.retry_after
            self.wait = max(self.wait, min(backoff, self.limits.max_wait) if asked is None else asked)
        is_spent = self._rounds_given_back >= self.limits.max_attempts
        if self._given_back_in_a_row > self.limits.max_attempts or (
            is_spent and (is_whole or not self._was_anybody_answered)
        ):
            self._stop(answer.reason)
        elif is_spent:
            return _refused(answer)
        self.is_round_incomplete = True
        return answer

    def _stop(self, why: str) -> None:
        self.is_down, self.why = True, why


def _refused(answer: Answer) -> Answer:
    rows = {
        index: RowVerdict(State.REFUSED, GAVE_UP) if verdict.state is State.PLANNED else verdict
        for index, verdict in answer.rows.items()
    }
    return replace(answer, rows=rows)


def pause(seconds: float, should_stop: Callable[[], bool]) -> None:
    """Sleep, but wake within a fifth of a second where the process is asked to end."""
    end = time.monotonic() + seconds
    while not should_stop() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, NAP))
