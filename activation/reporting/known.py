"""What Python knows for reports and the warehouse does not: how runs went, definitions, schedules, launches.

It is landed as tables ``muster.*``; every figure that people read is computed from them in SQL.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from activation.accounts import requests_of, summary
from activation.campaigns import Campaign
from activation.clock import naive_utc
from activation.errors import ConfigurationError
from activation.freeze import is_frozen
from activation.frozen import connect, read_frozen
from activation.guard import rule
from activation.home import Home
from activation.journal import Journal, open_journal
from activation.request import RunRequest, runs
from activation.settings import PROJECT
from activation.types import State

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVERY_DAY = ("daily", "hourly", "every ")  # how a schedule begins that names no weekday and means all of them
WAITING = (State.PLANNED, State.ATTEMPTING)

Row = dict[str, Any]


def run_rows(home: Home, settled: Collection[tuple[str, str]] = ()) -> list[Row]:
    """Every campaign of every run as it stands now, as rows of ``muster.runs``; those ``settled`` are left out.

    Raises ``ConfigurationError`` where a run's files are damaged.
    """
    found: list[Row] = []
    frozen_at = _frozen_moments(home)
    with closing(open_journal(home)) as journal:
        for request in runs(home):
            if any((request.run_id, campaign) not in settled for campaign in request.campaigns):
                found += _rows_of_run(home, journal, request, frozen_at.get(request.run_id))
    return [row for row in found if (row["run_id"], row["campaign"]) not in settled]


def _rows_of_run(
    home: Home, journal: Journal, request: RunRequest, frozen_at: datetime | None
) -> Iterator[Row]:
    rulings = rule(home, read_frozen(home, request.run_id)) if is_frozen(home, request.run_id) else {}
    states = summary(journal, request.run_id)
    records = requests_of(journal, request.run_id)
    for campaign in request.campaigns:
        counts: Mapping[str, int] = states.get(campaign, {})
        ruling = rulings.get(campaign)
        planned = ruling.planned if ruling else 0
        mine = [record for record in records if record.campaign == campaign]
        answers = [record.answered_at for record in mine if record.answered_at is not None]
        # What the journal has not taken in yet has not left either.
        waiting = sum(counts.get(state, 0) for state in WAITING) if counts else planned
        yield {
            "run_id": request.run_id,
            "campaign": campaign,
            "verdict": ruling.verdict.value if ruling else None,
            "requests": len(mine),
            "people_planned": planned,
            "people_waiting": waiting,
            "people_accepted": counts.get(State.ACCEPTED, 0),
            "people_refused": counts.get(State.REFUSED, 0),
            "people_in_doubt": counts.get(State.IN_DOUBT, 0),
            "people_excluded": counts.get(State.EXCLUDED, 0),
            "people_expired": counts.get(State.EXPIRED, 0),
            "people_held": counts.get(State.HELD, 0),
            "as_of": naive_utc(request.as_of),
            "requested_at": naive_utc(request.known_until),
            "frozen_at": frozen_at,
            "answered_at": naive_utc(max(answers)) if answers else None,
        }


def definition_rows(home: Home, known: Collection[str] = ()) -> list[Row]:
    """Each definition that each frozen run found, as rows of ``muster.definitions``; without runs already ``known``.

    A run of an earlier version kept no checksums and has no row. Raises ``ConfigurationError`` for a damaged
    manifest.
    """
    found: list[Row] = []
    frozen_at = _frozen_moments(home)
    for request in runs(home):
        if request.run_id in known or not is_frozen(home, request.run_id):
            continue
        directory = home.run_directory(request.run_id) / "frozen"
        try:
            manifest = json.loads((directory / "manifest.json").read_text())
            checksums = {str(model): str(text) for model, text in manifest.get("definitions", {}).items()}
            commit = manifest.get("git_commit")
        except (OSError, ValueError, AttributeError):
            raise ConfigurationError(
                f"{directory / 'manifest.json'} is damaged: restore it from a backup"
            ) from None
        people = _sizes(home, request.run_id) if checksums else {}
        for model, checksum in sorted(checksums.items()):
            found.append(
                {
                    "run_id": request.run_id,
                    "model": model,
                    "kind": "audience" if model.startswith("aud_") else "campaign",
                    "checksum": checksum,
                    "git_commit": commit,
                    "people": people.get(model, 0),
                    "as_of": naive_utc(request.as_of),
                    "frozen_at": frozen_at[request.run_id],
                }
            )
    return found


def schedule_rows(campaigns: Mapping[str, Campaign]) -> list[Row]:
    """The weekdays on which each campaign is due, as rows of ``muster.schedules``."""
    return [
        {"campaign": campaign.name, "weekday": day, "schedule": campaign.schedule}
        for campaign in campaigns.values()
        for day in weekdays(campaign.schedule)
    ]


def weekdays(schedule: str) -> list[int]:
    """The weekdays that a schedule in words names, 1 for Monday; none where it does not go by weekdays."""
    words = schedule.lower()
    named = [number for number, day in enumerate(WEEKDAYS, start=1) if day in words]
    return named or ([*range(1, 8)] if words.startswith(EVERY_DAY) else [])


def launch_rows(campaigns: Mapping[str, Campaign]) -> list[Row]:
    """When each campaign was first committed, as rows of ``muster.launches``; outside of git nobody knows when."""
    moments = {campaign.name: _first_commit(campaign.name) for campaign in campaigns.values()}
    return [
        {"campaign": campaign.name, "defined_at": moments[campaign.name], "owner": campaign.owner_email}
        for campaign in campaigns.values()
        if moments[campaign.name] is not None
    ]


def _first_commit(campaign: str) -> datetime | None:
    command = ["git", "log", "--follow", "--diff-filter=A", "--format=%ct", "--"]
    file = f"models/campaigns/cmp_{campaign}.sql"
    try:
        told = subprocess.run([*command, file], cwd=PROJECT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    moments = [datetime.fromtimestamp(int(line), UTC) for line in told.stdout.split()]
    return naive_utc(min(moments)) if moments else None


def _frozen_moments(home: Home) -> dict[str, datetime]:
    """When each run was frozen: the stamp of what it counted of its inputs, which no run is without."""
    files = str(home.ledger / "runs" / "*" / "frozen" / "input_counts.parquet")
    with connect() as engine:
        return dict(
            engine.execute(
                "select run_id, max(known_at) from read_parquet(?, union_by_name = true) group by run_id",
                [files],
            ).fetchall()
        )


def _sizes(home: Home, run_id: str) -> dict[str, int]:
    """Members of each audience and eligible people of each campaign, by the name of the model."""
    frozen = home.run_directory(run_id) / "frozen"
    with connect() as engine:
        return dict(
            engine.execute(
                "select 'aud_' || audience, count(*) from read_parquet(?) group by audience union all "
                "select 'cmp_' || campaign, people_eligible from read_parquet(?)",
                [str(frozen / "audiences.parquet"), str(frozen / "campaign_sizes.parquet")],
            ).fetchall()
        )
