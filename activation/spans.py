"""Cut the journal's spans: the one way in which rows change their state by their keys.

A cut names rows and what they become. It counts only where every one of them stands as it is expected to, which the
same transaction reads and checks: between reading and writing nobody else writes these rows (SQLite has one writer;
in PostgreSQL the campaign's lease row is locked first).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from activation.journal_tables import spans

KEYS_PER_STATEMENT = 500
CARRIED = ("stream", "send_not_before", "expires_at")
Range = tuple[int, int]


class StaleError(Exception):
    """The rows moved since they were read: nothing was changed, read again. Never leaves delivery."""


@dataclass(frozen=True)
class Cut:
    """Rows ``first`` to ``last`` and the columns they get; what is not named becomes null."""

    first: int
    last: int
    values: Mapping[str, Any] = field(default_factory=dict)


def recut(connection: Connection, cuts: Sequence[Cut], *where: ColumnElement[bool]) -> int:
    """Apply ``cuts`` (disjoint) to spans that fulfil ``where``; say how many rows changed.

    Raises ``StaleError`` where a row of a cut lies in no such span; the caller's transaction is then rolled back.
    """
    wanted = sorted(cuts, key=lambda cut: cut.first)
    if not wanted:
        return 0
    taken: list[int] = []
    made: list[dict[str, Any]] = []
    rows = place = 0
    for old in _overlapping(connection, wanted[0].first, wanted[-1].last, where):
        while place < len(wanted) and wanted[place].last < old["first_seq"]:
            place += 1
        end = place
        while end < len(wanted) and wanted[end].first <= old["last_seq"]:
            end += 1
        inside = wanted[place:end]
        if inside:
            taken.append(old["first_seq"])
            rows += _cut_up(old, inside, made)
            place = end - 1  # the last cut may go on in the next span
    if rows != sum(cut.last - cut.first + 1 for cut in wanted):
        raise StaleError
    removed = 0
    for start in range(0, len(taken), KEYS_PER_STATEMENT):
        part = taken[start : start + KEYS_PER_STATEMENT]
        removed += connection.execute(delete(spans).where(spans.c.first_seq.in_(part), *where)).rowcount
    if removed != len(taken):
        raise StaleError
    connection.execute(insert(spans), made)
    return rows


def _cut_up(old: Mapping[str, Any], cuts: Sequence[Cut], made: list[dict[str, Any]]) -> int:
    """Add what becomes of one span; say how many of its rows the cuts have."""
    start, rows = old["first_seq"], 0
    kept = dict.fromkeys(old) | {name: old[name] for name in CARRIED} | {"is_receipted": False}
    for cut in cuts:
        first, last = max(cut.first, old["first_seq"]), min(cut.last, old["last_seq"])
        if start < first:
            made.append({**old, "first_seq": start, "last_seq": first - 1})
        made.append({**kept, **cut.values, "first_seq": first, "last_seq": last})
        rows += last - first + 1
        start = last + 1
    if start <= old["last_seq"]:
        made.append({**old, "first_seq": start})
    return rows


def span_of(connection: Connection, key: int) -> dict[str, Any] | None:
    """The span that a row lies in; ``None`` where the journal does not have it."""
    query = select(spans).where(spans.c.first_seq <= key).order_by(spans.c.first_seq.desc()).limit(1)
    found = connection.execute(query).mappings().first()
    return dict(found) if found is not None and found["last_seq"] >= key else None


def single_out(connection: Connection, key: int, changes: Mapping[str, Any]) -> None:
    """Change columns of one row alone; it keeps the others. Raises ``StaleError`` where it is not there."""
    old = span_of(connection, key)
    if old is None:
        raise StaleError
    kept = {name: value for name, value in old.items() if name not in {"first_seq", "last_seq"}}
    recut(connection, [Cut(key, key, {**kept, **changes})], spans.c.first_seq == old["first_seq"])


def ranges(keys: Iterable[int]) -> Iterator[Range]:
    """Ascending keys as ranges of neighbours."""
    first = last = None
    for key in keys:
        if last is None or first is None:
            first = key
        elif key != last + 1:
            yield first, last
            first = key
        last = key
    if first is not None and last is not None:
        yield first, last


def size(parts: Iterable[Range]) -> int:
    """How many rows ranges have together."""
    return sum(last - first + 1 for first, last in parts)


def _overlapping(
    connection: Connection, first: int, last: int, where: Sequence[ColumnElement[bool]]
) -> list[dict[str, Any]]:
    """Read the spans that have rows between two keys. As spans never overlap, the first begins at or before it."""
    below = select(func.max(spans.c.first_seq)).where(spans.c.first_seq <= first).scalar_subquery()
    query = (
        select(spans)
        .where(
            spans.c.first_seq >= func.coalesce(below, first),
            spans.c.first_seq <= last,
            spans.c.last_seq >= first,
            *where,
        )
        .order_by(spans.c.first_seq)
    )
    return [dict(row) for row in connection.execute(query).mappings()]
