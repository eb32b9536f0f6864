"""The commands that look ahead or back and send nothing: plan, backtest."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from activation import console, settings
from activation.backtest import backtest as run_backtest
from activation.backtest import backtest_json, backtest_text
from activation.campaigns import choose, load_campaigns
from activation.cli.app import AsJson, AsOf, Names, RunId, app, request, tell_scores
from activation.clock import clock_of, parse_moment, refuse_future
from activation.compare import commit_of, compare, comparison_json, comparison_markdown, comparison_text
from activation.errors import HeldError
from activation.guard import Verdict
from activation.home import open_home, write_atomically
from activation.plans.plan import plan_json, plan_markdown, plan_of, plan_text
from activation.run import land_for, plan_step, score_step

NAMED = 5  # customers that a comparison names for each reason, unless it is told

Sample = Annotated[
    int, typer.Option(min=0, help="Draw so many people for each verdict and reason, for a spot check.")
]
Against = Annotated[
    str | None,
    typer.Option(help="Instead: compare the working tree's decisions with those of this git revision."),
]
Markdown = Annotated[
    Path | None, typer.Option(help="Also write it to this file, as Markdown for a pull request.")
]


@app.command()
def plan(
    campaigns: Names = None,
    sample: Sample = 0,
    against: Against = None,
    markdown: Markdown = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    as_json: AsJson = False,
) -> None:
    """Show what would leave, what changed, what holds it and what it takes. Nothing is frozen or sent."""
    home, asked = request(campaigns, as_of, run_id)
    clock = clock_of(home)
    if against is not None:
        commit_of(against)  # a name that is none is told before anything is landed
    land_for(home, asked, clock)
    scores = score_step(home, asked)
    if against is not None:
        compared = compare(home, asked, clock, against, ids=sample or NAMED)
        _write(markdown, comparison_markdown(compared))
        if as_json:
            console.say_json(comparison_json(compared))
        else:
            console.say(comparison_text(compared))
        return
    built, rulings = plan_step(home, asked, clock)
    found = plan_of(home, asked, built.export, rulings, sample=sample)
    _write(markdown, plan_markdown(found))
    if as_json:
        console.say_json(plan_json(found))
    else:
        tell_scores(scores)
        console.say(plan_text(found))
    if any(ruling.verdict is Verdict.HOLD for ruling in rulings.values()):
        raise typer.Exit(HeldError.exit_code)


def _write(file: Path | None, text: str) -> None:
    if file is not None:
        write_atomically(file, text.encode())


@app.command()
def backtest(
    campaigns: Annotated[list[str], typer.Argument(help="The campaigns, which compete as in a run.")],
    weeks: Annotated[
        int, typer.Option(min=1, max=104, help="So many weeks, the last one as of --as-of.")
    ] = 4,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Decide campaigns as of past weeks, each as if the ones before had been sent: sizes, overlaps, pressure."""
    home = open_home(settings.home_path())
    names = choose(load_campaigns(), campaigns)
    moment = parse_moment(as_of) if as_of else clock_of(home).now()
    refuse_future(home, moment)

    def tell(number: int, week: datetime) -> None:
        if not as_json:
            sys.stderr.write(f"week {number} of {weeks}, as of {week:%Y-%m-%d %H:%M} UTC\n")

    found = run_backtest(home, names, moment, weeks, tell)
    if as_json:
        console.say_json(backtest_json(found))
    else:
        console.say(backtest_text(found))
