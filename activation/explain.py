"""Explain: reads the decision log of one frozen run back in words, for one person."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from activation.errors import ConfigurationError
from activation.frozen import FrozenRun, connect
from activation.settings import PROJECT

_COLUMNS = (
    "campaign, slot, verdict, reason, reasons, lost_to, qualified_by, channel, destination, template, "
    "message_version, variant, offer, send_not_before, customer_id"
)


@dataclass(frozen=True)
class Decision:
    """One row of the decision log, as far as it is told."""

    campaign: str
    slot: str
    verdict: str
    reason: str | None
    reasons: str | None
    lost_to: str | None
    qualified_by: str
    channel: str
    destination: str
    template: str | None
    message_version: str | None
    variant: str | None
    offer: str | None
    send_not_before: datetime
    customer_id: str


def decisions_of(run: FrozenRun, who: str, campaign: str | None = None) -> list[Decision]:
    """The decisions about a person: ``who`` is a customer id or the id of one of the person's profiles.

    Raises ``ConfigurationError`` where the run knows no such person.
    """
    with connect() as engine:
        known = engine.execute(
            "select min(customer_id) from read_parquet(?) where customer_id = ? or profile_id = ?",
            [str(run.directory / "profile_customers.parquet"), who, who],
        ).fetchone()
        if known is None or known[0] is None:
            raise ConfigurationError(f"run {run.run_id} knows nobody with the customer or profile id {who}")
        rows = engine.execute(
            f"select {_COLUMNS} from read_parquet($file) where customer_id = $customer "
            "and ($campaign is null or campaign = $campaign) order by priority",
            {"file": str(run.directory / "decisions.parquet"), "customer": known[0], "campaign": campaign},
        ).fetchall()
    return [Decision(*row) for row in rows]


def in_words(run: FrozenRun, who: str, decisions: list[Decision], campaign: str | None = None) -> str:
    """The decisions as text, with what would have to change."""
    head = f"{who} in run {run.run_id} (as of {run.as_of:%Y-%m-%d %H:%M} UTC)"
    if not decisions:
        what = campaign or "any campaign"
        return f"{head}\n\n  was no candidate of {what}: the person is not in its audience."
    reasons = _reasons()
    return "\n\n".join([head, *(_tell(decision, reasons) for decision in decisions)])


def _tell(decision: Decision, reasons: dict[str, tuple[str, str]]) -> str:
    lines = [f"  {decision.campaign}, {decision.slot}: {decision.verdict.upper()}"]
    lines.append(f"    candidate because: {decision.qualified_by}")
    if decision.verdict == "send":
        if decision.template:
            message = f"{decision.template} version {decision.message_version}, variant {decision.variant}"
            lines.append(f"    gets: {message}, offer {decision.offer or 'none'}, by {decision.destination}")
            lines.append(f"    not before: {decision.send_not_before:%Y-%m-%d %H:%M} UTC")
        else:
            lines.append(f"    is wanted in the audience at {decision.destination}")
        return "\n".join(lines)
    for number, reason in enumerate((decision.reasons or "").split(",")):
        words, remedy = reasons.get(reason, (reason.replace("_", " "), ""))
        word = "because" if number == 0 else "and also"
        winner = f" ({decision.lost_to})" if reason == "lost_priority" else ""
        lines.append(f"    {word}: {words}{winner}")
        if remedy:
            lines.append(f"      what would change it: {remedy}")
    return "\n".join(lines)


def _reasons(project: Path = PROJECT) -> dict[str, tuple[str, str]]:
    """What each reason of a shared rule means; a campaign's own reasons speak for themselves."""
    with (project / "seeds" / "reference" / "decision_reasons.csv").open(newline="") as file:
        return {row["reason"]: (row["explanation"], row["remedy"]) for row in csv.DictReader(file)}
