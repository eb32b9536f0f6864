"""Explain who a golden customer is: which profiles, linked by what, as the published warehouse has it.

Profile ids, systems and kinds of evidence are told; names, addresses and numbers are not.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from activation.errors import ConfigurationError
from activation.home import Home
from activation.settings import PROJECT

MAP = "intermediate.int_profiles_mapped"
SUCCEEDED = "intermediate.int_customers_succeeded"
PROFILES = """
select cleaned.profile_id, cleaned.source_system, cleaned.created_at, cleaned.updated_at
from intermediate.int_profiles_mapped as mapped
inner join intermediate.int_profiles_cleaned as cleaned on mapped.profile_id = cleaned.profile_id
where mapped.customer_id = $customer
order by cleaned.created_at, cleaned.profile_id
"""
LINKS = """
select links.profile_id_a, links.profile_id_b, links.evidence, links.points
from intermediate.int_profile_links_found as links
inner join intermediate.int_profiles_mapped as mapped on links.profile_id_a = mapped.profile_id
where mapped.customer_id = $customer
order by links.points desc, links.profile_id_a, links.profile_id_b, links.evidence
"""
IGNORED = """
select keys.profile_id, keys.key_kind, shared.profile_count
from intermediate.int_profile_keys_collected as keys
inner join intermediate.int_profile_keys_shared as shared
    on keys.key_kind = shared.key_kind and keys.key_value = shared.key_value
inner join intermediate.int_profiles_mapped as mapped on keys.profile_id = mapped.profile_id
where shared.is_junk and mapped.customer_id = $customer
order by keys.profile_id, keys.key_kind, shared.profile_count
"""
EARLIER = """
select earlier_customer_id from intermediate.int_customers_succeeded
where customer_id = $customer order by earlier_customer_id
"""
DEVICES = """
select count(distinct device_id) from intermediate.int_devices_stitched where customer_id = $customer
"""


@dataclass(frozen=True)
class Profile:
    """A profile of the customer; times in UTC."""

    profile_id: str
    source_system: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Link:
    """Two profiles that are one person: kinds of evidence, separated by commas, and what they weigh."""

    profile_id_a: str
    profile_id_b: str
    evidence: str
    points: int


@dataclass(frozen=True)
class Ignored:
    """A key of a profile that so many profiles share that it links nobody."""

    profile_id: str
    key_kind: str
    profile_count: int


@dataclass(frozen=True)
class Identity:
    """Who a golden customer is. ``earlier_ids`` were merged into this one; ``devices`` counts them."""

    customer_id: str
    profiles: tuple[Profile, ...]
    links: tuple[Link, ...]
    ignored: tuple[Ignored, ...]
    earlier_ids: tuple[str, ...]
    devices: int

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def identity_of(home: Home, who: str) -> Identity:
    """The identity of a person: ``who`` is a customer id, also an earlier one, or a profile id.

    Raises ``ConfigurationError`` where nothing was built yet, or nobody has that id.
    """
    if not home.warehouse_file.exists():
        raise ConfigurationError("nothing was built yet: `muster build` makes the warehouse")
    with duckdb.connect(str(home.warehouse_file), read_only=True) as engine:
        customer = customer_called(engine, who, MAP, SUCCEEDED)
        if customer is None:
            raise ConfigurationError(f"the warehouse knows nobody with the customer or profile id {who}")

        def ask(query: str) -> list[tuple[Any, ...]]:
            return engine.execute(query, {"customer": customer}).fetchall()

        return Identity(
            customer_id=customer,
            profiles=tuple(Profile(*row) for row in ask(PROFILES)),
            links=tuple(Link(*row) for row in ask(LINKS)),
            ignored=tuple(Ignored(*row) for row in ask(IGNORED)),
            earlier_ids=tuple(str(row[0]) for row in ask(EARLIER)),
            devices=int(ask(DEVICES)[0][0]),
        )


def customer_called(engine: duckdb.DuckDBPyConnection, who: str, profiles: str, succeeded: str) -> str | None:
    """The golden customer whose id, earlier id or profile id this is; None where it is nobody's.

    ``profiles`` and ``succeeded`` are relations with the columns of ``int_profiles_mapped`` and
    ``int_customers_succeeded``.
    """
    found = engine.execute(
        f"select customer_id from {profiles} where customer_id = $who or profile_id = $who "
        f"union all select customer_id from {succeeded} where earlier_customer_id = $who limit 1",
        {"who": who},
    ).fetchone()
    return None if found is None else str(found[0])


def in_words(identity: Identity) -> str:
    """The identity as text, with what each kind of evidence means."""
    many = len(identity.profiles) != 1
    lines = [f"customer {identity.customer_id}: {len(identity.profiles)} profile{'s' if many else ''}", ""]
    lines += [
        f"  {profile.profile_id} ({profile.source_system}), created {profile.created_at:%Y-%m-%d}, "
        f"updated {profile.updated_at:%Y-%m-%d}"
        for profile in identity.profiles
    ]
    meanings = _meanings()
    by_pair: dict[str, list[Link]] = {}
    for link in identity.links:
        by_pair.setdefault(f"{link.profile_id_a} and {link.profile_id_b}", []).append(link)
    for pair, links in by_pair.items():
        lines += ["", f"  {pair} are one person:"]
        for link in links:
            evidence = " and ".join(meanings.get(kind, kind) for kind in link.evidence.split(","))
            lines.append(f"    {evidence} ({link.points} points)")
    if not identity.links:
        lines += ["", "  no other profile shares enough with it"]
    for key in identity.ignored:
        words = meanings.get(key.key_kind, key.key_kind.replace("_", " "))
        lines += ["", f"  not counted for {key.profile_id}: {words}, with {key.profile_count - 1:,} others"]
    if identity.devices:
        lines += ["", f"  signed in on {identity.devices} device{'s' if identity.devices > 1 else ''}"]
    if identity.earlier_ids:
        lines += ["", f"  earlier ids, merged into this one: {', '.join(identity.earlier_ids)}"]
    return "\n".join(lines)


def _meanings(project: Path = PROJECT) -> dict[str, str]:
    with (project / "seeds" / "reference" / "identity_rules.csv").open(newline="") as file:
        return {row["evidence"]: _lowered(row["meaning"]) for row in csv.DictReader(file)}


def _lowered(words: str) -> str:
    return words[:1].lower() + words[1:]
