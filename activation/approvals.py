"""Approvals: a person's word on a campaign of a frozen run, kept in the ledger.

An approval names run, campaign and content digest, and is a ceiling: it is void where the content is another or
more people are planned. Who asked for the run cannot approve it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from activation.clock import parse_moment
from activation.errors import ConfigurationError
from activation.frozen import FrozenRun
from activation.home import Home, write_atomically
from activation.request import read_request


@dataclass(frozen=True)
class Approval:
    """``is_granted`` is false where the person declined; ``up_to`` is the ceiling in people or set changes.

    ``authentication`` says how we know who it was: ``system user``, or ``asserted`` where the name was given.
    """

    run_id: str
    campaign: str
    digest: str
    is_granted: bool
    up_to: int
    by: str
    authentication: str
    reason: str
    at: datetime


def record(home: Home, run: FrozenRun, approval: Approval) -> None:
    """Write a person's word into the ledger.

    Raises ``ConfigurationError`` where the run does not have the campaign, the digest is another, or the
    approver is who asked for the run.
    """
    request = read_request(home, run.run_id)
    if approval.campaign not in request.campaigns:
        raise ConfigurationError(f"run {run.run_id} has no campaign {approval.campaign}")
    if approval.digest != run.digest:
        raise ConfigurationError(
            f"run {run.run_id} has another content than the one approved: look at it again"
        )
    if approval.is_granted and approval.by == request.requested_by:
        raise ConfigurationError(
            f"{approval.by} asked for run {run.run_id} and cannot approve it: another person must (--by)"
        )
    text = json.dumps(asdict(approval) | {"at": approval.at.isoformat()}, indent=2)
    name = f"{approval.campaign}.{approval.at:%Y%m%dT%H%M%S%fZ}.json"
    write_atomically(home.run_directory(run.run_id) / "approvals" / name, text.encode())


def standing(home: Home, run: FrozenRun, campaign: str) -> Approval | None:
    """The latest word on a campaign of this run's present content; None where nobody has spoken."""
    latest: Approval | None = None
    for file in sorted((home.run_directory(run.run_id) / "approvals").glob(f"{campaign}.*.json")):
        text = json.loads(file.read_text())
        approval = Approval(**(text | {"at": parse_moment(text["at"])}))
        if approval.digest == run.digest and approval.campaign == campaign:
            latest = approval
    return latest
