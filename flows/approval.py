"""Approval where people are: a campaign above its limit suspends its flow run with a form in the Prefect UI.

Suspended, the flow run has no process and holds no lock and no slot. The form, like ``muster approve``, ends in
:mod:`activation.approving`: one rule, one ledger. When the form is answered the flow run starts again at its top, finds
its run decided, and delivers what was approved.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from prefect import get_run_logger
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from pydantic import Field

from activation.approvals import Approval, Subject
from activation.approving import give_word
from activation.campaigns import load_campaigns
from activation.clock import clock_of
from activation.errors import ConfigurationError
from activation.guard import Ruling, Verdict, rule
from activation.home import Home
from activation.run import Outcome
from flows.outcome import plain_rulings
from flows.steps import deliver_and_report

WAIT_HOURS = 24.0
TRIES = 3


class Word(RunInput):
    """What an approver says of one campaign of one run."""

    approve: bool = Field(description="Yes sends; no declines, and gives the reservations back.")
    up_to: int = Field(ge=0, description="At most so many people: a ceiling, not a wish.")
    reason: str = Field(min_length=1, description="Why; it is kept in the ledger.")
    name: str = Field(
        min_length=1,
        description="Who you are, as the campaign's exposure names its approver; recorded as asserted.",
    )
    content: str = Field(
        description="The digest of what you were shown. Leave it: where the content is another, your word is void."
    )


def ask_approvers(home: Home, outcome: Outcome, wait_hours: float) -> Outcome:
    """Ask for each campaign that waits, and deliver what was approved; gives the outcome with that in it.

    Suspends the flow run at the first question that nobody answered yet. A flow run without a deployment cannot be
    started again and asks nobody; it ends held, as it does where no answer comes within ``wait_hours``.
    """
    if not deployment.id or not wait_hours:
        return outcome
    for name, ruling in outcome.rulings.items():
        if ruling.verdict is not Verdict.APPROVE:
            continue
        found = _answered(home, outcome, ruling, wait_hours)
        outcome = replace(outcome, rulings={**outcome.rulings, name: found})
        if found.verdict is Verdict.GO:  # what is approved leaves before the next question is asked
            delivered = deliver_and_report(outcome.run.run_id, plain_rulings({name: found}))
            outcome = replace(outcome, deliveries={**outcome.deliveries, **delivered.deliveries})
    return outcome


def _answered(home: Home, outcome: Outcome, ruling: Ruling, wait_hours: float) -> Ruling:
    """Ask until a word was taken or the tries are used up; every word is asked for once, and again known later."""
    run, complaint = outcome.run, ""
    for number in range(1, TRIES + 1):
        word = suspend_flow_run(
            wait_for_input=Word.with_initial_data(
                description=_question(outcome, ruling, complaint),
                approve=False,
                up_to=ruling.planned,
                content=run.digest,
            ),
            timeout=int(wait_hours * 3600),
            key=key_of(run.run_id, ruling.campaign, number),
        )
        try:
            return give_word(home, run, _approval(run.run_id, ruling.campaign, word), clock_of(home))
        except ConfigurationError as error:
            complaint = str(error)
            get_run_logger().warning("the word on %s was not taken: %s", ruling.campaign, complaint)
            found = rule(home, run)[ruling.campaign]
            if found.verdict is not Verdict.APPROVE:  # `muster approve` was quicker
                return found
    return ruling


def key_of(run_id: str, campaign: str, number: int) -> str:
    """The name of a question, in the small letters and digits that Prefect's keys may have. See :func:`asked_by`."""
    return f"{run_id} {campaign} {number}".encode().hex()


def asked_by(key: str | None) -> tuple[str, str] | None:
    """Run and campaign of the question that :func:`key_of` named; None for what is none of ours."""
    try:
        run_id, campaign, _ = bytes.fromhex(key or "").decode().split()
    except ValueError:
        return None
    return run_id, campaign


def _approval(run_id: str, campaign: str, word: Word) -> Approval:
    return Approval(
        run_id, campaign, word.content, word.approve, word.up_to, word.name.strip(),
        "asserted", word.reason, datetime.now(UTC), Subject.CAMPAIGN, "prefect form",
    )  # fmt: skip


def _question(outcome: Outcome, ruling: Ruling, complaint: str) -> str:
    run, approver = outcome.run, load_campaigns()[ruling.campaign].approver
    lines = [
        f"## {ruling.campaign} waits for {approver}",
        f"{ruling.planned:,} people are planned in run `{run.run_id}`, as of {run.as_of:%Y-%m-%d %H:%M} UTC.",
        *(f"- {reason}" for reason in ruling.reasons),
        "The artifacts `waterfall` and `guards` of this flow run show who would get what, and why others do not.",
        f"In a terminal the same is: `muster approve {run.run_id} {ruling.campaign} --up-to {ruling.planned}`.",
    ]
    if complaint:
        lines.insert(1, f"**Your last answer was not taken:** {complaint}")
    return "\n\n".join(lines)
