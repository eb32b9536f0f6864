"""The flows around the campaigns: what they do where there is nothing to decide, and what the server schedules."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flow_world import artifacts_of, log_of
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.server.schemas.schedules import CronSchedule as ServerCron
from test_deployments import BY_NAME

from activation.home import Home, World, open_home
from flows.approval import asked_by, key_of
from flows.cart_events import cart_events
from flows.collect_feedback import collect_feedback
from flows.hygiene import hygiene
from flows.monthly_report import month_before
from flows.resume_due import resume_due
from flows.retention_purge import retention_purge
from flows.run_campaigns import run_campaigns
from flows.volume_sensor import volume_sensor

pytestmark = pytest.mark.xdist_group("flows")

AS_OF = "2017-11-22T14:00"


@pytest.fixture
def home(tmp_path: Path, server: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    assert server.exists()
    home = open_home(tmp_path / "home", create=World.REHEARSAL)
    monkeypatch.setenv("MUSTER_HOME", str(home.path))
    cart_events(["cart_abandonment"], as_of=AS_OF)  # sets the clock
    return home


def test_hygiene_lands_and_counts_what_it_set_aside(home: Home) -> None:
    file = home.inbox / "consent" / "events" / "new.csv"
    file.parent.mkdir(parents=True)
    file.write_text(
        "profile_id,channel,purpose,state,occurred_at\np1,email,marketing,withdrawn,2017-11-19 00:00:00\n"
        "p2,email,marketing,perhaps,2017-11-19 00:00:00\n"
    )
    state = hygiene(return_state=True)
    assert state.is_completed()
    assert '"table": "consent.events", "landed": 1, "set aside": 1' in artifacts_of(state)["hygiene"]


def test_the_purge_shows_each_table_with_its_limit(home: Home) -> None:
    assert home.world is World.REHEARSAL
    state = retention_purge(return_state=True)
    assert state.is_completed()
    assert '"table": "web.events", "limit in days": 400' in artifacts_of(state)["purge"]


def test_a_sensor_that_sees_nothing_starts_nothing(home: Home) -> None:
    volume = volume_sensor(["signup_welcome"], as_of=AS_OF, return_state=True)
    carts = cart_events(["cart_abandonment"], as_of=AS_OF, return_state=True)
    assert volume.is_completed()
    assert carts.is_completed()
    assert "nothing was built yet" in log_of(volume)
    assert "no cart since the last run" in log_of(carts)
    assert not list((home.ledger / "runs").glob("2017*"))


def test_a_run_without_its_data_sync_is_held_before_it_is_asked_for(home: Home) -> None:
    state = run_campaigns(
        ["win_back_postcard"], as_of=AS_OF, sync_within_hours=3, wait_for_sync_minutes=0, return_state=True
    )
    assert state.is_failed()
    assert "there was no data sync yet" in str(state.message)
    assert not list((home.ledger / "runs").glob("2017*"))


def test_late_maintenance_is_left_to_its_next_turn(
    tmp_path: Path, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.exists()
    monkeypatch.setenv("MUSTER_HOME", str(open_home(tmp_path / "live", create=World.LIVE).path))
    monkeypatch.setattr("flows.turns.scheduled_start", lambda: datetime.now(UTC) - timedelta(minutes=61))
    for late in (hygiene, collect_feedback, resume_due, retention_purge):
        state = late(max_lateness_minutes=60, return_state=True)
        assert state.is_completed()
        assert "61 minutes late, at most 60 are allowed" in log_of(state)


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        ("2026-11-02T11:00+00:00", "2026-10"),
        ("2026-12-01T03:00+00:00", "2026-10"),
        ("2027-01-02T11:00+00:00", "2026-12"),
    ],
)
def test_the_report_is_of_the_month_before_where_the_business_is(moment: str, month: str) -> None:
    assert month_before(datetime.fromisoformat(moment), "America/New_York") == month


def test_a_question_is_known_by_its_key() -> None:
    key = key_of("20171122T140000Z-vip_offer.2", "vip_offer", 1)
    assert re.fullmatch("[a-z0-9-]+", key), "Prefect refuses other keys"
    assert asked_by(key) == ("20171122T140000Z-vip_offer.2", "vip_offer")
    assert asked_by("1") is asked_by("a pause of somebody else") is asked_by(None) is None


def test_the_server_schedules_at_the_local_hour_when_the_clocks_change(server: Path) -> None:
    assert server.exists()
    begin = datetime(2026, 10, 30, 12, tzinfo=ZoneInfo("America/New_York"))
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(hygiene)
        for name, entry in BY_NAME.items():
            schedule = entry["schedules"][0]
            made = client.create_deployment(
                flow_id=flow_id,
                name=f"clocks-{name}",
                paused=True,
                schedules=[DeploymentScheduleCreate(schedule=CronSchedule(**schedule), active=True)],
            )
            client.request(
                "POST", "/deployments/{id}/schedule", path_params={"id": made},
                json={
                    "start_time": begin.isoformat(),
                    "end_time": (begin + timedelta(days=6)).isoformat(),
                    "min_time": 6 * 86_400,
                    "min_runs": 1,
                    "max_runs": 20,
                },
            )  # fmt: skip
            runs = client.request(
                "POST", "/flow_runs/filter",
                json={"deployments": {"id": {"any_": [str(made)]}}, "sort": "EXPECTED_START_TIME_ASC"},
            ).json()  # fmt: skip
            found = [datetime.fromisoformat(run["expected_start_time"]) for run in runs]
            wanted = asyncio.run(
                ServerCron(**schedule).get_dates(n=20, start=begin, end=begin + timedelta(days=6))
            )
            assert found[: len(wanted)] == [moment.astimezone(UTC) for moment in wanted], name
            assert found, name
            local = {moment.astimezone(ZoneInfo(schedule["timezone"])).hour for moment in found}
            hour = schedule["cron"].split()[1]
            assert hour == "*" or local == {int(hour)}, name
            client.delete_deployment(made)
