"""What is older than its table's limit goes, what is exactly as old stays, and nothing comes back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from people import FILES, NOW, Household, copied, die_in

from activation.cli import invoke
from activation.landing.contract import contract
from activation.privacy.purge import purge

HEAD = "event_id,profile_id,event_type,occurred_at\n"
EVENTS = HEAD + "old,b1,x,2025-01-26 08:59:59.999999\nlimit,b1,x,2025-01-26 09:00:00\nnew,b1,x,2025-01-27\n"
LIMIT = timedelta(days=400)  # of web.events: 2025-01-26 09:00 is 400 days before NOW


def events(household: Household) -> set[str]:
    return {str(dict(row)["event_id"]) for row in household.rows()["web.events"]}


@pytest.fixture
def aged(household: Household) -> Household:
    household.drop("web.events", "aged.csv", EVENTS)
    household.land()
    assert datetime(2025, 1, 26, 9, tzinfo=UTC) == NOW - LIMIT
    return household


def test_every_table_says_how_long_its_rows_are_held_and_why() -> None:
    for table in contract().values():
        assert table.retention.because
        assert (table.retention.keep_days or 1) > 0


def test_a_row_exactly_as_old_as_the_limit_stays_and_an_older_one_goes(aged: Household) -> None:
    before = aged.rows()
    (found,) = [table for table in purge(aged.home, NOW) if table.table == "web.events"]
    assert (found.looked_at, found.removed, found.kept) == (9, 1, 8)
    assert events(aged) == {"limit", "new", "e1", "e2", "e3", "e4", "e5", "e6"}
    after = aged.rows()
    assert after.pop("web.events") < before.pop("web.events")
    assert after == before
    assert aged.removals() == {"web.events": 1}
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in aged.home.landing.glob("*/*/*.parquet"))


def test_tables_without_a_limit_and_wishes_that_hold_for_good_stay(household: Household) -> None:
    household.drop(
        "provider.email_events", "x.csv",
        "email,event,detail,occurred_at\n"
        "x@example.com,open,,1999-01-01\nx@example.com,complaint,,1999-01-01\nx@example.com,bounce,hard,1999-01-01\n"
        "x@example.com,unsubscribe,,1999-01-01\n",
    )  # fmt: skip
    household.drop("provider.sms_events", "x.csv", "phone,event,occurred_at\n+12025550188,stop,1999-01-01\n")
    household.drop(
        "consent.events",
        "x.csv",
        "profile_id,channel,purpose,state,occurred_at\nb1,email,x,granted,1999-01-01\n",
    )
    household.land()
    removed = {table.table: table.removed for table in purge(household.home, NOW) if table.removed}
    assert removed == {"provider.email_events": 1}


def test_a_file_that_was_purged_whole_does_not_land_again(household: Household) -> None:
    text = HEAD + "old,b1,x,2020-01-01\n"
    household.drop("web.events", "old.csv", text)
    household.land()
    purge(household.home, NOW)
    household.drop("web.events", "old-again.csv", text)
    (report,) = household.land().files
    assert report.is_already_landed
    assert "old" not in events(household)


def test_quarantine_is_emptied_after_thirty_days(household: Household) -> None:
    for days, left in ((30, 2), (31, 0)):
        files = list(household.home.quarantine.glob("*/files/*")) + list(
            household.home.quarantine.glob("*/*/*.parquet")
        )
        assert files
        purge(household.home, NOW + timedelta(days=days))
        assert len(list(household.home.quarantine.glob("*/*/*.parquet"))) == left
    # A file set aside whole has no time in its name: it counts from when it was moved there.
    assert list(household.home.quarantine.glob("*/*/files/*"))
    purge(household.home, datetime.now(UTC) + timedelta(days=31))
    assert not list(household.home.quarantine.glob("*/*/files/*"))


def test_a_dry_run_tells_and_changes_nothing(aged: Household, capsys: pytest.CaptureFixture[str]) -> None:
    before = aged.rows()
    assert invoke(["purge", "--as-of", "2026-03-02T09:00", "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {table["table"]: table["removed"] for table in told["tables"] if table["removed"]} == {
        "web.events": 1
    }
    assert aged.rows() == before
    assert invoke(["purge", "--as-of", "2999-01-01"]) == 2


def test_killed_at_any_write_each_file_is_the_old_or_the_new_one(aged: Household, tmp_path: Path) -> None:
    aged.drop("support.tickets", "x.csv", "ticket_id,profile_id,opened_at\nold,b1,2001-01-01\n")
    aged.land()
    before, whole = aged.rows(), copied(aged, tmp_path / "whole")
    purge(whole.home, NOW)
    step = "from activation.privacy.purge import purge\npurge(home, datetime(2026, 3, 2, 9, tzinfo=UTC))"
    for writes, when in ((1, "after"), (2, "before"), (4, "before")):
        killed = copied(aged, tmp_path / f"killed-{writes}-{when}")
        die_in(killed, step, writes, when)
        found = killed.rows()
        assert all(found[table] in (before[table], whole.rows()[table]) for table in FILES)
        missing = {t: before[t].total() - rows.total() for t, rows in found.items() if rows != before[t]}
        assert all(killed.removals()[table] >= rows for table, rows in missing.items())  # none goes untold
        purge(killed.home, NOW)
        assert killed.rows() == whole.rows()
