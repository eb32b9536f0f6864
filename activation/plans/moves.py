"""Two decision logs side by side: who is sent to in one and not in the other, and by which rule.

People are compared, not messages: whoever gets the second e-mail of a sequence now and got the first one before has
neither entered nor left. A person is known by campaign, set and customer id.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from activation.reasons import OWN_RULE, load_reasons

ABSENT = "absent"  # in place of a reason: the log has no row for this person
# All that is read of a log. One of another version of the models may lack some.
_COLUMNS = ("slot", "verdict", "reason", "reasons", "lost_to", "offer", "variant", "audience_name")


@dataclass(frozen=True)
class Move:
    """So many people entered or left, by this reason: what kept them out before, or what does so now.

    ``lost_to`` is the campaign that had them instead. ``customer_ids`` are some of them, the first by id.
    """

    reason: str
    lost_to: str | None
    people: int
    customer_ids: tuple[str, ...]


@dataclass(frozen=True)
class CampaignMoves:
    """One campaign in both logs. ``changed`` counts who is sent to in both, with another offer or variant."""

    campaign: str
    sent_before: int
    sent_now: int
    entered: tuple[Move, ...]
    left: tuple[Move, ...]
    changed: dict[str, int]
    lost_before: dict[str, int]
    lost_now: dict[str, int]
    won_before: dict[str, int]
    won_now: dict[str, int]


def compare_logs(
    engine: duckdb.DuckDBPyConnection, now: Path, before: Path, campaigns: list[str], ids: int
) -> list[CampaignMoves]:
    """The moves of each campaign from the log ``before`` to the log ``now``; both are Parquet files.

    At most ``ids`` customer ids are named for each reason. ``lost`` and ``won`` count people by the other campaign
    of a contest.
    """
    known = load_reasons()
    rules = [{"reason": name, "rule": reason.rule} for name, reason in known.items()]
    engine.register("rules", pa.Table.from_pylist(rules))
    _people(engine, "people_now", now)
    _people(engine, "people_before", before)
    engine.execute(f"""
        create or replace temp table moved as
        select
            campaign, customer_id,
            coalesce(people_now.is_sent, false) as is_sent,
            coalesce(people_before.is_sent, false) as was_sent,
            case when people_now.is_sent is null then '{ABSENT}' else people_now.reason end as reason_now,
            case when people_before.is_sent is null then '{ABSENT}' else people_before.reason end as reason_before,
            people_now.lost_to as lost_to_now,
            people_before.lost_to as lost_to_before,
            people_now.offer is distinct from people_before.offer as is_offer_changed,
            people_now.variant is distinct from people_before.variant as is_variant_changed
        from people_now full join people_before using (campaign, audience_name, customer_id)
    """)
    return [_campaign(engine, campaign, ids) for campaign in campaigns]


def _people(engine: duckdb.DuckDBPyConnection, name: str, file: Path) -> None:
    """One row per campaign, set and person. Of several rows that fail, the one that came furthest gives the reason."""
    described = engine.execute("describe select * from read_parquet(?)", [str(file)]).fetchall()
    there = {row[0] for row in described}
    columns = ", ".join(
        column if column in there else f"cast(null as varchar) as {column}" for column in _COLUMNS
    )
    engine.execute(
        f"""
        create or replace temp table {name} as
        select
            campaign, coalesce(audience_name, '') as audience_name, customer_id,
            bool_or(verdict = 'send') as is_sent,
            substr(max(lpad(cast(coalesce(rule, {OWN_RULE}) as varchar), 2, '0') || log.reason), 3) as reason,
            max(lost_to) as lost_to,
            string_agg(distinct offer, ',' order by offer) filter (verdict = 'send') as offer,
            string_agg(distinct variant, ',' order by variant) filter (verdict = 'send') as variant
        from (select campaign, customer_id, {columns} from read_parquet(?)) as log
        left join rules on log.reason = rules.reason
        group by all
        """,
        [str(file)],
    )


def _campaign(engine: duckdb.DuckDBPyConnection, campaign: str, ids: int) -> CampaignMoves:
    sizes = engine.execute(
        "select count(*) filter (was_sent), count(*) filter (is_sent), "
        "count(*) filter (was_sent and is_sent and is_offer_changed), "
        "count(*) filter (was_sent and is_sent and is_variant_changed) from moved where campaign = ?",
        [campaign],
    ).fetchone() or (0, 0, 0, 0)
    return CampaignMoves(
        campaign=campaign,
        sent_before=sizes[0],
        sent_now=sizes[1],
        entered=_moves(engine, campaign, "is_sent and not was_sent", "before", ids),
        left=_moves(engine, campaign, "was_sent and not is_sent", "now", ids),
        changed={"offer": sizes[2], "variant": sizes[3]},
        lost_before=_contests(engine, campaign, "before", is_loser=True),
        lost_now=_contests(engine, campaign, "now", is_loser=True),
        won_before=_contests(engine, campaign, "before", is_loser=False),
        won_now=_contests(engine, campaign, "now", is_loser=False),
    )


def _moves(
    engine: duckdb.DuckDBPyConnection, campaign: str, condition: str, side: str, ids: int
) -> tuple[Move, ...]:
    named = f"list(distinct customer_id order by customer_id)[:{ids:d}]" if ids else "cast([] as varchar[])"
    rows: list[tuple[Any, ...]] = engine.execute(
        f"select coalesce(reason_{side}, ''), lost_to_{side}, count(*), {named} "
        f"from moved where campaign = ? and {condition} group by 1, 2 order by 3 desc, 1, 2",
        [campaign],
    ).fetchall()
    return tuple(Move(reason, lost_to, people, tuple(named)) for reason, lost_to, people, named in rows)


def _contests(
    engine: duckdb.DuckDBPyConnection, campaign: str, side: str, *, is_loser: bool
) -> dict[str, int]:
    winner = f"lost_to_{side}"
    own, other = ("campaign", winner) if is_loser else (winner, "campaign")
    rows = engine.execute(
        f"select {other}, count(distinct customer_id) from moved "
        f"where {own} = ? and {winner} is not null group by 1 order by 1",
        [campaign],
    ).fetchall()
    return {str(name): int(people) for name, people in rows}
