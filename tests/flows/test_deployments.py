"""prefect.yaml against the code it names and the schedules that the campaigns promise."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow
from prefect.flows import load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule

from activation.campaigns import Campaign, load_campaigns
from activation.settings import PROJECT
from flows.operate.automations import late_after

DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
BY_NAME = {str(entry["name"]): entry for entry in DEPLOYMENTS}
EVERY_DAY = set(range(7))
DAYS = {"Daily": EVERY_DAY, "Mondays": {1}, "Tuesdays": {2}}
CAMPAIGNS = load_campaigns()
EVERY = {"Every 10 minutes": ("*/10 * * * *", "UTC"), "Hourly": ("0 * * * *", "UTC")}


def promised(words: str) -> set[tuple[str, str]]:
    """What a campaign's schedule in words, such as ``Daily 09:00 America/New_York``, means, one entry a weekday."""
    if words in EVERY:
        return {EVERY[words]}
    match = re.fullmatch(r"(\w+) (\d\d):(\d\d) (\S+)", words)
    assert match, f"{words!r} does not read like 'Daily 09:00 America/New_York'"
    day, hour, minute, zone = match.groups()
    return {(f"{int(minute)} {int(hour)} * * {weekday}", str(ZoneInfo(zone))) for weekday in DAYS[day]}


def deployed(schedule: dict[str, str]) -> list[tuple[str, str]]:
    """The same of a deployment's schedule."""
    minute, hour, day, month, weekdays = schedule["cron"].split()
    if (schedule["cron"], schedule["timezone"]) in EVERY.values():
        return [(schedule["cron"], schedule["timezone"])]
    chosen = sorted(EVERY_DAY) if weekdays == "*" else [int(weekday) for weekday in weekdays.split(",")]
    return [(f"{minute} {hour} {day} {month} {weekday}", schedule["timezone"]) for weekday in chosen]


@pytest.mark.parametrize("campaign", CAMPAIGNS.values(), ids=CAMPAIGNS)
def test_each_campaign_is_deployed_exactly_when_its_exposure_says(campaign: Campaign) -> None:
    turns = [
        turn
        for entry in DEPLOYMENTS
        if campaign.name in entry.get("parameters", {}).get("campaigns", [])
        for schedule in entry["schedules"]
        for turn in deployed(schedule)
    ]
    assert len(turns) == len(set(turns)), "no two runs of a campaign are due at once"
    assert set(turns) == promised(campaign.schedule)


@pytest.mark.parametrize("entry", DEPLOYMENTS, ids=lambda entry: str(entry["name"]))
def test_a_deployment_loads_its_flow_and_says_whose_it_is(entry: dict[str, Any]) -> None:
    loaded = load_flow_from_entrypoint(entry["entrypoint"], use_placeholder_flow=False)
    assert isinstance(loaded, Flow)
    loaded.validate_parameters(entry.get("parameters", {}))
    assert set(entry.get("parameters", {}).get("campaigns", [])) <= set(CAMPAIGNS)
    assert entry["concurrency_limit"]["limit"] == 1
    assert entry["concurrency_limit"]["collision_strategy"] in {"ENQUEUE", "CANCEL_NEW"}
    assert entry["work_pool"]["name"] == "muster"
    assert entry["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert entry["description"]
    assert all(ZoneInfo(schedule["timezone"]) for schedule in entry["schedules"])
    roles = dict(tag.split(":", 1) for tag in entry["tags"] if ":" in tag)
    for role in ("owner", "on-call", "deliverability"):
        assert roles[role].endswith("@example.com")
    assert roles["alarm"] == "slack-or-webhook"
    assert late_after(entry["tags"])


@pytest.mark.parametrize("entry", DEPLOYMENTS, ids=lambda entry: str(entry["name"]))
def test_what_activates_waits_for_its_data_sync_and_is_not_sent_late(entry: dict[str, Any]) -> None:
    parameters = entry.get("parameters", {})
    if entry["entrypoint"].endswith(":run_campaigns"):
        sync, own = BY_NAME["data-sync"]["schedules"][0], entry["schedules"][0]
        assert sync["timezone"] == own["timezone"]
        distance = int(own["cron"].split()[1]) - int(sync["cron"].split()[1])
        # Once a year an hour between comes twice; a day more would let yesterday's sync pass.
        assert distance + 1 <= parameters["sync_within_hours"] <= distance + 2
        assert parameters["max_lateness_minutes"] <= 240
        assert entry["concurrency_limit"]["collision_strategy"] == "ENQUEUE", "no campaign's turn is dropped"
    elif entry["name"] != "monthly-report":
        assert parameters["max_lateness_minutes"] > 0


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        (
            "nightly-sets",
            "2026-10-31T12:00",
            ["2026-11-01T02:00-05:00", "2026-11-02T02:00-05:00", "2026-11-03T02:00-05:00"],
        ),
        (
            "nightly-sets",
            "2027-03-12T12:00",
            # In the night without a two o'clock it is due at one, with the data sync that it waits for.
            ["2027-03-13T02:00-05:00", "2027-03-14T01:00-05:00", "2027-03-15T02:00-04:00"],
        ),
        (
            "data-sync",
            "2026-10-31T12:00",
            ["2026-11-01T01:00-04:00", "2026-11-02T01:00-05:00", "2026-11-03T01:00-05:00"],
        ),
        (
            "daily-digest",
            "2026-10-30T12:00",
            ["2026-10-31T09:00-04:00", "2026-11-01T09:00-05:00", "2026-11-05T09:00-05:00"],
        ),
        (
            "monday-reactivation",
            "2027-03-12T12:00",
            ["2027-03-15T09:00-04:00", "2027-03-22T09:00-04:00", "2027-03-29T09:00-04:00"],
        ),
        (
            "resume-due",
            "2026-11-01T04:00",
            ["2026-11-01T00:30-04:00", "2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00"],
        ),
        (
            "monthly-report",
            "2026-10-30T12:00",
            ["2026-11-02T06:00-05:00", "2026-12-02T06:00-05:00", "2027-01-02T06:00-05:00"],
        ),
    ],
)
def test_the_local_hour_stands_when_the_clocks_change(name: str, start: str, expected: list[str]) -> None:
    schedule = BY_NAME[name]["schedules"][0]
    begin = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(schedule["timezone"]))
    found = asyncio.run(CronSchedule(**schedule).get_dates(n=3, start=begin))
    assert [moment.timestamp() for moment in found] == [
        datetime.fromisoformat(moment).timestamp() for moment in expected
    ]
