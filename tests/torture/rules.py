"""Two rules of the decision layer in its own SQL, rendered without dbt: allowed hours, and the guard on sizes.

What they decide is delivered, so that the checker sees what would have left: a message in the night after the clocks
changed, or a campaign that exploded. Each rule has its seeded bug, put into the SQL.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import delivery_world as small
import duckdb
import jinja2
import pyarrow as pa
import pyarrow.parquet as pq
from checker import CLOSES, OPENS

from activation.guard import judge

PROJECT = Path(__file__).resolve().parents[2]
MODELS = PROJECT / "models" / "decisions"
ZONES = ("America/New_York", "America/Los_Angeles", "Europe/Berlin", "Australia/Sydney")
# The evenings before nights in which clocks change, in one of the zones.
EVENINGS = tuple(
    datetime(*day, 23, 30, tzinfo=UTC) + timedelta(hours=later)
    for later in (0, 4, 6)
    for day in ((2017, 3, 11), (2017, 3, 25), (2017, 10, 28), (2017, 11, 4), (2018, 3, 10), (2018, 3, 31))
)
HOURS = {"opens_at_hour": OPENS, "closes_at_hour": CLOSES}
USUAL = 20


def rendered(name: str) -> str:
    """Render a model's SQL for DuckDB: references are tables of the same name."""
    environment = jinja2.Environment()  # noqa: S701 - it renders SQL
    names = environment.globals
    names["ref"] = str
    names["return"] = str
    names["dbt"] = SimpleNamespace(
        dateadd=lambda part, count, moment: f"({moment} + to_{part}s(cast({count} as int)))"
    )
    names["adapter"] = SimpleNamespace(dispatch=lambda macro, _package: names[f"default__{macro}"])
    for macro in ("days_after", "hours_after", "to_utc_time"):
        module = environment.from_string((PROJECT / "macros" / f"{macro}.sql").read_text()).module
        names.update({key: value for key, value in vars(module).items() if not key.startswith("_")})
    return environment.from_string((MODELS / f"{name}.sql").read_text()).render()


def day_of_24_hours(sql: str) -> str:
    """The bug: a day later is 24 hours later, whatever the clocks do."""
    macro = "timezone('UTC', timezone(local_zone, "
    assert macro in sql
    return sql.replace(macro, "interval 24 hour + timezone('UTC', timezone(local_zone, interval (-1) day + ")


def guard_of_itself(sql: str) -> str:
    """The bug: what is usual is what is there."""
    assert "earlier_sizes.usual_people" in sql
    return sql.replace("earlier_sizes.usual_people", "sizes.people_eligible")


def send_times(evening: datetime, bug: str = "") -> list[dict[str, Any]]:
    """When people of each zone may get a message that is scheduled for an evening: zone and UTC moment."""
    sql = rendered("decision_send_times")
    sql = day_of_24_hours(sql) if bug == "day_of_24_hours" else sql
    people = [
        {"customer_id": zone, "country": "us", "region": "r", "time_zone": zone, "quiet_hours_class": "promo",
         "scheduled_at": small.naive_utc(evening)}
        for zone in ZONES
    ]  # fmt: skip
    everywhere = {"quiet_hours_class": "promo", "country": None, "region": None, **HOURS}
    return _query(
        sql,
        {
            "decision_survivors": people,
            "decision_recipients": people,
            "quiet_hours": [{**everywhere, "country": "us", "region": "r"}],
            "time_zones": [{"country": "us", "time_zone": zone} for zone in ZONES],
        },
    )


def messages_by_night(
    dice: random.Random, people: int, bug: str = ""
) -> tuple[datetime, list[dict[str, Any]]]:
    """Messages for people of all zones, due when the rule says, on the evening before a night of changed clocks."""
    evening = dice.choice(EVENINGS)
    due = {row["time_zone"]: row["send_not_before"] for row in send_times(evening, bug)}
    rows = []
    for number in range(people):
        zone = ZONES[number % len(ZONES)]
        fields = json.dumps({"time_zone": zone})
        expires = small.naive_utc(evening + timedelta(days=3))
        rows.append(
            small.message(number, destination="dummy_fire", send_not_before=due[zone], expires_at=expires)
            | {"fields": fields}
        )
    return evening, rows


def may_go(directory: Path, campaign: str, people: int, bug: str = "") -> bool:
    """Whether the guard lets a campaign of so many people go, of which 20 are usual and half as many more allowed."""
    sql = rendered("guard_sizes")
    sql = guard_of_itself(sql) if bug == "guard_of_itself" else sql
    size = {
        "campaign": campaign, "channel": "email", "purpose": "marketing", "people_considered": people,
        "people_eligible": people, "people_planned": people, "approval_above": 10_000, "min_people": 1,
        "max_people": 10_000, "max_drop_share": 0.5, "max_growth_share": 0.5, "max_base_share": 1.0,
    }  # fmt: skip
    earlier = {"campaign": campaign, "compared_with": "the run before", "usual_people": float(USUAL)}
    base = {"channel": "email", "purpose": "marketing", "people_contactable": 10_000}
    tables = {
        "campaign_sizes": [size],
        "decision_earlier_sizes": [{**earlier, "max_drop_share": 0.5}],
        "decision_contactable_bases": [base],
    }
    directory.mkdir(parents=True, exist_ok=True)
    found = _query(sql, tables)
    pq.write_table(pa.Table.from_pylist(found), directory / "guard_campaigns.parquet")
    pq.write_table(pa.Table.from_pylist([size]), directory / "campaign_sizes.parquet")
    none = {"source_table": "", "guard": "", "explanation": "", "is_tripped": False}
    pq.write_table(pa.Table.from_pylist([none]), directory / "guard_inputs.parquet")
    return judge(directory, {}, [campaign])[campaign].verdict == "go"


def _query(sql: str, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    engine = duckdb.connect()
    for name, rows in tables.items():
        engine.register(name, pa.Table.from_pylist([dict(row) for row in rows]))
    found = engine.execute(sql)
    return found.to_arrow_table().to_pylist()  # type: ignore[no-any-return]
