"""The outboxes decided a second time: what is sent where, and what changes in each set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from decision_layer import Row
from oracle import Court, address, message_id
from worlds import World

IDENTIFIERS = ("email", "phone", "external_id")
Change = tuple[str | None, ...]


def messages(world: World, decided: Mapping[str, Row]) -> dict[str, str | None]:
    """The address of each message that leaves, by message id."""
    court = Court(world)
    rows = (row for row in world.tables["decision_candidates"] if row["audience_name"] is None)
    return {
        message_id(row): address(court, row) for row in rows if decided[message_id(row)]["verdict"] == "send"
    }


def changes(world: World, decided: Mapping[str, Row]) -> Counter[Change]:
    """Remove what is possibly there and not wanted; add what is wanted and not certainly there.

    Nobody does both in one run, by whatever identifier.
    """
    attempts = defaultdict(list)
    for receipt in world.tables["int_membership_receipts_settled"]:
        if receipt["state"] in ("accepted", "in_doubt"):
            attempts[_member(receipt)].append(receipt)
    wanted = set(_wanted(world, decided))
    possibly = {member for member, rows in attempts.items() if _is_possibly_there(rows)}
    everything = [receipt for rows in attempts.values() for receipt in rows]
    certainly = {member for member in possibly if _is_certainly_there(attempts[member], everything)}
    removed, added = possibly - wanted, wanted - certainly
    leaving = {known for member in removed for known in _known_by(member)}
    entering = (member for member in added if leaving.isdisjoint(_known_by(member)))
    return Counter([*((*member, "remove") for member in removed), *((*member, "add") for member in entering)])


def _known_by(member: Change) -> set[Change]:
    """By what a set's destination finds somebody: the removal of one of these may take out whoever has the same."""
    _, destination, audience, _, *identifiers = member
    kinds = zip(IDENTIFIERS, identifiers, strict=True)
    return {(destination, audience, kind, value) for kind, value in kinds if value is not None}


def _member(row: Row) -> Change:
    return tuple(row[key] for key in ("campaign", "destination", "audience", "customer_id", *IDENTIFIERS))


def _wanted(world: World, decided: Mapping[str, Row]) -> list[Change]:
    court = Court(world)
    found = []
    for row in world.tables["decision_candidates"]:
        if row["audience_name"] is None or decided[message_id(row)]["verdict"] != "send":
            continue
        place = court.the("set_destinations", destination=row["destination"])
        known = court.the(
            "destination_audiences", destination=row["destination"], audience_name=row["audience_name"]
        )
        if place["needs_audience_id"] and not known:
            continue
        person = court.people[row["customer_id"]]
        inside = place["channel"] in ("crm", "onsite")
        identifiers = {
            "email": None if inside else person["email"],
            "phone": None if inside else person["phone"],
            "external_id": address(court, row) if inside else None,
        }
        found.append(_member(row | {"audience": known.get("audience", row["audience_name"])} | identifiers))
    return found


def _is_possibly_there(attempts: list[Row]) -> bool:
    """An add, and no accepted remove after it."""
    adds = [row["attempted_at"] for row in attempts if row["operation"] == "add"]
    removes = (
        row["attempted_at"] for row in attempts if row["operation"] == "remove" and row["state"] == "accepted"
    )
    return bool(adds) and not any(removed > max(adds) for removed in removes)


def _is_certainly_there(attempts: list[Row], everything: list[Row]) -> bool:
    """An accepted add, and no later attempt to remove anybody with one of the same identifiers."""
    adds = [
        row["attempted_at"] for row in attempts if row["operation"] == "add" and row["state"] == "accepted"
    ]
    same = (
        row["attempted_at"]
        for row in everything
        if row["operation"] == "remove"
        and (row["destination"], row["audience"]) == (attempts[0]["destination"], attempts[0]["audience"])
        and any(row[key] is not None and row[key] == attempts[0][key] for key in IDENTIFIERS)
    )
    return bool(adds) and not any(removed >= max(adds) for removed in same)
