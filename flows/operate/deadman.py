"""The dead-man's switch: it looks from outside of Prefect, because a server that died raises no alarm itself.

Started by the system's own timer (``flows/systemd/muster-deadman.timer``, or cron). It asks whether the server answers
and a worker is online, and whether each deployment with an active schedule ended a flow run when its schedule says that
one should have begun: a run that is missing, for whatever reason, is told too.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.server.schemas.schedules import CronSchedule

from activation.clock import parse_moment
from activation.home import Home, write_atomically
from activation.operations import ask, health
from flows.operate.alarm import Alarm
from flows.operate.automations import late_after
from flows.operate.site import tell

# After the time at which its lateness is told, a flow run has as long as this to come to its end.
TAKES = timedelta(minutes=60)
# Where deployments are younger than their last turn, there is nothing that could be missing.
LOOKS_BACK = timedelta(days=35)
AGAIN = timedelta(hours=6)


@dataclass(frozen=True)
class Due:
    """The last turn of a deployment that should be at its end by now."""

    deployment: str
    tags: tuple[str, ...]
    at: datetime


def look(home: Home, now: datetime | None = None) -> list[Alarm]:
    """What is wrong with the operation of a home, seen from outside; nothing where all is well."""
    now = now or datetime.now(UTC)
    found = health(home)
    if found is None or not found.is_server_healthy:
        return [Alarm("dead", "", "", "" if found else "it was never started, or was ended")]
    alarms = []
    if not found.workers_online:
        alarms.append(Alarm("idle", "", "", "", link=found.api_url.removesuffix("/api")))
    for deployment in ask(f"{found.api_url}/deployments/filter", {"limit": 200}) or []:
        due = last_due(deployment, now)
        if due is None or _ended_since(found.api_url, str(deployment["id"]), due.at):
            continue
        words = f"no flow run has ended since {due.at:%Y-%m-%d %H:%M} UTC, when one was due"
        alarms.append(Alarm("missing", due.deployment, "", words, due.tags))
    return alarms


def last_due(deployment: dict[str, Any], now: datetime) -> Due | None:
    """The last turn of a deployment that should have ended, by its schedules; None where there is none."""
    tags = tuple(deployment.get("tags") or ())
    until = now - timedelta(minutes=late_after(tags) or 0) - TAKES
    since = max(parse_moment(str(deployment["created"])), until - LOOKS_BACK)
    turns = [
        turn
        for each in deployment["schedules"]
        if each["active"] and "cron" in each["schedule"]
        for turn in _turns(each["schedule"], since, until)
    ]
    return Due(str(deployment["name"]), tags, max(turns)) if turns else None


def _turns(schedule: dict[str, Any], since: datetime, until: datetime) -> list[datetime]:
    if since >= until:
        return []
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule.get("timezone"))
    # A day is enough for whatever has turns each day, and keeps those of every ten minutes few.
    for days in (1, LOOKS_BACK.days):
        start = max(since, until - timedelta(days=days))
        turns = asyncio.run(cron.get_dates(n=1000, start=start, end=until))
        if turns:
            return [turn.astimezone(UTC) for turn in turns]
    return []


def _ended_since(api: str, deployment_id: str, moment: datetime) -> bool:
    """Whether a flow run ended, waits for a person, or is at it, that was to start at or after a moment."""
    body = {
        "flow_runs": {
            "deployment_id": {"any_": [deployment_id]},
            "expected_start_time": {"after_": moment.isoformat()},
            "state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED", "PAUSED"]}},
        },
        "limit": 1,
    }
    return bool(ask(f"{api}/flow_runs/filter", body))


def watch(home: Home, now: datetime | None = None) -> list[Alarm]:
    """Look, and tell what was not told in the last six hours; gives all that is wrong."""
    now = now or datetime.now(UTC)
    file = home.path / "prefect" / "deadman.json"
    try:
        told = {str(key): parse_moment(at) for key, at in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        told = {}
    alarms = look(home, now)
    for alarm in alarms:
        if alarm.key not in told or now - told[alarm.key] >= AGAIN:
            tell(home, alarm)
            told[alarm.key] = now
    standing = {alarm.key for alarm in alarms}
    write_atomically(
        file, json.dumps({key: at.isoformat() for key, at in told.items() if key in standing}).encode()
    )
    return alarms
