"""The whole way of a report: measure, export, and the page of one month."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

from activation.clock import clock_of
from activation.errors import ConfigurationError
from activation.home import Home, write_atomically
from activation.reporting.export import export_reports, reports_folder
from activation.reporting.measure import built_as_of, measure_step
from activation.reporting.page import render


def publish_report(home: Home, month: str | None = None) -> Path:
    """Measure, export the report tables, and write the page of ``month`` (``2026-03``); give its file.

    Without a month it is that of the published warehouse's clock. Raises ``ConfigurationError`` for what is no month
    or lies after that clock, and what :func:`activation.reporting.measure.measure_step` raises.
    """
    chosen = chosen_month(month, built_as_of(home))
    measured = measure_step(home, clock_of(home))
    exported = export_reports(home)
    page = render(exported.database, chosen, measured.as_of, home.world.value)
    file = reports_folder(home) / f"report-{chosen:%Y-%m}.html"
    write_atomically(file, page.encode())
    return file


def chosen_month(month: str | None, as_of: datetime) -> date:
    """The first day of the month, which may not lie after ``as_of``. Raises ``ConfigurationError`` for any other."""
    if month is None:
        return date(as_of.year, as_of.month, 1)
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise ConfigurationError(f"{month} is no month: write it as 2026-03")
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    if first > as_of:
        raise ConfigurationError(
            f"{month} had not begun when the warehouse was built, as of {as_of:%Y-%m-%d}"
        )
    return first.date()
