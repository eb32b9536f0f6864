"""The command that tells people: report."""

from __future__ import annotations

from typing import Annotated

import typer

from activation import console, settings
from activation.cli.app import AsJson, app
from activation.home import open_home

Month = Annotated[
    str | None, typer.Option(help="The month, as 2026-03; none means that of the latest build.")
]


@app.command()
def report(month: Month = None, as_json: AsJson = False) -> None:
    """Measure everything that was sent and write the month's page, with its tables as Parquet and DuckDB beside it."""
    from activation.reporting.publish import publish_report  # noqa: PLC0415  # loads a chart renderer

    home = open_home(settings.home_path())
    file = publish_report(home, month)
    if as_json:
        console.say_json({"page": str(file), "tables": str(file.parent / "reports.duckdb")})
    else:
        console.say(f"The report is one file: {file}")
        console.say(f"Its tables: {file.parent / 'parquet'} and {file.parent / 'reports.duckdb'}")
