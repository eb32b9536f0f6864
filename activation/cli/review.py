"""The commands that look at runs and decide on them: status, explain, approve, doubt."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from activation import console, operations, settings
from activation.accounts import in_doubt, resolve
from activation.approvals import Approval, Subject, approve_removals, held_sets, record
from activation.approving import give_word, refuse_other_approvers, waiting_ruling
from activation.campaigns import choose, load_campaigns
from activation.canary import gate
from activation.cli.app import AsJson, RunId, app, latest
from activation.clock import clock_of
from activation.errors import ConfigurationError
from activation.explain import as_json as explanation_json
from activation.explain import explain as explain_person
from activation.explain import in_words
from activation.frozen import FrozenRun, read_frozen
from activation.guard import Verdict, release
from activation.home import Home, open_home
from activation.identity import identity_of
from activation.identity import in_words as identity_in_words
from activation.journal import open_journal
from activation.receipts import write_receipts
from activation.request import read_request
from activation.status import statuses
from activation.types import State


@app.command()
def status(as_json: AsJson = False) -> None:
    """List the runs of this home and where their messages stand, and whether what `muster up` started is well."""
    home = open_home(settings.home_path())
    found, operation = statuses(home), operations.health(home)
    if as_json:
        console.say_json(
            {
                "home": str(home.path),
                "world": home.world.value,
                "operation": None if operation is None else asdict(operation),
                "runs": [entry.__dict__ for entry in found],
            }
        )
    else:
        console.say(
            f"{home.path} ({home.world.value})\n{operations.in_words(operation)}\n\n{console.status_lines(found)}"
        )


@app.command()
def explain(
    who: Annotated[str, typer.Argument(help="A customer id, or the id of one of the person's profiles.")],
    campaign: Annotated[str | None, typer.Argument(help="Only this campaign.")] = None,
    identity: Annotated[
        bool, typer.Option("--identity", help="Instead: which profiles the person is, and by what evidence.")
    ] = False,
    run_id: RunId = None,
    as_json: AsJson = False,
) -> None:
    """Say in words what a run decided about one person, why, and what would change it."""
    home = open_home(settings.home_path())
    if identity:
        person = identity_of(home, who)
        if as_json:
            console.say_json(person.as_dict())
        else:
            console.say(identity_in_words(person))
        return
    frozen = latest(home, run_id)
    if campaign and campaign not in read_request(home, frozen.run_id).campaigns:
        choose(load_campaigns(), [campaign])  # says which there are, where there is none of this name
    found = explain_person(home, frozen, who, campaign)
    if as_json:
        console.say_json(explanation_json(found))
    else:
        console.say(in_words(found))


@app.command()
def approve(
    run_id: Annotated[str, typer.Argument(help="The run; an approval counts for no other.")],
    campaign: Annotated[str, typer.Argument(help="The campaign that waits.")],
    up_to: Annotated[
        int | None,
        typer.Option(
            min=0, help="At most so many people (of removals: from each set); default: those of now."
        ),
    ] = None,
    removals: Annotated[
        bool,
        typer.Option(
            "--removals", help="Of the removals that were held; they leave in the campaign's next run."
        ),
    ] = False,
    canary: Annotated[
        bool, typer.Option("--canary", help="Of the rest behind the canary, whatever the check of it says.")
    ] = False,
    decline: Annotated[
        bool,
        typer.Option("--decline", help="Decline: what waits is not sent, its reservations are given back."),
    ] = False,
    by: Annotated[
        str | None, typer.Option(help="Who approves, recorded as asserted; default: the system's user.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the approval.")] = "",
) -> None:
    """Approve or decline what waits for a campaign's approver, of one frozen run. Then: muster resume RUN.

    An approval is a ceiling, and void where the run's content is another. Only the approver that the campaign's
    exposure names can give it, and not who asked for the run.
    """
    if removals and canary:
        raise ConfigurationError("say either --removals or --canary: they are approved one by one")
    home = open_home(settings.home_path())
    frozen = read_frozen(home, run_id)
    user = getpass.getuser()
    who = by or user
    refuse_other_approvers(campaign, who)

    def word(subject: Subject, ceiling: int) -> Approval:
        return Approval(
            run_id, campaign, frozen.digest, not decline, ceiling, who,
            "asserted" if by else "system user", reason, datetime.now(UTC), subject, user,
        )  # fmt: skip

    if removals:
        console.say(_approve_removals(home, frozen, campaign, word, up_to))
    elif canary:
        console.say(_approve_canary(home, frozen, campaign, word))
    else:
        console.say(_approve_campaign(home, frozen, campaign, word, up_to))


def _approve_campaign(
    home: Home, frozen: FrozenRun, campaign: str, word: Callable[[Subject, int], Approval], up_to: int | None
) -> str:
    planned = waiting_ruling(home, frozen, campaign).planned
    approval = word(Subject.CAMPAIGN, planned if up_to is None else up_to)
    ruling = give_word(home, frozen, approval, clock_of(home))
    if not approval.is_granted:
        return f"{campaign} of run {frozen.run_id} is declined and has given its reservations back."
    if ruling.verdict is Verdict.GO:
        return (
            f"{campaign} of run {frozen.run_id} is approved up to {approval.up_to:,} people. "
            f"Now: muster resume {frozen.run_id}"
        )
    return f"Recorded; but {ruling.planned:,} people are planned, so {campaign} still waits."


def _approve_removals(
    home: Home, frozen: FrozenRun, campaign: str, word: Callable[[Subject, int], Approval], up_to: int | None
) -> str:
    held = held_sets(frozen, campaign)
    if not held:
        raise ConfigurationError(
            f"run {frozen.run_id} holds no removals of {campaign}; see `muster plan` for those that do"
        )
    approval = word(Subject.REMOVALS, max(each.people for each in held) if up_to is None else up_to)
    approve_removals(home, frozen, approval, held, clock_of(home).now())
    if not approval.is_granted:
        return f"Declined: whom {campaign} would remove stays in its sets; the next run asks again."
    return (
        f"Up to {approval.up_to:,} people may leave each of {len(held)} sets in the next run of {campaign}, and in no "
        f"later one. Now: muster run {campaign}"
    )


def _approve_canary(
    home: Home, frozen: FrozenRun, campaign: str, word: Callable[[Subject, int], Approval]
) -> str:
    found = gate(home, frozen, campaign, clock_of(home).now())
    if found.is_open:
        raise ConfigurationError(
            f"{campaign} of run {frozen.run_id} does not wait behind a canary"
            + (f": {found.reason}" if found.reason else "; see `muster status`")
        )
    approval = word(Subject.CANARY, 0)
    record(home, frozen, approval)
    if not approval.is_granted:
        release(home, frozen, campaign, "the rest was declined by its approver", clock_of(home).now())
        return (
            f"The rest of {campaign} of run {frozen.run_id} is declined and has given its reservations back."
        )
    return f"The rest of {campaign} may leave. Now: muster resume {frozen.run_id}"


@app.command()
def doubt(
    request_id: Annotated[
        str | None, typer.Argument(help="The request to decide on; none lists all.")
    ] = None,
    accepted: Annotated[
        bool | None, typer.Option("--accepted/--refused", help="What a person found out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the requests of unknown outcome, or record what a person found out about one."""
    home = open_home(settings.home_path())
    with closing(open_journal(home)) as journal:
        if request_id is None:
            found = in_doubt(journal)
            if as_json:
                console.say_json([console.doubt_json(entry) for entry in found])
            for entry in [] if as_json else found:
                when = f"{entry.attempted_at:%Y-%m-%d %H:%M:%S}"
                console.say(f"{entry.request_id}  {entry.campaign}  {entry.people} people  attempted {when}")
            if not found and not as_json:
                console.say("Nothing is in doubt.")
            return
        if accepted is None:
            raise ConfigurationError("say --accepted or --refused: what did you find out about the request?")
        run_ids = {entry.run_id for entry in in_doubt(journal) if entry.request_id == request_id}
        people = resolve(
            journal, request_id, State.ACCEPTED if accepted else State.REFUSED, getpass.getuser()
        )
        for name in run_ids:
            write_receipts(home, journal, read_frozen(home, name), clock_of(home).now())
        console.say(f"{people} people are {'accepted' if accepted else 'refused'} now; the next build knows.")
