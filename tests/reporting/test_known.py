"""What Python knows for reports: schedules in words, launches, runs that were asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation.campaigns import load_campaigns
from activation.home import Home, World, open_home
from activation.ledger import ensure_ledger
from activation.reporting import known
from activation.reporting.known import definition_rows, launch_rows, run_rows, schedule_rows, weekdays
from activation.request import RunRequest, record_request

AS_OF = datetime(2026, 3, 2, 14, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = open_home(tmp_path / "home", create=World.REHEARSAL)
    ensure_ledger(made)
    return made


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ("Daily 02:00 America/New_York", [1, 2, 3, 4, 5, 6, 7]),
        ("Hourly", [1, 2, 3, 4, 5, 6, 7]),
        ("Every 10 minutes", [1, 2, 3, 4, 5, 6, 7]),
        ("Tuesdays 09:00 America/New_York", [2]),
        ("Every Monday and Thursday 08:00 UTC", [1, 4]),
        ("Monthly, on the first day", []),
        ("When somebody asks", []),
    ],
)
def test_a_schedule_in_words_names_its_weekdays(schedule: str, days: list[int]) -> None:
    assert weekdays(schedule) == days


def test_every_live_campaign_is_due_on_some_day() -> None:
    campaigns = load_campaigns()
    assert {row["campaign"] for row in schedule_rows(campaigns)} == set(campaigns)


def test_a_launch_is_the_first_commit_of_a_campaign(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    campaigns = {name: each for name, each in load_campaigns().items() if name == "vip_offer"}
    monkeypatch.setattr(known, "PROJECT", tmp_path)
    assert launch_rows(campaigns) == [], "outside of git nobody knows"


def test_a_run_that_was_never_frozen_has_no_verdict_and_nobody(home: Home) -> None:
    record_request(home, RunRequest("lost", AS_OF, AS_OF + timedelta(minutes=1), ("daily", "weekly"), "test"))
    rows = run_rows(home)
    assert [(row["campaign"], row["verdict"], row["people_planned"]) for row in rows] == [
        ("daily", None, 0),
        ("weekly", None, 0),
    ]
    assert rows[0]["requested_at"] == datetime(2026, 3, 2, 14, 1)  # noqa: DTZ001  # as Parquet has it
    assert [row["campaign"] for row in run_rows(home, {("lost", "daily")})] == ["weekly"]


def test_a_definition_is_kept_with_the_size_that_it_had(home: Home) -> None:
    record_request(home, RunRequest("first", AS_OF, AS_OF, ("weekly",), "test"))
    record_request(home, RunRequest("never-frozen", AS_OF, AS_OF, ("weekly",), "test"))
    frozen = home.run_directory("first") / "frozen"
    frozen.mkdir(parents=True)
    moment = pa.array([AS_OF.replace(tzinfo=None)], pa.timestamp("us"))
    pq.write_table(pa.table({"run_id": ["first"], "known_at": moment}), frozen / "input_counts.parquet")
    pq.write_table(
        pa.table({"audience": ["vip", "vip"], "customer_id": ["a", "b"]}), frozen / "audiences.parquet"
    )
    pq.write_table(
        pa.table({"campaign": ["weekly"], "people_eligible": [7]}), frozen / "campaign_sizes.parquet"
    )
    checksums = {"aud_vip": "one", "aud_nobody": "two", "cmp_weekly": "three"}
    (frozen / "manifest.json").write_text(json.dumps({"definitions": checksums, "git_commit": "abc"}))
    found = [(row["model"], row["kind"], row["checksum"], row["people"]) for row in definition_rows(home)]
    assert found == [
        ("aud_nobody", "audience", "two", 0),
        ("aud_vip", "audience", "one", 2),
        ("cmp_weekly", "campaign", "three", 7),
    ]
    assert definition_rows(home, {"first"}) == []
