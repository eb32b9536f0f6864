"""What a sensor looks at before it starts a run: whether there is anything to decide on.

A sensor never decides who gets what; it may start a run too many, whose SQL then finds nobody, and never one too few.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from activation.clock import naive_utc
from activation.errors import ConfigurationError
from activation.freeze import is_frozen
from activation.frozen import connect
from activation.home import Home
from activation.landing.contract import ensure_schema_files
from activation.ledger import ensure_ledger
from activation.request import RunRequest, runs

# As `aud_cart_abandoners` says; tests/flows/test_sensors.py holds the two together.
CART_EVENTS = ("add_to_cart", "checkout_started")
RIPENS = timedelta(hours=1)
# What a published warehouse knows of sign-ups that wait, and what was landed since it was built. A profile that turns
# out to belong to a known customer is counted here and is no sign-up there: one look too many.
WAITING_SQL = """
    with batches as (
        select batch_size, longest_wait_days, starts_at
        from warehouse.reference.volume_batches where campaign = $campaign
    ),
    claimed as (
        select claims.signup_id from read_parquet($claims, union_by_name = true) as claims
        where claims.campaign = $campaign and not exists (
            select 1 from read_parquet($releases, union_by_name = true) as released
            where released.run_id = claims.run_id and released.campaign = claims.campaign
        )
    ),
    waiting as (
        select signups.known_at
        from warehouse.marts.fct_signups as signups
        where signups.signup_id not in (select signup_id from claimed)
        union all
        select min(_loaded_at) from read_parquet($profiles, union_by_name = true)
        where _loaded_at >= (select as_of from warehouse.reports.rpt_build)
        group by profile_id
    )
    select
        count(*), min(known_at), any_value(batch_size),
        min(known_at) + to_days(cast(any_value(longest_wait_days) as int))
    from waiting inner join batches on waiting.known_at >= batches.starts_at and waiting.known_at < $as_of"""
CARTS_SQL = """
    select count(*) from read_parquet($events, union_by_name = true)
    where
        event_type in (select unnest($types)) and occurred_at <= $as_of and _loaded_at <= $now
        and (_loaded_at >= $known_until or occurred_at > $ripe_until)"""


@dataclass(frozen=True)
class Look:
    """What a sensor saw: whether to start a run, and why, in a sentence that names nobody."""

    is_due: bool
    why: str


def volume_look(home: Home, campaign: str, as_of: datetime) -> Look:
    """Look whether a volume batch of ``campaign`` may be full, or its longest wait over, at ``as_of``.

    Raises ``ConfigurationError`` where the campaign has no volume batch, or the warehouse cannot be read.
    """
    if not home.warehouse_file.exists():
        return Look(is_due=False, why="nothing was built yet: the data sync comes first")
    ensure_schema_files(home)
    ensure_ledger(home)
    values = {
        "campaign": campaign,
        "as_of": naive_utc(as_of),
        "profiles": str(home.landing / "crm" / "profiles" / "*.parquet"),
        "claims": _ledger_files(home, "volume_claims"),
        "releases": str(home.ledger / "releases" / "*.parquet"),
    }
    with connect() as engine:
        try:
            engine.execute(f"attach '{home.warehouse_file}' as warehouse (read_only)")
            count, _, size, over = engine.execute(WAITING_SQL, values).fetchall()[0]
        except duckdb.Error as error:
            raise ConfigurationError(
                f"the sign-ups that wait for {campaign} cannot be counted ({type(error).__name__}): "
                f"is {home.warehouse_file.name} whole? The data sync builds it anew"
            ) from None
    if not count:
        return Look(is_due=False, why="no sign-up waits")
    if count >= size:
        return Look(is_due=True, why=f"{count:,} sign-ups wait, a batch is {size:,}")
    if over.replace(tzinfo=UTC) <= as_of:
        return Look(is_due=True, why=f"{count:,} sign-ups wait, the first for the longest that one may")
    return Look(
        is_due=False, why=f"{count:,} sign-ups of {size:,} wait, until {over:%Y-%m-%d %H:%M} UTC at most"
    )


def carts_look(home: Home, campaign: str, as_of: datetime, now: datetime) -> Look:
    """Look whether carts were landed, or became old enough, since the last run of ``campaign`` was decided."""
    last = _last_run(home, campaign)
    ensure_schema_files(home)
    never = datetime(1970, 1, 1, tzinfo=UTC)
    values = {
        "events": str(home.landing / "web" / "events" / "*.parquet"),
        "types": list(CART_EVENTS),
        "as_of": naive_utc(as_of),
        "now": naive_utc(now),
        "known_until": naive_utc(last.known_until if last else never),
        "ripe_until": naive_utc(last.as_of - RIPENS if last else never),
    }
    with connect() as engine:
        count = engine.execute(CARTS_SQL, values).fetchall()[0][0]
    if not count:
        return Look(is_due=False, why="no cart since the last run")
    return Look(is_due=True, why=f"{count:,} cart events since the last run was decided")


def _last_run(home: Home, campaign: str) -> RunRequest | None:
    asked = [request for request in runs(home) if campaign in request.campaigns]
    return next((request for request in reversed(asked) if is_frozen(home, request.run_id)), None)


def _ledger_files(home: Home, table: str) -> list[str]:
    """What the staging model of a frozen table reads: its schema's file and each frozen run's."""
    return sorted(str(file) for file in (home.ledger / "runs").glob(f"*/frozen/{table}.parquet"))
