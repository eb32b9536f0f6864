"""The nearest change that would include a person: which rules must pass, and when time alone makes them pass.

Dates come from what the run could see: the ledger's reservations, receipts and releases, and sends of other tools in
the landing zone. A cap frees a place when enough of the counted contacts have left its window; re-entry is over so
many whole days after the campaign's last contact.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from activation.clock import naive_utc
from activation.frozen import FrozenRun, connect
from activation.home import Home
from activation.landing.contract import LOADED_AT
from activation.request import read_request
from activation.settings import PROJECT

IMPORTED_CLASS = "promo"  # as int_contacts_collected counts what other tools sent
_ANY = "any"


@dataclass(frozen=True)
class Contact:
    """A contact that was made, may have been made or is promised; times are naive UTC."""

    campaign: str
    channel: str
    cap_class: str | None
    at: datetime


@dataclass(frozen=True)
class Cap:
    """One line of ``frequency_caps.csv``."""

    name: str
    cap_class: str
    channel: str
    max_contacts: int
    window: timedelta

    def counts(self, cap_class: str | None, channel: str) -> bool:
        """Whether contacts of this class and channel use this cap."""
        return (
            cap_class is not None and self.cap_class in {cap_class, _ANY} and self.channel in {channel, _ANY}
        )

    def free_from(self, contacts: Sequence[Contact], as_of: datetime) -> datetime | None:
        """From when on it has a place, if nothing more is sent; None where it has one."""
        counted = sorted(
            (
                each.at
                for each in contacts
                if self.counts(each.cap_class, each.channel) and each.at > as_of - self.window
            ),
            reverse=True,
        )
        if len(counted) < self.max_contacts:
            return None
        # Once the contact at this place has left the window, one fewer than the cap allows is left in it.
        return counted[self.max_contacts - 1] + self.window if self.max_contacts else None


def contacts_seen(home: Home, run: FrozenRun, customer: str) -> list[Contact]:
    """Every contact of a person that the run counted, oldest first, also under ids that were merged into theirs."""
    until = naive_utc(read_request(home, run.run_id).known_until)
    with connect() as engine:
        engine.execute(
            "create temp table profiles as select distinct profile_id from read_parquet(?) where customer_id = ?",
            [str(run.directory / "profile_customers.parquet"), customer],
        )
        runs = home.ledger / "runs" / "*" / "frozen"
        engine.execute(
            "create temp table customers as select cast(? as varchar) as customer_id union "
            "select customer_id from read_parquet(?, union_by_name = true) "
            "semi join profiles using (profile_id) where known_at < ?",
            [customer, str(runs / "profile_customers.parquet"), until],
        )
        rows = engine.execute(
            """
            with receipts as (
                select message_id, run_id, arg_max(state, (known_at, state <> 'in_doubt')) as state,
                    max(attempted_at) as attempted_at
                from read_parquet($receipts, union_by_name = true)
                where known_at < $until and run_id <> $run
                group by all
            ), releases as (
                select distinct run_id, campaign from read_parquet($releases, union_by_name = true)
                where known_at < $until and run_id <> $run
            )
            select reserved.campaign, reserved.channel, reserved.cap_class,
                coalesce(receipts.attempted_at, reserved.planned_at) as contacted_at
            from read_parquet($reservations, union_by_name = true) as reserved
            semi join customers using (customer_id)
            left join receipts using (message_id, run_id)
            left join releases on reserved.run_id = releases.run_id and reserved.campaign = releases.campaign
            where reserved.known_at < $until and reserved.run_id <> $run and (
                receipts.state in ('accepted', 'in_doubt')
                or (receipts.state is null and releases.run_id is null and reserved.expires_at > $as_of)
            )
            order by contacted_at
            """,
            {
                "receipts": str(home.ledger / "receipts" / "*.parquet"),
                "releases": str(home.ledger / "releases" / "*.parquet"),
                "reservations": str(runs / "reservations.parquet"),
                "until": until,
                "run": run.run_id,
                "as_of": naive_utc(run.as_of),
            },
        ).fetchall()
        rows += _imported(engine, home, run)
    return sorted((Contact(*row) for row in rows), key=lambda each: each.at)


def _imported(
    engine: duckdb.DuckDBPyConnection, home: Home, run: FrozenRun
) -> list[tuple[str, str, str, datetime]]:
    files = [str(file) for file in sorted((home.landing / "campaigns" / "sends").glob("*.parquet"))]
    if not files:
        return []
    return engine.execute(
        "select any_value(campaign), any_value(channel), cast(? as varchar), max(sent_at) "
        "from read_parquet(?, union_by_name = true) semi join profiles using (profile_id) "
        f"where {LOADED_AT} < ? group by send_id",
        [IMPORTED_CLASS, files, naive_utc(run.as_of)],
    ).fetchall()


def caps_used_up(
    contacts: Sequence[Contact],
    as_of: datetime,
    cap_class: str | None,
    channel: str,
    project: Path = PROJECT,
) -> list[tuple[Cap, datetime]]:
    """The caps of the person that stop a message of this class and channel, and when each has a place again."""
    with (project / "seeds" / "reference" / "frequency_caps.csv").open(newline="", encoding="utf-8") as file:
        caps = [
            Cap(
                row["cap"], row["cap_class"], row["channel"], int(row["max_contacts"]),
                timedelta(days=int(row["window_days"])),
            )
            for row in csv.DictReader(file)
            if row["scope"] == "customer"
        ]  # fmt: skip
    found = [
        (cap, cap.free_from(contacts, naive_utc(as_of))) for cap in caps if cap.counts(cap_class, channel)
    ]
    return [(cap, free_from) for cap, free_from in found if free_from is not None]


def re_entry_from(
    contacts: Sequence[Contact], campaign: str, project: Path = PROJECT
) -> tuple[datetime, datetime] | None:
    """The campaign's last contact, and the day from which on it may contact the person again; None if unknown.

    The number of days is the literal of the campaign as it is now.
    """
    file = project / "models" / "campaigns" / f"cmp_{campaign}.sql"
    stated = re.search(r"\b(\d+) as re_entry_after_days\b", file.read_text()) if file.exists() else None
    last = max((each.at for each in contacts if each.campaign == campaign), default=None)
    if stated is None or last is None:
        return None
    midnight = last.replace(hour=0, minute=0, second=0, microsecond=0)
    return last, midnight + timedelta(days=int(stated[1]))


def audiences_of(campaign: str, project: Path = PROJECT) -> list[str]:
    """The audience models that a campaign reads, in the order in which it names them."""
    file = project / "models" / "campaigns" / f"cmp_{campaign}.sql"
    if not file.exists():
        return []
    return list(dict.fromkeys(re.findall(r"ref\('aud_(\w+)'\)", file.read_text())))
