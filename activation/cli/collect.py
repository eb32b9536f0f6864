"""The command that brings in what providers report back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from activation import console, settings
from activation.cli.app import AsJson, app
from activation.clock import clock_of
from activation.collect.collect import collect as collect_feedback
from activation.collect.collect import in_words
from activation.errors import DestinationDownError
from activation.home import open_home


@app.command()
def collect(
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Only this one; may be given several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pull what providers report back, and read the files in feedback/, into the inbox; then: muster land."""
    home = open_home(settings.home_path())
    found = collect_feedback(home, clock_of(home), source or ())
    if as_json:
        console.say_json([asdict(each) for each in found])
    else:
        console.say(in_words(found))
    if any(each.problem for each in found):
        raise typer.Exit(DestinationDownError.exit_code)
