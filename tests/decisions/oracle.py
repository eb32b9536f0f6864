"""Who gets what and why not, decided a second time: in plain Python, person by person, from the rules in words.

It shares nothing with the SQL. Rules 1 to 6 look at one candidate; rules 7 to 9 at what else there is for the same
person, account or channel; rule 10 is in ``allowed_hours``. Each rule of 1 to 5 answers with its reasons, in the
order in which they are told.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast

from allowed_hours import first_allowed
from decision_layer import Row
from draws import bucket
from worlds import World

GRAVEST_FIRST = ("erased", "legal", "manual", "complaint", "stop", "unsubscribe", "hard_bounce")
WAITS_AT_A_CAP = ("frequency_cap", "account_cap", "daily_budget")
HELD_OUT = ("holdout_global", "holdout_campaign")
TOO_LATE = ("no_allowed_hours", "expires_before_send")


@dataclass
class Judged:
    """A candidate on its way through the rules; in the end what the log should say of it."""

    row: Row
    person: Row
    market: Row
    content: Row
    offer: Row
    reasons: list[str] = field(default_factory=list)
    lost_to: str | None = None
    send_not_before: datetime | None = None
    stale_at: datetime = datetime.max  # noqa: DTZ901

    @property
    def is_in(self) -> bool:
        return not self.reasons

    @property
    def verdict(self) -> str:
        if self.is_in:
            return "send"
        first = self.reasons[0]
        if first in HELD_OUT:
            return "holdout"
        waits = first in WAITS_AT_A_CAP and self.row["on_cap"] == "defer"
        return "defer" if waits or first in TOO_LATE else "exclude"

    @property
    def asked_last(self) -> bool:
        """Whether it came to the hours at all."""
        return self.is_in or self.reasons[0] in TOO_LATE

    @property
    def send_date(self) -> date:
        return self.row["scheduled_at"].date()


def decide(world: World) -> dict[str, Row]:
    """What the decision log should say, by message id."""
    court = Court(world)
    for judged in court.candidates:
        for rule in (market, content, reachable, consent, suppression, re_entry):
            judged.reasons += rule(court, judged)
    for judged in court.still_in():
        judged.reasons += holdout(court, judged)
    for judged in court.still_in():
        judged.reasons += used_up(court, judged)
        judged.send_not_before = allowed_from(court, judged)
    for rule_of_many in (priority, left_of_caps, left_of_budgets, hours):
        rule_of_many(court)
    return {message_id(judged.row): told(judged) for judged in court.candidates}


class Court:
    """A world, looked up by what the rules ask for."""

    def __init__(self, world: World) -> None:
        self.as_of = world.as_of
        self.tables = world.tables
        self.people = {row["customer_id"]: row for row in world.tables["dim_customers"]}
        self.home = next(row["country"] for row in world.tables["markets"] if row["is_home"])
        self.candidates = [self._opened(row) for row in world.tables["decision_candidates"]]

    def still_in(self) -> list[Judged]:
        return [judged for judged in self.candidates if judged.is_in]

    def find(self, table: str, **values: Any) -> Iterator[Row]:
        for row in self.tables[table]:
            if all(row.get(column) == value for column, value in values.items()):
                yield row

    def the(self, table: str, **values: Any) -> Row:
        """The row with these values, or an empty one."""
        return next(self.find(table, **values), {})

    def country(self, person: Row) -> str | None:
        return (person.get("country") or self.home) if person else None

    def asked(self, row: Row) -> Row:
        return self.the("channel_purposes", channel=row["channel"], purpose=row["purpose"])

    def _opened(self, row: Row) -> Judged:
        person = self.people.get(row["customer_id"], {})
        market = self.the("markets", country=self.country(person)) if person else {}
        judged = Judged(
            row=row,
            person=person,
            market=market,
            content=self._content(row["template"], person.get("language"), market),
            offer=self.the("offers", offer=row["offer"]) if row["offer"] else {},
        )
        if row["exclusion_reasons"]:
            judged.reasons += row["exclusion_reasons"].split(",")
        ends = [row["expires_at"], *(_day_after(true) for true in (judged.content, judged.offer) if true)]
        judged.stale_at = min(end for end in ends if end)
        return judged

    def _content(self, template: str | None, language: str | None, market: Row) -> Row:
        """The person's language before the market's before the default, if the market takes that."""
        wanted = [spoken for spoken in (language, market.get("fallback_language")) if spoken]
        if template and market.get("has_default_content", True):
            wanted.append(None)
        for spoken in wanted:
            if found := self.the("stg_muster__templates", name=template, language=spoken):
                return found
        return {}


def _day_after(true: Row) -> datetime | None:
    """From when on what is true up to and including a day is not true any more."""
    return datetime.combine(true["valid_until"] + timedelta(days=1), time()) if true["valid_until"] else None


def market(court: Court, judged: Judged) -> list[str]:
    """Rule 1: what contacts a person needs an open market there, and an open channel."""
    if not court.asked(judged.row).get("is_contact"):
        return []
    if not judged.market:
        return ["no_market"]
    switched_off = court.the(
        "market_switches", market=judged.market["market"], channel=judged.row["channel"], is_open=False
    )
    return ["market_closed"] if switched_off or not judged.market["is_open"] else []


def content(court: Court, judged: Judged) -> list[str]:
    """Rule 1: something true to say, in a language of the market and in its money. The last day counts."""
    del court
    on, found, offer = judged.send_date, judged.content, judged.offer
    foreign = bool(offer.get("currency") and judged.market) and offer["currency"] != judged.market["currency"]
    failing = {
        "no_template": judged.row["template"] is not None and not found,
        "template_of_other_purpose": judged.row["purpose"] == "marketing"
        and found.get("purpose") not in (None, "marketing"),
        "template_expired": bool(found and found["valid_until"]) and on > found["valid_until"],
        "no_offer": judged.row["offer"] is not None and not offer,
        "offer_not_valid": bool(offer) and not offer["valid_from"] <= on <= offer["valid_until"],
        "offer_in_other_currency": foreign,
    }
    return [reason for reason, fails in failing.items() if fails]


def reachable(court: Court, judged: Judged) -> list[str]:
    """Rule 2: a usable address on the channel."""
    return [] if address(court, judged.row) else ["unreachable"]


def address(court: Court, row: Row) -> str | None:  # noqa: PLR0911 - a channel each
    """Where a message on this channel would go."""
    customer, channel = row["customer_id"], row["channel"]
    person = court.people.get(customer, {})
    if channel == "social":
        post = court.the("social_posts", post_id=customer)
        return f"{post['network']}:{customer}" if post else None
    if channel == "push":
        return court.the("dim_push_tokens", customer_id=customer).get("push_token")
    if channel in ("crm", "onsite", "support"):
        return court.the("dim_external_ids", customer_id=customer, source_system="crm").get("external_id")
    if channel in ("ads", "lists"):
        return person.get("email") or person.get("phone")
    if channel == "mail":
        if not all(person.get(part) for part in ("last_name", "address", "postal_code", "city")):
            return None
        name = " ".join(filter(None, (person["first_name"], person["last_name"])))
        town = f"{person['postal_code']} {person['city']}"
        return ", ".join(filter(None, (name, person["address"], town, person["country"])))
    return person.get({"email": "email", "sms": "phone", "task": "account_id"}[channel])


def consent(court: Court, judged: Judged) -> list[str]:
    """Rule 3: the consent that channel and purpose ask for is in force; a purpose without a rule is not allowed.

    Then the destination's own wishes, whatever rule the channel has.
    """
    return _of_channel(court, judged) or _of_destination(court, judged)


def _of_destination(court: Court, judged: Judged) -> list[str]:
    """Consents that a destination asks for of people in an area: given there, and lapsed or withdrawn nowhere."""
    country = court.country(judged.person)
    for asked in court.find("destination_consents", destination=judged.row["destination"]):
        state = court.the(
            "int_consents_resolved",
            customer_id=judged.row["customer_id"],
            channel=asked["consent_channel"],
            purpose=asked["consent_purpose"],
        ).get("state")
        is_in_area = bool(court.the("country_areas", area=asked["area"], country=country))
        if state in ("withdrawn", "expired") or (state is None and is_in_area):
            return ["no_destination_consent"]
    return []


def _of_channel(court: Court, judged: Judged) -> list[str]:
    asked = court.asked(judged.row)
    if not asked:
        return ["purpose_not_allowed"]
    state = court.the(
        "int_consents_resolved",
        customer_id=judged.row["customer_id"],
        channel=asked["consent_channel"],
        purpose=asked["consent_purpose"],
    ).get("state")
    against = {"withdrawn": "consent_withdrawn", "expired": "consent_expired", None: "no_consent"}
    if asked["consent_rule"] == "granted":
        return [against[state]] if state != "granted" else []
    if asked["consent_rule"] == "not_withdrawn":
        return ["consent_withdrawn"] if state == "withdrawn" else []
    return []


def suppression(court: Court, judged: Judged) -> list[str]:
    """Rule 4: not suppressed on the channel whose wishes count, or on all; for this campaign, or for any."""
    asked = court.asked(judged.row)
    if not asked.get("is_contact"):
        return []
    found = {
        row["reason"]
        for row in court.find("int_suppressions_resolved", customer_id=judged.row["customer_id"])
        if row["channel"] in (asked["consent_channel"] or judged.row["channel"], "all")
        and row["campaign"] in (judged.row["campaign"], None)
    }
    return [f"suppressed_{reason}" for reason in GRAVEST_FIRST if reason in found][:1]


def re_entry(court: Court, judged: Judged) -> list[str]:
    """Rule 5: the same campaign, in this slot and step or too recently; who enters is asked, later steps are not."""
    row = judged.row
    contacts = list(court.find("fct_contacts", customer_id=row["customer_id"], campaign=row["campaign"]))
    if any((contact.get("slot"), contact.get("step")) == (row["slot"], row["step"]) for contact in contacts):
        return ["already_in_slot"]
    if row["step"] != 1:
        return []
    if row["re_entry"] == "never" and contacts:
        return ["re_entry_never"]
    days = [(court.as_of.date() - contact["contacted_at"].date()).days for contact in contacts]
    too_soon = row["re_entry"] == "after_days" and any(passed < row["re_entry_after_days"] for passed in days)
    return ["re_entry_too_soon"] if too_soon else []


def holdout(court: Court, judged: Judged) -> list[str]:
    """Rule 6: a stable draw, the global one before the campaign's; a quarterly one anew on the quarter's first day."""
    row = judged.row
    for drawn in court.find("holdouts", holdout="global", purpose=row["purpose"]):
        first_day = date(court.as_of.year, (court.as_of.month - 1) // 3 * 3 + 1, 1)
        salt = drawn["salt"] + (f"|{first_day}" if drawn["rotates"] == "quarterly" else "")
        if bucket(f"global|{salt}|{row['customer_id']}") < Decimal(drawn["share"]) * 10_000:
            return ["holdout_global"]
    if bucket(f"{row['campaign']}|holdout|{row['customer_id']}") < Decimal(row["holdout_share"]) * 10_000:
        return ["holdout_campaign"]
    return []


def _caps(court: Court, judged: Judged) -> Iterator[tuple[Row, str]]:
    """The caps that count and limit this message, each with whose it is."""
    for cap in court.tables["frequency_caps"]:
        applies = cap["cap_class"] in (judged.row["cap_class"], "any") and cap["channel"] in (
            judged.row["channel"],
            "any",
        )
        holder = judged.person.get("account_id") if cap["scope"] == "account" else judged.row["customer_id"]
        if judged.row["cap_class"] and judged.person and applies and holder:
            yield cap, holder


def _used(court: Court, cap: Row, holder: str) -> int:
    """Contacts of a cap's window, and those promised for later, that the person or account had."""
    opened = court.as_of - timedelta(days=cap["window_days"])
    whose: Callable[[str], str | None] = lambda customer: (  # noqa: E731
        court.people.get(customer, {}).get("account_id") if cap["scope"] == "account" else customer
    )
    return sum(
        whose(contact["customer_id"]) == holder
        and contact["cap_class"] is not None
        and cap["cap_class"] in (contact["cap_class"], "any")
        and cap["channel"] in (contact["channel"], "any")
        and contact["contacted_at"] > opened
        for contact in court.tables["fct_contacts"]
    )


def _cap_reason(caps: list[Row]) -> list[str]:
    """One's own cap is named before the account's."""
    if not caps:
        return []
    return ["frequency_cap" if any(cap["scope"] == "customer" for cap in caps) else "account_cap"]


def used_up(court: Court, judged: Judged) -> list[str]:
    """Rule 7: a cap that was used up before this run."""
    caps = [cap for cap, holder in _caps(court, judged) if _used(court, cap, holder) >= cap["max_contacts"]]
    return _cap_reason(caps)


def priority(court: Court) -> None:
    """Rule 8: one winner per person, day and cap class; the losers name it."""
    contests = defaultdict(list)
    for judged in court.still_in():
        if judged.row["cap_class"]:
            contests[judged.row["customer_id"], judged.send_date, judged.row["cap_class"]].append(judged)
    for contest in contests.values():
        winner, *losers = sorted(
            contest, key=lambda one: [one.row[key] for key in ("priority", "slot", "step")]
        )
        for loser in losers:
            loser.reasons.append("lost_priority")
            loser.lost_to = winner.row["campaign"]


def left_of_caps(court: Court) -> None:
    """Rule 9: winners take what is left of every cap in priority order; what one cap refuses promotes nobody."""
    order = ("priority", "scheduled_at", "slot", "step", "customer_id")
    winners = sorted(court.still_in(), key=lambda one: [one.row[key] for key in order])
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for judged in winners:
        refusing = []
        for cap, holder in _caps(court, judged):
            taken[cap["cap"], holder] += 1
            if _used(court, cap, holder) + taken[cap["cap"], holder] > cap["max_contacts"]:
                refusing.append(cap)
        judged.reasons += _cap_reason(refusing)


def left_of_budgets(court: Court) -> None:
    """Rule 9: a channel sends so many on a day (UTC), contacts of and promised for the day included.

    The day is the one on which the message may leave: quiet hours move it, and nothing leaves before the run.
    """
    days = defaultdict(list)
    for judged in court.still_in():
        leaves_at = max(judged.send_not_before or judged.row["scheduled_at"], court.as_of)
        days[judged.row["channel"], leaves_at.date()].append(judged)
    for (channel, day), winners in days.items():
        budget = court.the("daily_budgets", channel=channel)
        if not budget:
            continue
        contacts = court.find("fct_contacts", channel=channel)
        left = budget["max_messages"] - sum(contact["contacted_at"].date() == day for contact in contacts)
        winners.sort(key=_drawn_anew_for_each_slot)
        for judged in winners[max(left, 0) :]:
            judged.reasons.append("daily_budget")


def _drawn_anew_for_each_slot(judged: Judged) -> tuple[Any, ...]:
    row = judged.row
    return (
        row["priority"],
        _md5(f"{row['slot']}|{row['customer_id']}"),
        row["slot"],
        row["step"],
        row["customer_id"],
    )


def allowed_from(court: Court, judged: Judged) -> datetime | None:
    """When hours would let the message leave."""
    if judged.row["quiet_hours_class"] == "none":
        return cast("datetime", judged.row["scheduled_at"])
    return first_allowed(court, judged)


def hours(court: Court) -> None:
    """Rule 10: allowed hours at the recipient's place; what would be stale by then is put off, not dropped."""
    for judged in court.still_in():
        if judged.send_not_before is None:
            judged.reasons.append("no_allowed_hours")
        elif judged.send_not_before >= judged.stale_at:
            judged.reasons.append("expires_before_send")


def told(judged: Judged) -> Row:
    """What the log should say, but for the columns that it only passes on."""
    return {
        "verdict": judged.verdict,
        "reason": judged.reasons[0] if judged.reasons else None,
        "reasons": ",".join(judged.reasons) or None,
        "lost_to": judged.lost_to,
        "template": judged.content.get("template", judged.row["template"]),
        "message_version": judged.content.get("message_version"),
        "market": judged.market.get("market"),
        "send_not_before": (judged.asked_last and judged.send_not_before) or judged.row["scheduled_at"],
        "expires_at": judged.stale_at,
    }


def message_id(row: Row) -> str:
    """The identity of one message, or of one wish of a set."""
    what = f"{row['destination']}/{row['audience_name']}" if row["audience_name"] else row["step"]
    return _md5(f"{row['campaign']}|{row['slot']}|{what}|{row['customer_id']}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
