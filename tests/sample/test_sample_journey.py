"""The example data are the real ones where they say so, and the same every time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from activation.errors import ConfigurationError
from activation.home import Home, World, open_home
from activation.landing.contract import contract
from activation.landing.load import land
from activation.landing.report import LoadReport
from activation.sample import sample
from activation.sample.cut import CUT, write_cut

# One sample serves the module, so one process makes it.
pytestmark = pytest.mark.xdist_group("sample")

AS_OF = datetime(2017, 11, 20, 14, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Ask = Callable[[str], Any]


def digests(home: Home) -> dict[str, str]:
    return {
        str(file.relative_to(home.inbox)): hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
        for file in home.inbox.rglob("*")
        if file.is_file()
    }


@pytest.fixture(scope="module")
def landed(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Home, dict[str, int], dict[str, str], LoadReport]:
    home = open_home(tmp_path_factory.mktemp("journey") / "home", World.REHEARSAL)
    counts = sample(home)
    written = digests(home)
    return home, counts, written, land(home, NOW, AS_OF)


@pytest.fixture(scope="module")
def ask(landed: tuple[Home, Any, Any, Any]) -> Iterator[Ask]:
    with duckdb.connect() as connection:
        for table in contract().values():
            glob = landed[0].landing / table.folder / "*.parquet"
            connection.execute(f"create schema if not exists {table.source}")
            connection.execute(f"create view {table.name} as select * from read_parquet('{glob}')")

        def answer(query: str) -> Any:
            row = connection.execute(query).fetchone()
            assert row is not None
            return row[0] if len(row) == 1 else row

        yield answer


def test_everything_lands_without_a_problem(landed: tuple[Home, dict[str, int], Any, LoadReport]) -> None:
    _, counts, _, report = landed
    assert report.problems == ()
    assert {file.table: file.landed for file in report.files} == counts
    assert {
        table.name for table in contract().values() if table.source in {"crm", "shop", "campaigns"}
    } <= set(counts)


def test_two_writings_are_equal_byte_for_byte(
    landed: tuple[Home, Any, dict[str, str], Any], tmp_path: Path
) -> None:
    again = open_home(tmp_path / "again", World.REHEARSAL)
    sample(again)
    assert digests(again) == landed[2]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select count(*) from crm.profiles where source_system = 'crm' and updated_at = created_at", 2469),
        ("select count(*), count(distinct order_id) from shop.orders", (155_848, 155_848)),
        ("select count(*) from shop.order_lines", 1_469_307),
        ("select count(*) from shop.order_lines where quantity = 0 and unit_price is null", 8869),
        ("select count(*) from shop.orders where ordered_at >= '2018-01-01'", 86),
        ("select count(distinct profile_id) from campaigns.sends where campaign = 'cj_18'", 1133),
        ("select count(distinct campaign) from campaigns.sends where channel = 'mail'", 27),
        ("select count(*) from campaigns.conversions where profile_id = '208'", 5),
        (
            (
                "select count(*) from shop.order_lines semi join shop.orders "
                "on order_lines.order_id = orders.order_id and profile_id = '208'"
            ),
            756,
        ),
        (
            (
                "select count(*) from campaigns.conversions anti join campaigns.sends "
                "on conversions.campaign = sends.campaign and conversions.profile_id = sends.profile_id"
            ),
            0,
        ),
    ],
)
def test_what_is_real_is_whole(ask: Ask, query: str, expected: Any) -> None:
    assert ask(query) == expected


def test_lines_add_up_to_their_orders(ask: Ask) -> None:
    off = ask(
        "select count(*) from (select order_id, sum(quantity * unit_price) as gross from shop.order_lines "
        "group by order_id) inner join shop.orders using (order_id) "
        "where abs(gross - gross_amount) > 1 and order_id not in "
        "(select order_id from shop.order_lines where quantity = 0 or quantity > 100)"
    )
    assert off == 0


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [
        ("count(email_normalised) / count(*) from crm.profiles where source_system = 'crm'", 0.94, 0.97),
        ("count(phone_e164) / count(*) from crm.profiles where source_system = 'crm'", 0.82, 0.88),
        ("count(*) filter (country = 'US') / count(*) from crm.profiles", 0.90, 0.94),
        ("count(*) filter (source_system = 'shop') / 2469 from crm.profiles", 0.02, 0.04),
        (
            "count(*) filter (_loaded_at > ordered_at + interval 26 hour) / count(*) from shop.orders",
            0.005,
            0.015,
        ),
        ("count(distinct profile_id) / 2469 from support.tickets", 0.06, 0.10),
        ("count(*) / 155848 from shop.refunds", 0.013, 0.017),
        (
            (
                "count(distinct email_normalised) / 2469 from provider.email_events "
                "where event in ('complaint', 'unsubscribe') or (event = 'bounce' and detail = 'hard')"
            ),
            0.015,
            0.04,
        ),
    ],
)
def test_synthetic_shares_are_as_described(ask: Ask, share: str, low: float, high: float) -> None:
    assert low <= ask(f"select {share}") <= high


def test_people_are_unmistakably_synthetic(ask: Ask) -> None:
    assert ask("select count(*) from crm.profiles where email_normalised not like '%@example.com'") == 0
    assert ask("select count(*) from crm.profiles where phone_e164 not like '+1555%'") == 0
    assert ask(
        "select count(*) = count(distinct phone_e164) from crm.profiles "
        "where source_system = 'crm' and updated_at = created_at and phone_e164 is not null"
    )


def test_every_order_has_a_profile_made_before_it(ask: Ask) -> None:
    assert (
        ask(
            "select count(*) from shop.orders where not exists (select 1 from crm.profiles "
            "where profiles.profile_id = orders.profile_id and created_at <= ordered_at)"
        )
        == 0
    )


def test_every_row_is_known_only_after_it_happened(ask: Ask) -> None:
    happened = {
        "crm.profiles": "updated_at",
        "consent.events": "occurred_at",
        "shop.orders": "ordered_at",
        "shop.refunds": "refunded_at",
        "web.events": "occurred_at",
        "support.tickets": "opened_at",
        "campaigns.sends": "sent_at",
        "provider.email_events": "occurred_at",
        "suppressions.manual": "added_at",
    }
    for table, column in happened.items():
        assert ask(f"select count(*) from {table} where _loaded_at <= {column}") == 0, table


def test_on_two_wednesdays_some_carts_are_known_within_minutes(ask: Ask) -> None:
    streamed = (
        "from web.events where _loaded_at < occurred_at + interval 1 hour and event_type = 'add_to_cart'"
    )
    assert ask(f"select max(_loaded_at - occurred_at) <= interval 5 minute {streamed}")
    for day in ("2017-11-22", "2017-11-29"):
        carts = f"{streamed} and profile_id is not null and occurred_at"
        assert ask(f"select count(distinct profile_id) {carts} between '{day} 06:00' and '{day} 13:00'") > 50
        assert ask(f"select count(distinct profile_id) {carts} between '{day} 14:00' and '{day} 21:00'") > 30
    other_days = "cast(occurred_at as date) not in ('2017-11-22', '2017-11-29')"
    assert ask(f"select count(*) {streamed} and {other_days}") == 0


def test_fewer_households_can_be_asked_for(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home", World.REHEARSAL)
    counts = sample(home, 40)
    assert 40 <= counts["crm.profiles"] <= 50
    profiles = home.inbox / "crm" / "profiles" / "*.parquet"
    assert duckdb.sql(f"select count(*) from '{profiles}' where profile_id = '208'").fetchone() == (1,)
    assert counts["shop.orders"] < 5000


def test_the_cut_in_the_repository_is_what_the_data_give(tmp_path: Path) -> None:
    write_cut(tmp_path)
    fresh = {file.name: file.read_bytes() for file in tmp_path.glob("*.csv")}
    kept = {file.name: file.read_bytes() for file in CUT.glob("*__*.csv")}
    assert fresh == kept
    assert sum(map(len, kept.values())) < 2_500_000


def test_a_live_home_takes_no_example_people(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home", World.LIVE)
    with pytest.raises(ConfigurationError, match="live home"):
        sample(home, small=True)
    assert list(home.inbox.rglob("*")) == []


def test_the_cut_lands_whole(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home", World.REHEARSAL)
    counts = sample(home, small=True)
    report = land(home, NOW, AS_OF)
    assert report.problems == ()
    assert {file.table: file.landed for file in report.files} == counts
