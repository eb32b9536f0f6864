"""Landing is the incremental part: it reads new files only, and what is built of them is as if all came at once."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbt_on_home import Workbench

from activation.home import Home, World, open_home
from activation.landing.load import land

pytestmark = pytest.mark.xdist_group("dbt_on_landing")

FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = range(5)
AS_OF = FIRST_DAY + timedelta(days=10)
PEOPLE = 60
MODELS = ("dim_customers", "fct_orders", "fct_refunds", "int_consents_resolved", "int_profiles_mapped")
TABLES = ("marts.dim_customers", "marts.fct_orders", "marts.fct_refunds", "intermediate.int_consents_resolved",
          "intermediate.int_profiles_mapped")  # fmt: skip
HEADERS = {
    "crm.profiles": "profile_id,source_system,email,phone,first_name,last_name,country,created_at,updated_at",
    "consent.events": "profile_id,email,channel,purpose,state,occurred_at",
    "shop.orders": "order_id,profile_id,ordered_at,status,currency,gross_amount,discount_amount,updated_at",
    "shop.refunds": "refund_id,order_id,refunded_at,amount,currency",
}
Drops = dict[str, list[list[object]]]


def known(day: int) -> datetime:
    """When the file of a day is landed: the night after."""
    return FIRST_DAY + timedelta(days=day + 1, hours=1)


def happenings(day: int) -> Drops:
    """Give one day of profiles that change, consents that come and go, orders that move on, and late refunds."""
    chance = random.Random(day)
    drops: Drops = {table: [] for table in HEADERS}

    def moment() -> str:
        return f"{FIRST_DAY + timedelta(days=day, seconds=chance.randrange(86_400)):%Y-%m-%d %H:%M:%S}"

    for _ in range(40):
        person = chance.randrange(PEOPLE)
        email = (
            f"person{person // 2}@example.com" if chance.random() < 0.5 else f"p{person}.{day}@example.com"
        )
        drops["crm.profiles"].append(
            [f"p{person}", "crm", email, f"+1555010{person:04d}", chance.choice(["Ada", "Bo", ""]), "Lee",
             chance.choice(["US", "Germany", ""]), "2026-01-01", moment()]
        )  # fmt: skip
        drops["consent.events"].append(
            [f"p{person}", email, "email", "marketing", chance.choice(["granted", "withdrawn"]), moment()]
        )
        order = chance.randrange(100)
        drops["shop.orders"].append(
            [f"o{order}", f"p{order % PEOPLE}", "2026-02-01", chance.choice(["placed", "paid", "completed"]), "USD",
             10 + order, 0, moment()]
        )  # fmt: skip
    for number in range(5):
        order = chance.randrange(100)
        drops["shop.refunds"].append([f"r{day}-{number}", f"o{order}", moment(), 1, "USD"])
    return drops


def drop(home: Home, name: str, days: Iterable[int], *, with_moment: bool) -> None:
    """Put one file for each table into the inbox, of all these days."""
    for table, header in HEADERS.items():
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow([*header.split(","), *(["_loaded_at"] if with_moment else [])])
        for day in days:
            stamp = [f"{known(day):%Y-%m-%d %H:%M:%S}"] if with_moment else []
            writer.writerows([*row, *stamp] for row in happenings(day)[table])
        folder = home.inbox / table.replace(".", "/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(buffer.getvalue())


@pytest.fixture(scope="module")
def at_once(
    tmp_path_factory: pytest.TempPathFactory, workbench: Workbench
) -> dict[str, list[tuple[object, ...]]]:
    home = open_home(tmp_path_factory.mktemp("at_once") / "home", World.LIVE)
    drop(home, "all.csv", DAYS, with_moment=True)
    assert land(home, known(4)).quarantined == 0
    workbench.build(home, AS_OF, MODELS)
    return workbench.rows(TABLES)


def landed(home: Home, order: Iterable[int]) -> Iterator[int]:
    """Land day by day, in this order, each at its own hour or when it comes; say how many rows each landing added."""
    for place, day in enumerate(order):
        drop(home, f"day-{day}.csv", [day], with_moment=False)
        yield land(home, max(known(day), known(place))).landed


def test_day_by_day_and_a_day_twice_builds_what_one_load_of_all_builds(
    tmp_path: Path, workbench: Workbench, at_once: dict[str, list[tuple[object, ...]]]
) -> None:
    home = open_home(tmp_path / "home", World.LIVE)
    assert all(landed(home, DAYS))
    assert list(landed(home, [2])) == [0]
    workbench.build(home, AS_OF, MODELS)
    found = workbench.rows(TABLES)
    assert all(found.values())
    for table in TABLES:
        assert found[table] == at_once[table], table


def test_a_day_that_arrives_late_builds_the_same_in_the_end(
    tmp_path: Path, workbench: Workbench, at_once: dict[str, list[tuple[object, ...]]]
) -> None:
    home = open_home(tmp_path / "home", World.LIVE)
    assert all(landed(home, [0, 1, 3, 4, 2]))
    workbench.build(home, AS_OF, MODELS)
    found = workbench.rows(TABLES)
    for table in TABLES:
        assert found[table] == at_once[table], table
