"""Approvals: a person's word on a campaign of a frozen run, kept in the ledger.

An approval names run, campaign and content digest, and is a ceiling: it is void where the content is another or
more people are planned. It counts for that one run. Who asked for the run cannot approve it. It speaks of the campaign
as a whole, of the rest behind its canary, or of the removals that were held; the last are let through by SQL, in the
campaign's next run, so for them a row of the ledger is written as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from activation import ledger
from activation.clock import naive_utc, parse_moment
from activation.errors import ConfigurationError
from activation.frozen import FrozenRun, connect
from activation.home import Home, write_atomically
from activation.request import read_request, runs


class Subject(StrEnum):
    """What a person's word is about."""

    CAMPAIGN = "campaign"
    CANARY = "canary"
    REMOVALS = "removals"


@dataclass(frozen=True)
class HeldSet:
    """A set of which a run held the removals, and of how many people."""

    destination: str
    audience: str
    people: int


@dataclass(frozen=True)
class Approval:
    """``is_granted`` is false where the person declined; ``up_to`` is the ceiling in people or set changes.

    ``authentication`` says how we know who it was: ``system user``, or ``asserted`` where the name was given;
    ``system_user`` is who gave it then.
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
    subject: Subject = Subject.CAMPAIGN
    system_user: str = ""


def record(home: Home, run: FrozenRun, approval: Approval) -> None:
    """Write a person's word into the ledger.

    Raises ``ConfigurationError`` where the run does not have the campaign, the digest is another, the ceiling is
    negative, or the approver is who asked for the run.
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
    if approval.up_to < 0:
        raise ConfigurationError(f"--up-to {approval.up_to} is no number of people: give 0 or more")
    text = json.dumps(asdict(approval) | {"at": approval.at.isoformat()}, indent=2)
    name = f"{approval.campaign}.{approval.at:%Y%m%dT%H%M%S%fZ}.{approval.subject}.json"
    write_atomically(home.run_directory(run.run_id) / "approvals" / name, text.encode())


def standing(
    home: Home, run: FrozenRun, campaign: str, subject: Subject = Subject.CAMPAIGN
) -> Approval | None:
    """The latest word on a campaign of this run's present content; None where nobody has spoken.

    Raises ``ConfigurationError`` where a file of it is damaged.
    """
    latest: Approval | None = None
    for file in sorted((home.run_directory(run.run_id) / "approvals").glob(f"{campaign}.*.json")):
        approval = _read(file)
        if (approval.digest, approval.campaign, approval.subject) == (run.digest, campaign, subject):
            latest = approval
    return latest


def _read(file: Path) -> Approval:
    try:
        text = json.loads(file.read_text())
        told = {"at": parse_moment(text["at"]), "subject": Subject(text.get("subject", Subject.CAMPAIGN))}
        approval = Approval(**(text | told))
    except (ValueError, KeyError, TypeError, AttributeError, ConfigurationError):
        raise ConfigurationError(f"{file} is damaged: restore it, or remove it and approve again") from None
    if type(approval.is_granted) is not bool or type(approval.up_to) is not int:
        raise ConfigurationError(f"{file} says neither yes nor no, or no number of people: approve again")
    return approval


def held_sets(run: FrozenRun, campaign: str) -> list[HeldSet]:
    """The sets of a campaign of which this run held the removals."""
    file = run.directory / "guard_removals.parquet"
    if not file.exists():  # a run of an earlier version held none
        return []
    with connect() as engine:
        rows = engine.execute(
            "select destination, audience, people_leaving from read_parquet(?) "
            "where is_tripped and campaign = ? order by all",
            [str(file), campaign],
        ).fetchall()
    return [HeldSet(str(destination), str(audience), int(people)) for destination, audience, people in rows]


def approve_removals(
    home: Home, run: FrozenRun, approval: Approval, held: Sequence[HeldSet], known_at: datetime
) -> None:
    """Record an approval of held removals, and let the campaign's next run know: at most ``up_to`` of each set.

    ``known_at`` is the delivery clock. Raises ``ConfigurationError`` as :func:`record` does, and where another run has
    decided on the campaign since: then that one is to be approved.
    """
    for request in runs(home):
        is_later = (request.as_of, request.known_until, request.run_id) > (
            run.as_of, read_request(home, run.run_id).known_until, run.run_id,
        )  # fmt: skip
        is_frozen = (home.run_directory(request.run_id) / "frozen" / "manifest.json").exists()
        if is_later and is_frozen and approval.campaign in request.campaigns:
            raise ConfigurationError(
                f"run {request.run_id} has decided on {approval.campaign} since run {run.run_id}: approve that one"
            )
    record(home, run, approval)
    rows = {
        "run_id": [run.run_id] * len(held),
        "as_of": [naive_utc(run.as_of)] * len(held),
        "known_at": [naive_utc(known_at)] * len(held),
        "campaign": [approval.campaign] * len(held),
        "destination": [each.destination for each in held],
        "audience": [each.audience for each in held],
        "up_to": [approval.up_to if approval.is_granted else 0] * len(held),
    }
    name = f"{run.run_id}.{approval.campaign}.{approval.at:%Y%m%dT%H%M%S%fZ}"
    ledger.append(home, "removal_approvals", name, pa.table(rows, schema=ledger.REMOVAL_APPROVALS))
