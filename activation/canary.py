"""The canary: a small first part of a campaign leaves, and the rest waits until it was seen how that went.

How many people, how long to wait and what share of them may go wrong is decided in SQL and frozen with the run
(``guard_canaries``, ``outbox_messages.wave``). What became of them is read from the ledger's receipts and, by the
run's own frozen rules, from the complaints and bounces landed since. The campaign's approver may overrule the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import duckdb

from activation.approvals import Subject, standing
from activation.errors import HeldError
from activation.frozen import FrozenRun, Kind, connect
from activation.home import Home
from activation.ledger import SCHEMA_RUN
from activation.recheck import open_rules

# One row for each message of the canary: its state by the latest receipt, as the staging model ranks them.
CANARY_SQL = """
    create temp table canary as
    select message_id, lower(trim(address)) as address, state, attempted_at
    from read_parquet($outbox)
    left join (
        select message_id, state, attempted_at from read_parquet($receipts, union_by_name = true)
        where run_id = $run_id
        qualify row_number() over (
            partition by message_id
            order by known_at desc, state = 'in_doubt', attempted_at desc nulls last, state
        ) = 1
    ) using (message_id)
    where campaign = $campaign and wave = 0"""
# What the rules call a reason to write to nobody any more, in the words of the seed `deliverability_limits`.
REPORTED_SQL = """
    select
        count(distinct message_id) filter (reason = 'complaint') as complained,
        count(distinct message_id) filter (reason = 'hard_bounce') as hard_bounced
    from canary inner join intermediate.int_suppressions_collected as reported on
        (kind = 'message' and contact_point = message_id)
        or (kind in ('email', 'phone') and contact_point = address and suppressed_at >= attempted_at)"""
STATES_SQL = """
    select
        count(*) filter (state is null), count(attempted_at), max(attempted_at),
        count(*) filter (state = 'refused'), count(*) filter (state = 'in_doubt')
    from canary"""
WORDS = {
    "complained": "drew a complaint",
    "hard_bounced": "bounced for good",
    "refused": "were refused",
    "in_doubt": "are in doubt",
}


class CanaryState(StrEnum):
    """Where the rest of a campaign stands."""

    NONE = "none"  # there is no canary, or it is the whole campaign
    WAITING = "waiting"
    HELD = "held"
    RELEASED = "released"


@dataclass(frozen=True)
class Gate:
    """What may leave of a campaign now. ``until`` is the first message position that may not; ``None`` is all may.

    ``check_at`` is when a canary that waits can be judged; ``None`` where not all of it has left yet.
    """

    state: CanaryState
    until: int | None
    reason: str = ""
    check_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether everything may leave."""
        return self.until is None


def released(home: Home, run: FrozenRun, campaign: str, now: datetime) -> bool:
    """Whether the rest of a campaign may leave; also where it has no canary. See :func:`gate`."""
    return gate(home, run, campaign, now).is_open


def first_position_of_wave_1(run: FrozenRun, campaign: str) -> int | None:
    """Where the rest of a campaign begins in the frozen outbox; ``None`` where nothing stands behind a canary."""
    with connect() as engine:
        row = engine.execute(
            "select min(position) from (select * from read_parquet($file) union all by name "
            "select 0 as wave where false) where campaign = $campaign and wave = 1",
            {"file": str(run.file(Kind.MESSAGE)), "campaign": campaign},
        ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def gate(home: Home, run: FrozenRun, campaign: str, now: datetime) -> Gate:
    """Judge the canary of a campaign at ``now`` on the delivery clock. Changes nothing, and may be asked at any time.

    A share at or above its limit holds the rest at once; else it is released when the wait after the canary's last
    message is over. What the approver says of the canary comes before both. Raises ``HeldError`` where receipts or
    feeds cannot be read.
    """
    until = first_position_of_wave_1(run, campaign)
    if until is None:
        return Gate(CanaryState.NONE, None)
    word = standing(home, run, campaign, Subject.CANARY)
    if word is not None:
        if word.is_granted:
            return Gate(CanaryState.RELEASED, None, "the canary was approved by its approver")
        return Gate(CanaryState.HELD, until, "the rest was declined by its approver")
    command = f"muster approve {run.run_id} {campaign} --canary"
    try:
        with connect() as engine:
            limits, wait = _limits(engine, run, campaign)
            open_rules(engine, home, run, now)
            return _judged(_outcomes(engine, home, run, campaign), limits, wait, until, now, command=command)
    except duckdb.Error as error:
        raise HeldError(
            f"the canary of {campaign} in run {run.run_id} cannot be judged ({type(error).__name__}): "
            f"restore landing and ledger, then resume"
        ) from None


@dataclass(frozen=True)
class _Outcomes:
    """What became of a canary. ``of`` counts messages by measure; ``last`` is when the last was sent (naive UTC)."""

    unanswered: int
    attempted: int
    last: datetime | None
    of: Mapping[str, int]


def _outcomes(engine: duckdb.DuckDBPyConnection, home: Home, run: FrozenRun, campaign: str) -> _Outcomes:
    files = sorted((home.ledger / "receipts").glob("*.parquet"))
    ours = [str(file) for file in files if file.name.startswith((f"{run.run_id}-", SCHEMA_RUN))]
    outbox = str(run.file(Kind.MESSAGE))
    engine.execute(
        CANARY_SQL, {"outbox": outbox, "receipts": ours, "run_id": run.run_id, "campaign": campaign}
    )
    unanswered, attempted, last, refused, in_doubt = engine.execute(STATES_SQL).fetchall()[0]
    complained, hard_bounced = engine.execute(REPORTED_SQL).fetchall()[0]
    of = {"complained": complained, "hard_bounced": hard_bounced, "refused": refused, "in_doubt": in_doubt}
    return _Outcomes(unanswered, attempted, last, of)


def _judged(
    found: _Outcomes, limits: Mapping[str, float], wait: timedelta, until: int, now: datetime, *, command: str
) -> Gate:
    for measure, limit in limits.items():
        if found.attempted and found.of[measure] / found.attempted >= limit:
            why = (
                f"{found.of[measure]:,} of the {found.attempted:,} messages of the canary {WORDS[measure]}, "
                f"allowed is a share below {limit:.2%}: look, then {command}"
            )
            return Gate(CanaryState.HELD, until, why)
    if found.unanswered:
        return Gate(
            CanaryState.WAITING, until, f"{found.unanswered:,} messages of the canary have not left yet"
        )
    if found.last is None:
        return Gate(CanaryState.HELD, until, f"nothing of the canary was sent: look, then {command}")
    check_at = found.last.replace(tzinfo=UTC) + wait
    if now < check_at:
        why = f"the canary is judged from {check_at:%Y-%m-%d %H:%M} UTC on: resume the run then"
        return Gate(CanaryState.WAITING, until, why, check_at)
    return Gate(CanaryState.RELEASED, None, f"the canary of {found.attempted:,} messages went well")


def _limits(
    engine: duckdb.DuckDBPyConnection, run: FrozenRun, campaign: str
) -> tuple[Mapping[str, float], timedelta]:
    rows = engine.execute(
        "select measure, limit_value, wait_minutes from read_parquet(?) where campaign = ? order by measure",
        [str(run.directory / "guard_canaries.parquet"), campaign],
    ).fetchall()
    limits = {str(measure): float(limit) for measure, limit, _ in rows if measure is not None}
    return limits, timedelta(minutes=max(int(row[2]) for row in rows))
