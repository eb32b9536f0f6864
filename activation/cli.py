"""``muster``: the command line over the steps of a run.

Exit codes: 0 all well, 2 configuration, 3 held, 4 in doubt above the limit, 5 destination down, 6 journal unsafe.
"""

from __future__ import annotations

import getpass
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import click
import typer

from activation import console, settings
from activation.accounts import in_doubt, resolve, summary
from activation.approvals import Approval, record
from activation.campaigns import choose, load_campaigns
from activation.clock import clock_of, parse_moment
from activation.connectors.registry import connector
from activation.digest import content_digest
from activation.errors import ConfigurationError, HeldError, MusterError
from activation.explain import decisions_of, in_words
from activation.freeze import is_frozen
from activation.frozen import FrozenRun, read_frozen
from activation.guard import Verdict, rule
from activation.home import Home, World, open_home
from activation.journal import open_journal
from activation.ledger import ensure_ledger
from activation.receipts import write_receipts
from activation.request import RunRequest, default_run_id, open_request, read_request, record_request, runs
from activation.run import (
    Outcome,
    build_step,
    deliver_step,
    guard_step,
    land_step,
    plan_step,
    report_step,
    run_steps,
)
from activation.types import State
from activation.waterfall import waterfalls

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Muster: dbt decides who gets what and why; this delivers exactly that, once.",
)  # fmt: skip

AsOf = Annotated[str | None, typer.Option("--as-of", help="The run's clock, UTC: 2026-11-21 or 2026-11-21T14:00.")]
RunId = Annotated[str | None, typer.Option("--run-id", help="The run's name; the same name is the same run.")]
Names = Annotated[list[str] | None, typer.Argument(help="Campaigns; none means all.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines.")]


def main() -> None:
    """Entry point of the console script."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors go to stderr as one sentence each."""
    try:
        code = app(arguments, standalone_mode=False)
    except click.exceptions.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Abort:
        return 130
    except MusterError as error:
        sys.stderr.write(f"muster: {error}\n")
        return error.exit_code
    return code if isinstance(code, int) else 0


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
    console.say(f"The example data is in {home.inbox}. Addresses, consents and more are synthetic; see the README.")


@app.command()
def land(as_of: AsOf = None) -> None:
    """Check and type what is in the inbox, and move it to the landing zone."""
    home = open_home(settings.home_path(), create=World.LIVE)
    loads = land_step(home, clock_of(home), parse_moment(as_of) if as_of else None)
    console.say(console.load_lines(loads))


@app.command()
def build(campaigns: Names = None, as_of: AsOf = None, run_id: RunId = None, as_json: AsJson = False) -> None:
    """Build the warehouse as of a moment, and print the digest of its decisions. Freezes and sends nothing."""
    home, request = _request(campaigns, as_of, run_id)
    ensure_ledger(home)
    built = build_step(home, request, clock_of(home))
    rows, digest = content_digest(str(built.export / "decisions.parquet"))
    if as_json:
        console.say_json({"run_id": request.run_id, "decisions": rows, "digest": digest, "dbt": dict(built.counts)})
    else:
        console.say(f"{home.warehouse_file}\n  decisions  {rows:,}\n  digest     {digest}")


@app.command()
def plan(campaigns: Names = None, as_of: AsOf = None, run_id: RunId = None, as_json: AsJson = False) -> None:
    """Show what would leave: the waterfall of each campaign, and what would hold it. Nothing is frozen."""
    home, request = _request(campaigns, as_of, run_id)
    clock = clock_of(home)
    land_step(home, clock, request.as_of)
    built, rulings = plan_step(home, request, clock)
    found = waterfalls(built.export, _before(home, request))
    if as_json:
        console.say_json({"run_id": request.run_id, "waterfall": found, "rulings": rulings})
    else:
        console.say(console.plan_lines(found, rulings))
    if any(ruling.verdict is Verdict.HOLD for ruling in rulings.values()):
        raise typer.Exit(HeldError.exit_code)


@app.command()
def run(campaigns: Names = None, as_of: AsOf = None, run_id: RunId = None, as_json: AsJson = False) -> None:
    """Land, build, freeze, guard, deliver, report. The same run id again goes on, and sends nothing twice."""
    home, request = _request(campaigns, as_of, run_id)
    for name in {campaign.destination for campaign in load_campaigns().values() if campaign.name in request.campaigns}:
        connector(home, name)  # a missing credential is told before any work is done
    settings.pepper(home)
    record_request(home, request)
    with console.bars(not as_json) as progress:
        outcome = run_steps(home, request, _stopper(), progress)
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
    names = [run_id] if run_id else [request.run_id for request in runs(home) if is_frozen(home, request.run_id)]
    land_step(home, clock, None)
    code = 0
    for name in names:
        read_request(home, name)
        if not is_frozen(home, name):
            raise ConfigurationError(f"run {name} was never frozen: `muster run --run-id {name}` decides it")
        frozen = read_frozen(home, name)
        rulings = guard_step(home, frozen, clock)
        with console.bars(not as_json) as progress:
            deliveries = deliver_step(home, frozen, rulings, clock, _stopper(), progress)
        if any(delivery.requests for delivery in deliveries.values()):
            report_step(home, frozen, clock)
        outcome = Outcome(frozen, rulings, deliveries)
        code = max(code, outcome.exit_code())
        if as_json:
            console.say_json(console.outcome_json(outcome, [], outcome.exit_code()))
        else:
            console.say(f"run {name}\n{console.outcome_lines(outcome)}")
    raise typer.Exit(code)


@app.command()
def status(as_json: AsJson = False) -> None:
    """List the runs of this home and where their messages stand."""
    home = open_home(settings.home_path())
    told = []
    journal = open_journal(home)
    for request in runs(home):
        rulings = {}
        if is_frozen(home, request.run_id):
            verdicts = rule(home, read_frozen(home, request.run_id), clock_of(home).now())
            rulings = {name: ruling.verdict.value for name, ruling in verdicts.items()}
        states = summary(journal, request.run_id)
        told.append(
            {"run_id": request.run_id, "as_of": request.as_of, "is_frozen": bool(rulings), "rulings": rulings,
             "states": states}
        )  # fmt: skip
    journal.close()
    if as_json:
        console.say_json({"home": str(home.path), "world": home.world.value, "runs": told})
        return
    console.say(f"{home.path} ({home.world.value})")
    for row in told:
        console.say(f"\n{row['run_id']}{'' if row['is_frozen'] else '  not frozen'}")
        for name, verdict in row["rulings"].items():
            states = ", ".join(f"{count:,} {state}" for state, count in sorted(row["states"].get(name, {}).items()))
            word = {"hold": "held", "approve": "waits for approval"}.get(verdict, states or "nothing to send")
            console.say(f"  {name:<28}{word}")


@app.command()
def explain(
    who: Annotated[str, typer.Argument(help="A customer id, or the id of one of the person's profiles.")],
    campaign: Annotated[str | None, typer.Argument(help="Only this campaign.")] = None,
    run_id: RunId = None,
    as_json: AsJson = False,
) -> None:
    """Say in words what a run decided about one person, why, and what would change it."""
    home = open_home(settings.home_path())
    frozen = _latest(home, run_id)
    if campaign:
        choose(load_campaigns(), [campaign])
    found = decisions_of(frozen, who, campaign)
    if as_json:
        console.say_json([decision.__dict__ for decision in found])
    else:
        console.say(in_words(frozen, who, found, campaign))


@app.command()
def approve(
    run_id: Annotated[str, typer.Argument(help="The run.")],
    campaign: Annotated[str, typer.Argument(help="The campaign that waits.")],
    up_to: Annotated[int | None, typer.Option(help="At most so many people; default: those planned now.")] = None,
    decline: Annotated[bool, typer.Option("--decline", help="Decline: its reservations are given back.")] = False,
    by: Annotated[str | None, typer.Option(help="Who approves; default: the system's user.")] = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Approve or decline a campaign of a frozen run that waits for its approver. Then: muster resume RUN."""
    home = open_home(settings.home_path())
    frozen, known = read_frozen(home, run_id), load_campaigns()
    choose(known, [campaign])
    who = by or getpass.getuser()
    if who != known[campaign].approver:
        raise ConfigurationError(f"{campaign} is approved by {known[campaign].approver}, not by {who}: see --by")
    rulings = rule(home, frozen, clock_of(home).now())
    if campaign not in rulings or rulings[campaign].verdict is not Verdict.APPROVE:
        raise ConfigurationError(f"{campaign} of run {run_id} does not wait for an approval; see `muster status`")
    ceiling = rulings[campaign].planned if up_to is None else up_to
    word = Approval(
        run_id, campaign, frozen.digest, not decline, ceiling, who,
        "asserted" if by else "system user", reason, datetime.now(UTC),
    )  # fmt: skip
    record(home, frozen, word)
    ruling = rule(home, frozen, clock_of(home).now())[campaign]
    if decline:
        console.say(f"{campaign} of run {run_id} is declined and has given its reservations back.")
    elif ruling.verdict is Verdict.GO:
        console.say(f"{campaign} of run {run_id} is approved up to {ceiling:,} people. Now: muster resume {run_id}")
    else:
        console.say(f"Recorded; but {ruling.planned:,} people are planned, so {campaign} still waits.")


@app.command()
def doubt(
    request_id: Annotated[str | None, typer.Argument(help="The request to decide on; none lists all.")] = None,
    accepted: Annotated[bool | None, typer.Option("--accepted/--refused", help="What a person found out.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the requests of unknown outcome, or record what a person found out about one."""
    home = open_home(settings.home_path())
    journal = open_journal(home)
    try:
        if request_id is None:
            found = in_doubt(journal)
            if as_json:
                console.say_json([entry.__dict__ for entry in found])
            for entry in [] if as_json else found:
                when = f"{entry.attempted_at:%Y-%m-%d %H:%M:%S}"
                console.say(f"{entry.request_id}  {entry.campaign}  {entry.people} people  attempted {when}")
            if not found and not as_json:
                console.say("Nothing is in doubt.")
            return
        if accepted is None:
            raise ConfigurationError("say --accepted or --refused: what did you find out about the request?")
        run_ids = {entry.run_id for entry in in_doubt(journal) if entry.request_id == request_id}
        people = resolve(journal, request_id, State.ACCEPTED if accepted else State.REFUSED, getpass.getuser())
        for name in run_ids:
            write_receipts(home, journal, read_frozen(home, name), clock_of(home).now())
        console.say(f"{people} people are {'accepted' if accepted else 'refused'} now; the next build knows.")
    finally:
        journal.close()


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


def _request(campaigns: list[str] | None, as_of: str | None, run_id: str | None) -> tuple[Home, RunRequest]:
    home = open_home(settings.home_path())
    names = choose(load_campaigns(), campaigns or [])
    clock = clock_of(home)
    moment = parse_moment(as_of) if as_of else None
    name = run_id or default_run_id(moment or clock.now(), campaigns or [])
    return home, open_request(home, clock, moment, name, names, getpass.getuser())


def _before(home: Home, request: RunRequest) -> Path | None:
    earlier = [
        other for other in runs(home)
        if is_frozen(home, other.run_id) and other.as_of < request.as_of and set(other.campaigns) & set(request.campaigns)
    ]  # fmt: skip
    return read_frozen(home, earlier[-1].run_id).directory if earlier else None


def _latest(home: Home, run_id: str | None) -> FrozenRun:
    frozen = [request.run_id for request in runs(home) if is_frozen(home, request.run_id)]
    if run_id is None and not frozen:
        raise ConfigurationError("no run is frozen yet: `muster run` makes the first")
    return read_frozen(home, run_id or frozen[-1])


def _tell(home: Home, outcome: Outcome, as_json: bool) -> None:
    request = read_request(home, outcome.run.run_id)
    found = waterfalls(outcome.run.directory, _before(home, request))
    code = outcome.exit_code()
    if as_json:
        console.say_json(console.outcome_json(outcome, found, code))
    else:
        console.say(f"run {outcome.run.run_id}, digest {outcome.run.digest[:16]}\n")
        console.say(console.plan_lines(found, dict(outcome.rulings)) + "\n\n")
        console.say(console.outcome_lines(outcome))
    raise typer.Exit(code)


def _stopper() -> Callable[[], bool]:
    """Ask for an orderly end at SIGTERM: the request that is open is finished and recorded first."""
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    signal.signal(signal.SIGTERM, note)
    return lambda: bool(asked)
