"""A person's word on a campaign that waits, as a command or a form gives it: one rule for both.

Only the approver that the campaign's exposure names may speak, and not who asked for the run. See
:mod:`activation.approvals` for what is kept.
"""

from __future__ import annotations

from activation.approvals import Approval, record
from activation.campaigns import choose, load_campaigns
from activation.clock import Clock
from activation.errors import ConfigurationError
from activation.frozen import FrozenRun
from activation.guard import Ruling, Verdict, rule
from activation.home import Home
from activation.run import guard_step


def refuse_other_approvers(campaign: str, who: str) -> None:
    """Raise ``ConfigurationError`` where ``who`` is not the campaign's approver, or there is no such campaign."""
    known = load_campaigns()
    choose(known, [campaign])
    if who != known[campaign].approver:
        raise ConfigurationError(
            f"{campaign} is approved by {known[campaign].approver}, not by {who}: see --by"
        )


def waiting_ruling(home: Home, run: FrozenRun, campaign: str) -> Ruling:
    """The ruling on a campaign that waits for its approver. Raises ``ConfigurationError`` where it does not wait."""
    found = rule(home, run).get(campaign)
    if found is None or found.verdict is not Verdict.APPROVE:
        raise ConfigurationError(
            f"{campaign} of run {run.run_id} does not wait for an approval; see `muster status`"
        )
    return found


def give_word(home: Home, run: FrozenRun, approval: Approval, clock: Clock) -> Ruling:
    """Record a word on a campaign that waits and act on it; gives what the campaign may do now.

    Raises ``ConfigurationError`` where the campaign does not wait, the approver is another or asked for the run, the
    content is another than the one that was looked at, or the ceiling is negative.
    """
    refuse_other_approvers(approval.campaign, approval.by)
    waiting_ruling(home, run, approval.campaign)
    record(home, run, approval)
    return guard_step(home, run, clock)[approval.campaign]
