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

DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
DAYS = {"Daily": "*", "Mondays": "1"}
CAMPAIGNS = load_campaigns()


def cron_of(words: str) -> dict[str, str]:
    """A campaign's schedule in words, such as ``Daily 09:00 America/New_York``, as a Prefect schedule."""
    if words == "Hourly":
        return {"cron": "0 * * * *", "timezone": "UTC"}
    match = re.fullmatch(r"(\w+) (\d\d):(\d\d) (\S+)", words)
    assert match, f"{words!r} does not read like 'Daily 09:00 America/New_York'"
    day, hour, minute, zone = match.groups()
    return {"cron": f"{int(minute)} {int(hour)} * * {DAYS[day]}", "timezone": str(ZoneInfo(zone))}


@pytest.mark.parametrize("campaign", CAMPAIGNS.values(), ids=CAMPAIGNS)
def test_each_campaign_is_deployed_once_when_its_exposure_says(campaign: Campaign) -> None:
    running = [
        deployment
        for deployment in DEPLOYMENTS
        if campaign.name in deployment.get("parameters", {}).get("campaigns", [])
    ]
    assert len(running) == 1
    assert running[0]["schedules"] == [cron_of(campaign.schedule)]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: str(deployment["name"]))
def test_a_deployment_loads_its_flow_and_takes_turns(deployment: dict[str, Any]) -> None:
    loaded = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    assert isinstance(loaded, Flow)
    loaded.validate_parameters(deployment.get("parameters", {}))
    assert set(deployment.get("parameters", {}).get("campaigns", [])) <= set(CAMPAIGNS)
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert deployment["work_pool"]["name"] == "muster"
    assert deployment["description"]
    assert deployment["tags"]


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
            "2026-10-30T12:00",
            ["2026-10-31T02:00-04:00", "2026-11-01T02:00-05:00", "2026-11-02T02:00-05:00"],
        ),
        (
            "daily-messages",
            "2026-10-30T12:00",
            ["2026-10-31T09:00-04:00", "2026-11-01T09:00-05:00", "2026-11-02T09:00-05:00"],
        ),
        (
            "resume-due",
            "2026-11-01T04:00",
            ["2026-11-01T00:30-04:00", "2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00"],
        ),
    ],
)
def test_the_local_hour_stands_when_the_clocks_change(name: str, start: str, expected: list[str]) -> None:
    schedule = next(entry for entry in DEPLOYMENTS if entry["name"] == name)["schedules"][0]
    begin = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(schedule["timezone"]))
    found = asyncio.run(CronSchedule(**schedule).get_dates(n=3, start=begin))
    assert [moment.timestamp() for moment in found] == [
        datetime.fromisoformat(moment).timestamp() for moment in expected
    ]
