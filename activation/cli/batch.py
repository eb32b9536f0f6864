"""The commands that run a batch: sample, land, score, build, run, resume, sandbox."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from activation import console, settings
from activation.alerts import alert_outcome, alerting
from activation.cli.app import AsJson, AsOf, Names, RunId, app, request, stopper, tell_scores
from activation.clock import Clock, clock_of, parse_moment, refuse_future
from activation.digest import content_digest
from activation.errors import ConfigurationError, MusterError
from activation.freeze import is_frozen
from activation.frozen import read_frozen
from activation.home import Home, World, open_home
from activation.landing.contract import ensure_schema_files
from activation.ledger import ensure_ledger
from activation.plans.plan import plan_of, plan_text
from activation.request import read_request, record_request
from activation.run import (
    Outcome,
    build_step,
    check_step,
    deliver_step,
    guard_step,
    land_step,
    land_templates,
    report_step,
    run_steps,
    score_step,
)
from activation.scores.step import score as fit_scores
from activation.status import statuses


@app.command()
def sample(
    households: Annotated[int | None, typer.Option(help="Only so many households.")] = None,
    small: Annotated[bool, typer.Option("--small", help="The cut of 60 households in seeds/sample.")] = False,
) -> None:
    """Put the Complete Journey example data into the inbox of a rehearsal home."""
    from activation.sample import sample as write_sample  # noqa: PLC0415 (its data package is only needed here)

    home = open_home(settings.home_path(), create=World.REHEARSAL)
    counts = write_sample(home, households, small=small)
    console.say("\n".join(f"  {table:<28}{rows:>10,} rows" for table, rows in sorted(counts.items())))
    console.say(
        f"The example data is in {home.inbox}. Addresses, consents and more are synthetic; see the README."
    )


@app.command()
def land(as_of: AsOf = None) -> None:
    """Check and type what is in the inbox, and move it to the landing zone."""
    home = open_home(settings.home_path(), create=World.LIVE)
    clock = clock_of(home)
    moment = parse_moment(as_of) if as_of else None
    if moment:
        clock.step_to(moment)
    loads = land_step(home, clock, moment)
    console.say(console.load_lines(loads))


@app.command()
def score(
    as_of: AsOf = None,
    again: Annotated[bool, typer.Option("--again", help="Fit even where the newest fit is fresh.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fit the score models where the newest fit is old, and land their parameters. A run does it by itself."""
    home = open_home(settings.home_path())
    moment = parse_moment(as_of) if as_of else clock_of(home).now()
    refuse_future(home, moment)
    ensure_schema_files(home)
    ensure_ledger(home)
    report = fit_scores(home, moment, again=again)
    if as_json:
        console.say_json({"as_of": moment.isoformat(), "fits": [asdict(fit) for fit in report.fits]})
    else:
        console.say(report.in_words() or "  the newest fit of every model is fresh: --again fits anyway")


@app.command()
def build(campaigns: Names = None, as_of: AsOf = None, run_id: RunId = None, as_json: AsJson = False) -> None:
    """Build the warehouse as of a moment, and print the digest of its decisions. Freezes and sends nothing."""
    home, asked = request(campaigns, as_of, run_id)
    ensure_schema_files(home)
    ensure_ledger(home)
    land_templates(home, asked)
    scores = score_step(home, asked)
    built = build_step(home, asked, clock_of(home))
    rows, digest = content_digest(str(built.export / "decisions.parquet"))
    if as_json:
        console.say_json(
            {"run_id": asked.run_id, "decisions": rows, "digest": digest, "dbt": dict(built.counts)}
        )
    else:
        tell_scores(scores)
        console.say(f"{home.warehouse_file}\n  decisions  {rows:,}\n  digest     {digest}")


@app.command()
def run(campaigns: Names = None, as_of: AsOf = None, run_id: RunId = None, as_json: AsJson = False) -> None:
    """Land, build, freeze, guard, deliver, report. The same run id again goes on, and sends nothing twice."""
    home, asked = request(campaigns, as_of, run_id)
    check_step(home, asked.campaigns)
    record_request(home, asked)
    with (
        alerting(home, asked.run_id, console.complain),
        console.bars(is_wanted=not as_json) as progress,
    ):
        outcome = run_steps(home, asked, should_stop=stopper(), progress=progress)
    _tell(home, outcome, as_json)


@app.command()
def resume(
    run_id: Annotated[str | None, typer.Argument(help="The run to go on with.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Every frozen run with something due.")] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Go on with runs: after a crash, an approval, or when what was planned for later is due."""
    home = open_home(settings.home_path())
    clock = clock_of(home)
    if as_of:
        clock.step_to(parse_moment(as_of))
    if run_id is None and not due:
        raise ConfigurationError("say which run, or --due for all; `muster status` lists them")
    if run_id:
        land_step(home, clock)
        raise typer.Exit(_resume(home, run_id, clock, as_json))
    names = [status.run_id for status in statuses(home) if status.is_open]
    land_step(home, clock)
    code = 0
    for name in names:
        try:
            code = max(code, _resume(home, name, clock, as_json))
        except MusterError as error:  # the other runs go on all the same
            console.complain(f"run {name}: {error}")
            code = max(code, error.exit_code)
    raise typer.Exit(code)


def _resume(home: Home, name: str, clock: Clock, as_json: bool) -> int:
    read_request(home, name)
    if not is_frozen(home, name):
        raise ConfigurationError(f"run {name} was never frozen: `muster run --run-id {name}` decides it")
    with alerting(home, name, console.complain):
        outcome = _go_on(home, name, clock, as_json)
    code = outcome.exit_code()
    alert_outcome(home, outcome, code, console.complain)
    if as_json:
        console.say_json(console.outcome_json(outcome, None, code))
    else:
        console.say(f"run {name}\n{console.outcome_lines(outcome)}")
    return code


def _go_on(home: Home, name: str, clock: Clock, as_json: bool) -> Outcome:
    frozen = read_frozen(home, name)
    rulings = guard_step(home, frozen, clock)
    with console.bars(is_wanted=not as_json) as progress:
        deliveries = deliver_step(home, frozen, rulings, clock, should_stop=stopper(), progress=progress)
    if any(delivery.requests for delivery in deliveries.values()):
        report_step(home, frozen, clock)
    return Outcome(frozen, rulings, deliveries)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    detach: Annotated[bool, typer.Option("--detach", help="Start it in the background.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the one of this home.")] = False,
) -> None:
    """Serve loopback twins of the vendors for a rehearsal home; sandbox/accepted.jsonl is what they accepted."""
    from activation import sandbox as twins  # noqa: PLC0415 (a server that other commands never need)

    home = open_home(settings.home_path())
    if stop:
        console.say("The sandbox is stopped." if twins.stop(home) else "No sandbox was running.")
    elif detach:
        console.say(f"The sandbox listens on {twins.start(home)['url']}")
    else:
        twins.serve(home, port)


def _tell(home: Home, outcome: Outcome, as_json: bool) -> None:
    asked = read_request(home, outcome.run.run_id)
    found = plan_of(home, asked, outcome.run.directory, outcome.rulings, looks_ahead=False)
    code = outcome.exit_code()
    if as_json:
        console.say_json(console.outcome_json(outcome, found, code))
    else:
        console.say(f"run {outcome.run.run_id}, digest {outcome.run.digest[:16]}\n")
        tell_scores(outcome.scores)
        console.say(plan_text(found) + "\n\n")
        console.say(console.outcome_lines(outcome))
    alert_outcome(home, outcome, code, console.complain)
    raise typer.Exit(code)
