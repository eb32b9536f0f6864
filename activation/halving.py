"""Find the bad rows of a request that was refused as a whole: ask for its halves, and again for those refused.

Only where the destination said that nobody in the request was acted on (``Answer.is_divisible``), so that asking for
the others again contacts nobody twice. One bad row of a thousand costs about twenty requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from activation.claims import Claim
from activation.spans import Range, size
from activation.streams import Stream
from activation.types import Answer, State

# So many halves refused and none accepted: it is not a row that is wrong, but all of them.
FRUITLESS = 12
# One delivery asks for no more halves than this.
MAX_PROBES = 2_000


@dataclass
class Halving:
    """What still waits to be asked for, and whether asking has helped."""

    _waiting: list[tuple[Stream, Sequence[Range], str]] = field(default_factory=list)
    _most: dict[int, int] = field(default_factory=dict)
    _probes: int = 0
    _has_helped: bool = False

    def most(self, stream: Stream, most: int) -> int:
        """How many rows fit into a request of this stream, from what was too large."""
        return min(most, self._most.get(stream.stream, most))

    def begin(self, stream: Stream, claimed: Claim, answer: Answer) -> Answer:
        """What to write down of a request that was refused as a whole: given back, as its halves come."""
        if self._is_vain:
            return replace(answer, is_divisible=False)
        if answer.reason == "too_large":
            self._most[stream.stream] = max(1, claimed.people // 2)
        told = sorted(claimed.keys(answer.rows).values())
        parts = _without(claimed.parts, told)
        first = size(parts) // 2
        # The latest comes first: halves of halves before the other half.
        for half in (_cut(parts, first, None), _cut(parts, 0, first)):
            if half:
                self._waiting.append((stream, half, answer.reason))
        self._probes += 2
        return replace(answer, state=State.PLANNED, is_divisible=False)

    def note(self, answer: Answer) -> None:
        """Note an answer to a half."""
        self._has_helped |= answer.state is State.ACCEPTED

    def next(self) -> tuple[Stream, Sequence[Range], Answer | None] | None:
        """Which rows to ask for next, or to refuse without asking, with the answer; ``None`` where nothing waits."""
        if not self._waiting:
            return None
        stream, parts, reason = self._waiting.pop()
        return stream, parts, Answer(State.REFUSED, reason) if self._is_vain else None

    @property
    def _is_vain(self) -> bool:
        return self._probes >= MAX_PROBES or (self._probes >= FRUITLESS and not self._has_helped)


def _cut(parts: Sequence[Range], start: int, end: int | None) -> list[Range]:
    """Rows of ranges by their place, like a slice."""
    found: list[Range] = []
    before = 0
    for first, last in parts:
        count = last - first + 1
        low = max(start - before, 0)
        high = count if end is None else min(end - before, count)
        if low < high:
            found.append((first + low, first + high - 1))
        before += count
    return found


def _without(parts: Sequence[Range], keys: Sequence[int]) -> list[Range]:
    """Ranges without single keys, which are ascending and lie in them."""
    found: list[Range] = []
    for first, last in parts:
        start = first
        for key in keys:
            if start <= key <= last:
                if start < key:
                    found.append((start, key - 1))
                start = key + 1
        if start <= last:
            found.append((start, last))
    return found
