"""Explain: reads the decision log of one frozen run back in words, for one person, and says what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from activation.campaigns import load_campaigns
from activation.errors import ConfigurationError
from activation.frozen import FrozenRun, connect
from activation.home import Home
from activation.nearest import Contact, audiences_of, caps_used_up, contacts_seen, re_entry_from
from activation.reasons import RULES, Reason, load_reasons, reason_of
from activation.request import read_request

_COLUMNS = (
    "campaign, slot, verdict, reason, reasons, lost_to, qualified_by, channel, destination, audience_name, "
    "cap_class, template, message_version, variant, offer, step, send_not_before, expires_at, customer_id"
)
# After these rules the next ones are not asked any more: what they would say is not known.
_ASKED_ONE_BY_ONE = 5
_NEVER = "nothing"  # a remedy that is none, before what it says of why


@dataclass(frozen=True)
class Decision:
    """One row of the decision log, as far as it is told; times are naive UTC."""

    campaign: str
    slot: str
    verdict: str
    reason: str | None
    reasons: str | None
    lost_to: str | None
    qualified_by: str
    channel: str
    destination: str
    audience_name: str | None
    cap_class: str | None
    template: str | None
    message_version: str | None
    variant: str | None
    offer: str | None
    step: int
    send_not_before: datetime
    expires_at: datetime
    customer_id: str


@dataclass(frozen=True)
class Failure:
    """A rule that fails: why, what would change it, and from when on time alone does (None: it never does)."""

    reason: str
    rule: int
    explanation: str
    remedy: str
    passes_from: datetime | None
    detail: str


@dataclass(frozen=True)
class Explained:
    """A decision with all failing rules, in their order; they are the nearest change, for each of them must pass.

    ``passes_from`` is the first moment at which all of them pass by time alone. ``is_final`` where one never does.
    ``not_asked`` are the rules that were not reached.
    """

    decision: Decision
    failures: Sequence[Failure]
    passes_from: datetime | None
    is_final: bool
    not_asked: Sequence[str]


@dataclass(frozen=True)
class Explanation:
    """One person in one run. ``audiences`` say why the person is in each; ``no_candidate_of`` are campaigns."""

    who: str
    customer_id: str
    run_id: str
    as_of: datetime
    decisions: Sequence[Explained]
    audiences: Mapping[str, str]
    no_candidate_of: Sequence[str]


def explain(home: Home, run: FrozenRun, who: str, campaign: str | None = None) -> Explanation:
    """What a run decided about a person: ``who`` is a customer id or the id of one of the person's profiles.

    Raises ``ConfigurationError`` where the run knows no such person, or was not asked for the campaign.
    """
    asked = read_request(home, run.run_id).campaigns
    if campaign is not None and campaign not in asked:
        raise ConfigurationError(f"run {run.run_id} did not decide {campaign}; it decided {', '.join(asked)}")
    with connect() as engine:
        known = engine.execute(
            "select min(customer_id) from read_parquet(?) where customer_id = ? or profile_id = ?",
            [str(run.directory / "profile_customers.parquet"), who, who],
        ).fetchone()
        if known is None or known[0] is None:
            raise ConfigurationError(f"run {run.run_id} knows nobody with the customer or profile id {who}")
        rows = engine.execute(
            f"select {_COLUMNS} from read_parquet($file) where customer_id = $customer "
            "and ($campaign is null or campaign = $campaign) order by priority, step, audience_name, destination",
            {"file": str(run.directory / "decisions.parquet"), "customer": known[0], "campaign": campaign},
        ).fetchall()
        audiences = dict(
            engine.execute(
                "select audience, min(qualified_by) from read_parquet(?) where customer_id = ? group by 1 order by 1",
                [str(run.directory / "audiences.parquet"), known[0]],
            ).fetchall()
        )
    decisions = [Decision(*row) for row in rows]
    contacts = contacts_seen(home, run, known[0]) if any(each.reasons for each in decisions) else []
    reasons = load_reasons()
    found = {each.campaign for each in decisions}
    return Explanation(
        who=who,
        customer_id=known[0],
        run_id=run.run_id,
        as_of=run.as_of,
        decisions=[_explained(each, reasons, contacts, run.as_of) for each in decisions],
        audiences=audiences,
        no_candidate_of=[
            name for name in asked if name not in found and (campaign is None or name == campaign)
        ],
    )


def _explained(
    decision: Decision, reasons: Mapping[str, Reason], contacts: Sequence[Contact], as_of: datetime
) -> Explained:
    names = [name for name in (decision.reasons or "").split(",") if name]
    failures = [_failure(decision, reason_of(name, reasons), contacts, as_of) for name in names]
    failures.sort(key=lambda failure: failure.rule)
    dates = [failure.passes_from for failure in failures]
    last = max((failure.rule for failure in failures), default=max(RULES))
    reached = _ASKED_ONE_BY_ONE if failures and last <= _ASKED_ONE_BY_ONE else last
    return Explained(
        decision=decision,
        failures=failures,
        passes_from=max(date for date in dates if date) if dates and all(dates) else None,
        is_final=any(failure.remedy.split(":")[0] == _NEVER for failure in failures),
        not_asked=[name for rule, name in RULES.items() if rule > reached],
    )


def _failure(decision: Decision, reason: Reason, contacts: Sequence[Contact], as_of: datetime) -> Failure:
    """One failing rule with its distance in time, where it has one."""
    passes_from, detail = None, ""
    if reason.name == "frequency_cap":
        used_up = caps_used_up(contacts, as_of, decision.cap_class, decision.channel)
        if used_up:
            passes_from = max(free_from for _, free_from in used_up)
            detail = "; ".join(
                f"{cap.name} allows {cap.max_contacts} in {cap.window.days} days and is free from "
                f"{free_from:%Y-%m-%d %H:%M}"
                for cap, free_from in used_up
            )
    elif reason.name == "re_entry_too_soon":
        entry = re_entry_from(contacts, decision.campaign)
        if entry:
            passes_from = entry[1]
            detail = f"last contact {entry[0]:%Y-%m-%d}, again from {entry[1]:%Y-%m-%d}"
    elif reason.name == "already_in_slot":
        detail = f"the slot is {decision.slot}"
    elif reason.name == "lost_priority":
        detail = f"{decision.lost_to} won"
    elif reason.name == "expires_before_send":
        detail = (
            f"it could leave from {decision.send_not_before:%Y-%m-%d %H:%M}, "
            f"but is out of date at {decision.expires_at:%Y-%m-%d %H:%M}"
        )
    return Failure(reason.name, reason.rule, reason.explanation, reason.remedy, passes_from, detail)


def as_json(found: Explanation) -> dict[str, Any]:
    """The explanation for machines."""
    return asdict(found) | {"as_of": found.as_of.isoformat()}


def in_words(found: Explanation) -> str:
    """The explanation as text, with what would have to change."""
    parts = [f"{found.who} in run {found.run_id} (as of {found.as_of:%Y-%m-%d %H:%M} UTC)"]
    parts += [_tell(each) for each in found.decisions]
    if found.no_candidate_of:
        parts.append(_tell_absence(found))
    return "\n\n".join(parts)


def _tell(each: Explained) -> str:
    decision = each.decision
    step = f", step {decision.step}" if decision.step > 1 else ""
    place = f", {decision.audience_name}" if decision.audience_name else ""
    lines = [f"  {decision.campaign}, {decision.slot}{step}{place}: {decision.verdict.upper()}"]
    lines.append(f"    candidate because: {decision.qualified_by}")
    if decision.verdict == "send":
        if decision.template:
            message = f"{decision.template} version {decision.message_version}, variant {decision.variant}"
            lines.append(f"    gets: {message}, offer {decision.offer or 'none'}, by {decision.destination}")
            lines.append(f"    not before: {decision.send_not_before:%Y-%m-%d %H:%M} UTC")
        else:
            lines.append(f"    is wanted in the audience at {decision.destination}")
        return "\n".join(lines)
    for number, failure in enumerate(each.failures):
        detail = f" ({failure.detail})" if failure.detail else ""
        lines.append(f"    {'and also' if number else 'because'}: {failure.explanation}{detail}")
        if failure.remedy:
            lines.append(f"      what would change it: {failure.remedy}")
    lines.append(f"    the nearest change that would include the person: {_nearest(each)}")
    return "\n".join(lines)


def _nearest(each: Explained) -> str:
    rules = list(dict.fromkeys(f"{failure.rule} {RULES.get(failure.rule, '')}" for failure in each.failures))
    text = f"rule {rules[0]} passes" if len(rules) == 1 else f"rules {', '.join(rules)} all pass"
    if each.is_final:
        text = "none; one of the reasons stays"
    elif each.passes_from is not None:
        text += f"; time alone does it, from {each.passes_from:%Y-%m-%d %H:%M} UTC on"
    if each.not_asked and not each.is_final:
        text += f". Then the rules after it are asked: {', '.join(each.not_asked)}"
    return text


def _tell_absence(found: Explanation) -> str:
    known = load_campaigns()
    lines = []
    for name in found.no_candidate_of:
        lines.append(f"  was no candidate of {name}: the person is not in its audience.")
        reads = [audience for audience in audiences_of(name) if audience not in found.audiences]
        if reads:
            lines.append(f"    audiences it reads, without the person: {', '.join(reads)}")
        if name in known and len(found.no_candidate_of) == 1:
            criteria = " ".join(known[name].criteria.split())
            lines.append(f"    the nearest change: to meet its criteria. {criteria}")
    lines.append("  audiences of this run with the person:" + ("" if found.audiences else " none"))
    lines += [f"    {audience}: {why}" for audience, why in found.audiences.items()]
    return "\n".join(lines)
