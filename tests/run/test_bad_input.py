"""Bad input and bad configuration: one clear message, the right exit code, nothing sent, good rows kept."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from batch_home import PROJECT, WEDNESDAY, Home

# One home serves the module, so one process runs it.
pytestmark = pytest.mark.xdist_group("bad-input")

HEAD = "profile_id,email,phone,channel,purpose,state,basis,occurred_at,proof\n"


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    return Home(tmp_path / "var", PROJECT)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the example data, for questions that change nothing."""
    home = Home(tmp_path_factory.mktemp("fresh") / "var", PROJECT)
    home.muster("sample", "--small")
    return home


def test_a_renamed_column_is_named_with_its_file_and_nothing_is_sent(make_home: Callable[..., Home]) -> None:
    home = make_home()
    home.drop(
        "consent.events",
        "renamed.csv",
        HEAD.replace("state", "status") + "1,,,email,marketing,granted,,2017-11-01,\n",
    )
    told = home.muster("run", "--as-of", WEDNESDAY, expect=2)
    assert "renamed.csv" in told
    assert "state" in told
    assert "status" in told
    assert home.accepted() == []
    landed = duckdb.execute(f"select count(*) from '{home.path}/landing/consent/events/*.parquet'").fetchone()
    assert landed is not None
    assert landed[0] > 100
    assert list((home.path / "quarantine").rglob("*renamed.csv"))


def test_malformed_rows_or_a_missing_feed_hold_everything_and_keep_the_good_rows(
    make_home: Callable[..., Home],
) -> None:
    home = make_home()
    shutil.rmtree(home.path / "inbox" / "consent")
    home.muster("land")  # the example data first: the other table has landed rows then
    bad = "".join(f"bad-{n},{n},not-a-date,prices\n" for n in range(100))
    good = "".join(f"good-{n},{n},2017-11-01T10:00:00,prices\n" for n in range(10))
    home.drop("support.tickets", "broken.csv", "ticket_id,profile_id,opened_at,topic\n" + bad + good)
    told = home.muster("run", "--as-of", WEDNESDAY, expect=3)
    assert "HELD: no row of consent.events was landed" in told
    assert (
        "HELD: the last load of support.tickets set aside too many rows: file broken.csv, first at row 2"
        in told
    )
    assert "not-a-date" not in told
    assert home.accepted() + home.dropped() == []
    landed = duckdb.execute(
        f"select count(*) from '{home.path}/landing/support/tickets/*.parquet' where _source_file = 'broken.csv'"
    ).fetchone()
    assert landed == (10,)
    aside = duckdb.execute(
        f"select count(distinct row_number) from '{home.path}/quarantine/support/tickets/*.parquet'"
    )
    assert aside.fetchone() == (100,)


def test_a_failing_test_on_a_shared_layer_stops_the_run(make_home: Callable[..., Home]) -> None:
    home = make_home()
    head = "order_id,profile_id,ordered_at,status,currency,gross_amount,discount_amount\n"
    home.drop("shop.orders", "tests.csv", head + "o-test,1,2017-11-20T10:00:00,completed,XTS,10,0\n")
    told = home.muster("run", "--as-of", WEDNESDAY, expect=2)
    assert "assert_every_currency_has_a_rate in tests/dbt/assert_every_currency_has_a_rate.sql" in told
    assert "nothing was frozen or sent" in told
    assert home.accepted() + home.dropped() == []
    assert not (home.path / "ledger" / "runs" / "20171122T140000Z" / "frozen").exists()


def test_an_invalid_campaign_meta_is_told_with_file_and_line(
    copy_project: Callable[..., Path], tmp_path: Path
) -> None:
    changes = {"models/campaigns/cmp_vip_offer.yml": ("destination: twilio", "destination: pigeon")}
    home = Home(tmp_path / "var", copy_project(changes))
    home.muster("sample", "--small")
    told = home.muster("run", "--as-of", WEDNESDAY, expect=2)
    assert "models/campaigns/cmp_vip_offer.yml:" in told
    assert "pigeon" in told
    assert "twilio" in told
    assert not (home.path / "ledger" / "runs" / "20171122T140000Z").exists()


def test_a_missing_credential_is_told_before_anything_is_done(empty: Home) -> None:
    empty.muster("land")
    assert "MUSTER_SENDGRID_TOKEN" in empty.asked("run", "weekly_reactivation", expect=2)
    assert re.search(r"MUSTER_\w+ is not set|set MUSTER_\w+", empty.asked("run", expect=2))
    assert not list((empty.path / "ledger" / "runs").glob("*/request.json"))


def test_a_rehearsal_cannot_leave_the_machine(fresh: Home) -> None:
    told = fresh.asked(
        "run",
        "weekly_reactivation",
        "--as-of",
        WEDNESDAY,
        expect=2,
        MUSTER_SENDGRID_BASE_URL="https://mail.example.com",
    )
    assert "MUSTER_SENDGRID_BASE_URL: a rehearsal home reaches loopback only" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "no_such_campaign", "--as-of", WEDNESDAY), "no campaign is called no_such_campaign"),
        (("run", "--as-of", "yesterday"), "is no time"),
        (("run", "--as-of", WEDNESDAY, "--run-id", "../up"), "cannot be a run id"),
        (("resume", "nothing"), "there is no run nothing"),
        (("explain", "208"), "no run is frozen yet"),
    ],
)
def test_a_wrong_word_gets_a_right_answer(fresh: Home, arguments: tuple[str, ...], words: str) -> None:
    assert words in fresh.asked(*arguments, expect=2)


def test_a_directory_that_is_no_home_says_how_to_make_one(empty: Home) -> None:
    assert "is no Muster home" in empty.muster("status", expect=2)
