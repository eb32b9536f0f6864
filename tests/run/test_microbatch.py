"""A micro-batch: what came since the last full build is decided on by the same rules, and nothing else is."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import duckdb
import pytest
from batch_home import WEDNESDAY, FirstBatch, Home

pytestmark = pytest.mark.xdist_group("first-batch")

# The rehearsed clock has gone on to the last send window of Wednesday's messages, 18:00.
LATER, LATER_STILL = "2017-11-22T17:00", "2017-11-22T19:00"
EVENTS = "event_id,profile_id,device_id,event_type,url,product_id,occurred_at\n"
ORDERS = "order_id,profile_id,ordered_at,status,currency,gross_amount,discount_amount\n"


def is_held_out(customer_id: str) -> bool:
    digest = hashlib.md5(
        f"cart_abandonment|holdout|{customer_id}".encode(), usedforsecurity=False
    ).hexdigest()
    return int(digest[:8], 16) % 10_000 < 500


@pytest.fixture(scope="module")
def home(first_batch: FirstBatch) -> Home:
    return first_batch.copy


@pytest.fixture(scope="module")
def people(home: Home) -> list[str]:
    """Two profiles that may be mailed, left no cart, and got no more than one message on Wednesday."""
    rows = home.rows(
        "select min(profile_id), customer_id from {profile_customers} where customer_id in ("
        "select customer_id from {decisions} where campaign = 'esp_lists' and verdict = 'send') "
        "and customer_id not in (select customer_id from {audiences} where audience in "
        "('cart_abandoners', 'recent_support_issues', 'recent_purchasers')) "
        "and customer_id not in (select customer_id from {outbox_messages} group by 1 having count(*) > 1) "
        "group by customer_id order by all",
        run(WEDNESDAY),
    )
    return [profile for profile, customer in rows if not is_held_out(customer)][:2]


def run(as_of: str) -> str:
    """The id that a run of this moment gets by itself."""
    name = as_of.replace("-", "").replace(":", "") + "00Z"
    return name if as_of == WEDNESDAY else f"{name}-cart_abandonment"


def decisions(home: Home, as_of: str) -> dict[str, tuple[str, str | None]]:
    """Verdict and reason of each profile whose customer was a candidate."""
    rows = home.rows(
        "select profile_id, verdict, reason from {decisions} inner join {profile_customers} using (customer_id)",
        run(as_of),
    )
    return {profile: (verdict, reason) for profile, verdict, reason in rows}


def statuses(home: Home, as_of: str) -> list[dict[str, Any]]:
    results = home.path / "warehouse" / "build" / run(as_of) / "target" / "run_results.json"
    return list(json.loads(results.read_text())["results"])


def test_it_decides_on_carts_and_orders_that_came_since(home: Home, people: list[str]) -> None:
    left, bought = people
    home.drop(
        "web.events",
        "stream-1.csv",
        EVENTS
        + f"e-left,{left},,add_to_cart,https://shop.example.com/products/1,1,2017-11-22 15:00:00\n"
        + f"e-bought,{bought},,add_to_cart,https://shop.example.com/products/1,1,2017-11-22 15:00:00\n",
    )
    home.drop(
        "shop.orders", "stream-1.csv", ORDERS + f"o-1,{bought},2017-11-22 15:30:00,completed,USD,10,0\n"
    )
    home.muster("run", "cart_abandonment", "--as-of", LATER)

    found = decisions(home, LATER)
    assert found[left] == ("send", None)
    assert bought not in found
    planned = {row[0] for row in home.rows("select message_id from {outbox_messages}", run(LATER))}
    assert planned
    assert planned <= {row.get("message_id") for row in home.accepted()}
    assert home.contacted_twice() == []


def test_who_reads_the_warehouse_reads_one_whole_build(home: Home) -> None:
    with duckdb.connect(str(home.path / "warehouse" / "muster.duckdb"), read_only=True) as warehouse:
        built_by = warehouse.execute("select run_id from reports.rpt_build").fetchall()
        events = warehouse.execute(
            "select count(*) from marts.fct_web_events where event_id like 'e-%'"
        ).fetchall()
    assert (built_by, events) == ([(run(WEDNESDAY),)], [(0,)])


def test_it_says_what_it_stands_on_and_builds_only_what_it_needs(home: Home) -> None:
    manifest = json.loads(
        (home.path / "ledger" / "runs" / run(LATER) / "frozen" / "manifest.json").read_text()
    )
    assert manifest["based_on"]["run_id"] == run(WEDNESDAY)
    built = {result["unique_id"].split(".")[2] for result in statuses(home, LATER)}
    assert {
        "fct_web_events",
        "fct_orders",
        "rule_consent",
        "cmp_cart_abandonment",
        "assert_waterfall_is_closed",
    } <= built
    assert not built & {
        "int_profiles_linked",
        "dim_customers",
        "cmp_vip_offer",
        "fct_cohort_retention_monthly",
    }
    assert len(built) < 0.4 * len(statuses(home, WEDNESDAY))


def test_the_next_one_counts_what_this_one_sent(home: Home, people: list[str]) -> None:
    home.muster("run", "cart_abandonment", "--as-of", LATER_STILL)
    assert decisions(home, LATER_STILL)[people[0]] == ("exclude", "already_in_slot")
    assert home.contacted_twice() == []
