"""Backtest: what the campaigns would have done in the past weeks, each week as if the weeks before had been sent.

A rehearsal home is cut from this one, in a temporary directory: the landing zone as it is, and of the ledger what
does not speak of these campaigns since the first week. There each week is scored, built and frozen as of its own
moment, and what it planned gets receipts as if all of it had been accepted at its time, so that caps, re-entry and
sequences go on. Nothing is delivered, and the home itself is only read.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from activation import ledger
from activation.build import decide
from activation.cut import cut, refuse_before_first_load
from activation.freeze import freeze
from activation.frozen import FrozenRun, connect
from activation.guard import judge
from activation.home import Home
from activation.request import RunRequest, record_request
from activation.scores.step import score
from activation.waterfall import Waterfall, waterfalls

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Overlap:
    """Two campaigns of one week: the people of both, and their share of the people of either (Jaccard)."""

    one: str
    other: str
    shared: int
    jaccard: float


@dataclass(frozen=True)
class Week:
    """One week. ``pressure`` counts people by how many messages the campaigns planned for them; sets do not count.

    ``guards`` say what would have held or delayed a campaign; its people count all the same.
    """

    as_of: datetime
    waterfalls: Sequence[Waterfall]
    people: Mapping[str, int]
    overlaps: Sequence[Overlap]
    pressure: Mapping[int, int]
    guards: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Backtest:
    """All weeks, oldest first. ``pressure`` counts people by their messages in all weeks together."""

    campaigns: Sequence[str]
    weeks: Sequence[Week]
    pressure: Mapping[int, int]


def backtest(
    home: Home,
    campaigns: Sequence[str],
    as_of: datetime,
    weeks: int,
    progress: Callable[[int, datetime], None] = lambda _number, _as_of: None,
) -> Backtest:
    """Decide ``campaigns`` as of ``weeks`` moments, a week apart, the last of them ``as_of``.

    ``progress`` is told the number and the moment of each week before it is built. Raises ``ConfigurationError``
    where the first lies before the first load, ``BuildError`` where a week does not build.
    """
    moments = [as_of - WEEK * back for back in reversed(range(weeks))]
    refuse_before_first_load(home, moments[0])
    done: list[tuple[datetime, FrozenRun, dict[str, Sequence[str]]]] = []
    with cut(home, moments[0], campaigns) as rehearsal:
        for number, moment in enumerate(moments, start=1):
            progress(number, moment)
            done.append((moment, *_decide(rehearsal, campaigns, moment)))
        with connect() as engine:
            return Backtest(
                campaigns,
                [week_of(engine, moment, run, guards) for moment, run, guards in done],
                _pressure(engine, [run for _, run, _ in done]),
            )


def _decide(
    home: Home, campaigns: Sequence[str], moment: datetime
) -> tuple[FrozenRun, dict[str, Sequence[str]]]:
    """Score, build and freeze one week, and write the receipts of what it planned."""
    request = RunRequest(f"backtest-{moment:%Y%m%dT%H%M%SZ}", moment, moment, tuple(campaigns), "backtest")
    score(home, moment)
    record_request(home, request)
    directory = home.build_directory(request.run_id)
    built = decide(home, request, moment, directory, tests=False)
    rulings = judge(built.export, built.held, request.campaigns)
    run = freeze(home, request, built, "", {})
    shutil.rmtree(directory)
    with connect() as engine:
        for kind, outbox, schema in (
            ("receipts", "outbox_messages", ledger.RECEIPTS),
            ("membership_receipts", "outbox_memberships", ledger.MEMBERSHIP_RECEIPTS),
        ):
            receipts = _receipts(engine, run.directory / f"{outbox}.parquet", schema)
            ledger.append(home, kind, request.run_id, receipts)
    return run, {name: ruling.reasons for name, ruling in rulings.items() if ruling.reasons}


def _receipts(engine: duckdb.DuckDBPyConnection, outbox: Path, schema: pa.Schema) -> pa.Table:
    """A receipt for each row of an outbox, as if it had been accepted at its time."""
    described = engine.execute("describe select * from read_parquet(?)", [str(outbox)]).fetchall()
    there = {row[0] for row in described}
    at = "send_not_before" if "send_not_before" in there else "as_of"
    stated = {
        "known_at": at,
        "attempted_at": at,
        "state": "'accepted'",
        "reason": "''",
        "request_id": "'backtest'",
    }
    columns = ", ".join(
        f"{stated.get(name) or (name if name in there else 'null')} as {name}" for name in schema.names
    )
    return engine.execute(f"select {columns} from read_parquet(?)", [str(outbox)]).to_arrow_table()


def week_of(
    engine: duckdb.DuckDBPyConnection, as_of: datetime, run: FrozenRun, guards: Mapping[str, Sequence[str]]
) -> Week:
    """What one frozen week says."""
    engine.execute(
        "create or replace temp table wanted as "
        "select distinct campaign, customer_id from read_parquet(?) where verdict = 'send'",
        [str(run.directory / "decisions.parquet")],
    )
    people = dict(engine.execute("select campaign, count(*) from wanted group by 1 order by 1").fetchall())
    shared = {
        (one, other): count
        for one, other, count in engine.execute(
            "select one.campaign, other.campaign, count(*) from wanted as one inner join wanted as other "
            "on one.customer_id = other.customer_id and one.campaign < other.campaign group by 1, 2"
        ).fetchall()
    }
    overlaps = [
        Overlap(one, other, both, round(both / (people[one] + people[other] - both), 4))
        for one, other in combinations(sorted(people), 2)
        if (both := shared.get((one, other), 0))
    ]
    return Week(as_of, waterfalls(run.directory), people, overlaps, _pressure(engine, [run]), guards)


def _pressure(engine: duckdb.DuckDBPyConnection, weeks: Sequence[FrozenRun]) -> dict[int, int]:
    """People by how many messages they would have had in these weeks."""
    rows = engine.execute(
        "select messages, count(*) from (select customer_id, count(*) as messages from read_parquet(?) group by 1) "
        "group by 1 order by 1",
        [[str(run.directory / "outbox_messages.parquet") for run in weeks]],
    ).fetchall()
    return {int(messages): int(people) for messages, people in rows}


def backtest_json(found: Backtest) -> dict[str, Any]:
    """The backtest for machines."""
    return asdict(found)


def backtest_text(found: Backtest) -> str:
    """The backtest for a terminal: sizes side by side, then each week's overlaps, pressure and guards."""
    width = max(map(len, found.campaigns)) + 2
    lines = [
        f"{'week as of (UTC)':<20}" + "".join(f"{name:>{width}}" for name in found.campaigns) + "  pressure"
    ]
    for week in found.weeks:
        sizes = "".join(f"{week.people.get(name, 0):>{width},}" for name in found.campaigns)
        lines.append(f"{week.as_of:%Y-%m-%d %H:%M}    {sizes}  {_pressure_words(week.pressure)}")
    lines.append(f"{'all weeks':<20}{'':>{width * len(found.campaigns)}}  {_pressure_words(found.pressure)}")
    for week in found.weeks:
        lines += ["", f"{week.as_of:%Y-%m-%d %H:%M}"]
        for waterfall in week.waterfalls:
            out = sorted(waterfall.steps, key=lambda step: -step.people)
            reasons = ", ".join(
                f"{step.people:,} {step.reason.replace('_', ' ')}" for step in out if step.people
            )
            lines.append(
                f"  {waterfall.campaign}: {waterfall.candidates:,} candidates, {waterfall.to_send:,} wanted"
                + (f"; {reasons}" if reasons else "")
            )
        lines += [
            f"  {each.one} and {each.other} share {each.shared:,} people (Jaccard {each.jaccard:.2f})"
            for each in week.overlaps
        ]
        lines += _guard_lines(week)
    return "\n".join(lines)


def _guard_lines(week: Week) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for name, reasons in week.guards.items():
        for reason in reasons:
            by_reason.setdefault(reason, []).append(name)
    return [f"  would have waited: {', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def _pressure_words(pressure: Mapping[int, int]) -> str:
    people = sum(pressure.values())
    if not people:
        return "no message"
    mean = sum(messages * count for messages, count in pressure.items()) / people
    return f"{people:,} people, {mean:.2f} messages each, at most {max(pressure)}"
