"""The commands that operate a home unattended: up, down."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from activation import settings
from activation.cli.app import app
from activation.home import World, open_home
from activation.settings import PROJECT


@app.command()
def up(
    workers: Annotated[int, typer.Option(min=1, help="How many workers on this host.")] = 1,
    port: Annotated[
        int | None, typer.Option(help="Of the Prefect server; default: the last, or a free one.")
    ] = None,
) -> None:
    """Start a Prefect server, workers, all deployments with their alarms, and the site with report and catalogue.

    What runs already is left alone. Where there is no home yet, a live one is made. In a rehearsal home the schedules
    stay off, because its clock is not theirs. `muster status` says how it is, `muster down` ends it.
    """
    home = open_home(settings.home_path(), create=World.LIVE)
    _operate(
        "up", "--home", str(home.path), "--workers", str(workers), *(("--port", str(port)) if port else ())
    )


@app.command()
def down() -> None:
    """End what `muster up` started, and nothing else. Schedules, runs and their history stay."""
    home = open_home(settings.home_path())
    _operate("down", "--home", str(home.path))


def _operate(*arguments: str) -> None:
    """Prefect is in a process of its own: no command that delivers imports it."""
    code = subprocess.run(
        [sys.executable, "-m", "flows.operate", *arguments], cwd=PROJECT, check=False
    ).returncode
    raise typer.Exit(code)
