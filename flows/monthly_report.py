"""The flow ``monthly-report``: what last month's campaigns brought, as one file that opens from disk."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from activation import settings
from activation.home import Home, open_home
from activation.reporting.publish import publish_report
from flows.artifacts import SITE_URL
from flows.discretion import discreet
from flows.run_campaigns import moment_of
from flows.turns import patiently


@flow(name="monthly-report", persist_result=False, result_serializer="json")
def monthly_report(
    month: str | None = None, as_of: str | None = None, timezone: str = "America/New_York"
) -> None:
    """Measure, and write the report.

    month: as in 2026-10; by default the one before the month, in ``timezone``, in which the flow run was to start.
    """
    home = open_home(settings.home_path())
    publish(home, month or month_before(moment_of(home, as_of), timezone))


def month_before(moment: datetime, timezone: str) -> str:
    """The month before that of ``moment``, as in 2026-10."""
    first = moment.astimezone(ZoneInfo(timezone)).replace(day=1)
    return f"{first - timedelta(days=1):%Y-%m}"


@task(name="publish", cache_policy=NO_CACHE, persist_result=False)
@discreet("publish")
def publish(home: Home, month: str) -> None:
    """Do it, and say where the report is."""
    file = patiently(lambda: publish_report(home, month))
    site = os.environ.get(SITE_URL)
    where = f"[{file.name}]({site}/reports/{file.name})" if site else f"`reports/{file.name}` in the home"
    create_markdown_artifact(
        f"The report of {month}: {where}", key="report", description=f"The monthly report of {month}."
    )
