"""Sensors: they look at what was landed and at what waits, and never miss what a run would decide on."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from activation.clock import clock_of
from activation.home import Home, World, open_home
from activation.landing.contract import ensure_schema_files
from activation.ledger import ensure_ledger
from activation.run import land_step
from activation.sensors import CART_EVENTS, RIPENS, carts_look, volume_look
from activation.settings import PROJECT

NOON = datetime(2017, 11, 22, 12, tzinfo=UTC)
SIZE, WAIT_DAYS = 4, 7


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = open_home(tmp_path / "home", create=World.REHEARSAL)
    clock_of(home).step_to(NOON)
    ensure_schema_files(home)
    ensure_ledger(home)
    return home


def publish(home: Home, known_at: list[datetime], as_of: datetime = NOON - timedelta(hours=6)) -> None:
    """A warehouse as a build publishes it, in the parts that a sensor reads; sign-ups were known at these times."""
    with duckdb.connect(str(home.warehouse_file)) as engine:
        for name in ("marts", "reference", "reports"):
            engine.execute(f"create schema {name}")
        engine.execute(
            "create table reports.rpt_build as select 'sync' as run_id, ?::timestamp as as_of", [as_of]
        )
        engine.execute(
            "create table reference.volume_batches as select 'signup_welcome' as campaign, ?::int as batch_size, "
            "?::int as longest_wait_days, timestamp '2017-11-01' as starts_at",
            [SIZE, WAIT_DAYS],
        )
        engine.execute("create table marts.fct_signups (signup_id varchar, known_at timestamp)")
        for number, moment in enumerate(known_at):
            engine.execute(
                "insert into marts.fct_signups values (?, ?)", [f"s{number}", moment.replace(tzinfo=None)]
            )


def land_rows(home: Home, table: str, head: str, *rows: str) -> None:
    file = home.inbox / table / "new.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([head, *rows]) + "\n")
    assert land_step(home, clock_of(home)).landed == len(rows)


@pytest.mark.parametrize(
    ("ages", "is_due", "why"),
    [
        ([], False, "no sign-up waits"),
        ([1, 2, 3], False, "3 sign-ups of 4 wait, until 2017-11-26 12:00 UTC at most"),
        ([1, 2, 3, 3], True, "4 sign-ups wait, a batch is 4"),
        ([1, 7], True, "2 sign-ups wait, the first for the longest that one may"),
        ([30, 30, 30, 30], False, "no sign-up waits"),
    ],
)
def test_a_volume_batch_is_due_when_it_is_full_or_has_waited(
    home: Home, ages: list[int], *, is_due: bool, why: str
) -> None:
    publish(home, [NOON - timedelta(days=age) for age in ages])
    look = volume_look(home, "signup_welcome", NOON)
    assert (look.is_due, look.why) == (is_due, why)


def test_sign_ups_landed_since_the_build_count(home: Home) -> None:
    publish(home, [NOON - timedelta(days=1)] * 3)
    assert not volume_look(home, "signup_welcome", NOON).is_due
    land_rows(
        home, "crm/profiles", "profile_id,source_system,email,created_at,updated_at,_loaded_at",
        "new-1,crm,new@example.com,2017-11-22 08:00:00,2017-11-22 08:00:00,2017-11-22 09:00:00",
    )  # fmt: skip
    assert volume_look(home, "signup_welcome", NOON).is_due


def test_who_was_cut_does_not_wait_until_the_cut_is_given_back(home: Home) -> None:
    publish(home, [NOON - timedelta(days=1)] * SIZE)
    claims = home.ledger / "runs" / "earlier" / "frozen" / "volume_claims.parquet"
    claims.parent.mkdir(parents=True)
    duckdb.execute(
        "copy (select 'signup_welcome' as campaign, 1 as cut_number, 's0' as signup_id, 'c' as customer_id, "
        "'earlier' as run_id, timestamp '2017-11-20' as as_of, timestamp '2017-11-20' as known_at) "
        f"to '{claims}' (format parquet)"
    )
    assert volume_look(home, "signup_welcome", NOON).why.startswith("3 sign-ups of 4 wait")
    released = home.ledger / "releases" / "earlier.signup_welcome.parquet"
    duckdb.execute(
        "copy (select 'earlier' as run_id, 'signup_welcome' as campaign, 'held' as reason, timestamp '2017-11-20' as "
        f"as_of, timestamp '2017-11-20' as known_at) to '{released}' (format parquet)"
    )
    assert volume_look(home, "signup_welcome", NOON).is_due


def test_before_the_first_data_sync_nothing_is_due(home: Home) -> None:
    assert volume_look(home, "signup_welcome", NOON).why.startswith("nothing was built yet")


CART = "event_id,profile_id,event_type,occurred_at,_loaded_at"


def test_a_new_cart_is_due_once_and_again_when_it_became_old_enough(home: Home) -> None:
    assert not carts_look(home, "cart_abandonment", NOON, NOON).is_due
    land_rows(
        home, "web/events", CART,
        "e1,p1,page_view,2017-11-22 10:00:00,2017-11-22 10:05:00",
        "e2,p1,add_to_cart,2017-11-22 11:30:00,2017-11-22 11:35:00",
    )  # fmt: skip
    assert (
        carts_look(home, "cart_abandonment", NOON, NOON).why == "1 cart events since the last run was decided"
    )
    run = home.run_directory("noon")
    (run / "frozen").mkdir(parents=True)
    (run / "frozen" / "manifest.json").write_text("{}")
    write_atomically_request(run, NOON)
    later = NOON + timedelta(minutes=50)
    assert carts_look(home, "cart_abandonment", later, later).is_due, "at noon it was half an hour old"
    shutil.rmtree(run)
    run.mkdir()
    (run / "frozen").mkdir()
    (run / "frozen" / "manifest.json").write_text("{}")
    write_atomically_request(run, later)
    much_later = later + timedelta(hours=1)
    assert not carts_look(home, "cart_abandonment", much_later, much_later).is_due


def write_atomically_request(run: Path, moment: datetime) -> None:
    (run / "request.json").write_text(
        f'{{"run_id": "noon", "as_of": "{moment.isoformat()}", "known_until": "{moment.isoformat()}", '
        '"campaigns": ["cart_abandonment"], "requested_by": "a test"}'
    )


def test_the_sensor_knows_carts_as_the_audience_does() -> None:
    sql = (PROJECT / "models" / "audiences" / "aud_cart_abandoners.sql").read_text()
    hours = re.search(r"abandoned_after_hours = (\d+)", sql)
    types = re.search(r"event_type in \(([^)]*)\)", sql)
    assert hours is not None
    assert types is not None
    assert timedelta(hours=int(hours[1])) == RIPENS
    assert tuple(re.findall(r"'(\w+)'", types[1])) == CART_EVENTS
