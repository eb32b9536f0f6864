"""What people and schedulers need to know of a campaign: the exposure in its yml, read and checked.

SQL holds the policy. The exposure's ``meta`` holds destination (several: ``meta, google``), schedule, approver
and, where it is not everything, what to build; its description the purpose and the criteria in words. It is read from
the files themselves, before any build, so that a mistake is told with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from activation.connectors.registry import REGISTRY
from activation.errors import ConfigurationError
from activation.settings import PROJECT

META = ("destination", "schedule", "approver")
OPTIONAL = ("build",)
_DESCRIBED = re.compile(
    r"\s*\*\*Purpose\.\*\*\s+(?P<purpose>.+?)\s+\*\*Criteria\.\*\*\s+(?P<criteria>.+?)\s*", re.DOTALL
)


class Build(StrEnum):
    """What a campaign's run builds: everything, or what the latest sign-ups need."""

    FULL = "full"
    MICRO_BATCH = "micro_batch"


@dataclass(frozen=True)
class Campaign:
    """One live campaign. ``priority`` counts from 1, the winner; ``destinations`` are names of connectors."""

    name: str
    priority: int
    owner: str
    owner_email: str
    destinations: tuple[str, ...]
    schedule: str
    approver: str
    purpose: str
    criteria: str
    build: Build = Build.FULL


def load_campaigns(project: Path = PROJECT) -> dict[str, Campaign]:
    """All live campaigns by name, in their order of priority.

    Raises ``ConfigurationError`` naming file and line where an exposure is missing, incomplete or names an
    unknown destination, and where ``campaign_priority.sql`` and the campaign files do not name the same ones.
    """
    order = priority_order(project)
    exposures = dict(_exposures(project))
    for name in order:
        if name not in exposures:
            raise ConfigurationError(
                f"macros/campaign_priority.sql lists {name}, but no exposure of that name is in "
                f"models/campaigns/cmp_{name}.yml: add it"
            )
    for name, (where, _) in exposures.items():
        if name not in order:
            raise ConfigurationError(
                f"{where}: campaign {name} is not in macros/campaign_priority.sql: add it where its priority is"
            )
    return {name: _campaign(name, priority, *exposures[name]) for priority, name in enumerate(order, start=1)}


def choose(campaigns: Mapping[str, Campaign], names: list[str]) -> list[str]:
    """The named campaigns in order of priority, or all. Raises ``ConfigurationError`` for an unknown one."""
    for name in names:
        if name not in campaigns:
            raise ConfigurationError(f"no campaign is called {name}; there are {', '.join(campaigns)}")
    return [name for name in campaigns if name in names or not names]


def priority_order(project: Path) -> list[str]:
    """The names in ``campaign_priority.sql``, first to last; of this project or another version of it."""
    return re.findall(r"'(\w+)'", _text(project / "macros" / "campaign_priority.sql", project))


def _text(file: Path, project: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file.relative_to(project)} is not UTF-8: save it as UTF-8") from None


def _exposures(project: Path) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    for file in sorted((project / "models" / "campaigns").glob("*.yml")):
        place = file.relative_to(project)
        text = _text(file, project)
        try:
            content = yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise ConfigurationError(f"{place}:{line}: this is not valid YAML") from None
        exposures = _mapping(content, str(place)).get("exposures") or []
        if not isinstance(exposures, list):
            raise ConfigurationError(f"{place}: exposures is a list")
        for found in exposures:
            exposure = _mapping(found, f"{place}: an exposure")
            name = str(exposure.get("name"))
            line = next(
                (
                    number
                    for number, row in enumerate(text.splitlines(), 1)
                    if row.strip() == f"- name: {name}"
                ),
                1,
            )
            yield name, (f"{place}:{line}", exposure)


def _mapping(found: Any, where: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ConfigurationError(f"{where} says names and values: see another campaign's file")
    return found


def _campaign(name: str, priority: int, where: str, exposure: dict[str, Any]) -> Campaign:
    config = _mapping(exposure.get("config") or {}, f"{where}: config")
    meta = _mapping(config.get("meta") or {}, f"{where}: config.meta")
    owner = _mapping(exposure.get("owner") or {}, f"{where}: owner")
    found = {"owner.name": owner.get("name"), "owner.email": owner.get("email")}
    found |= {f"config.meta.{key}": meta.get(key) for key in META}
    for key, value in found.items():
        if not isinstance(value, str) or not value.strip():
            raise ConfigurationError(f"{where}: exposure {name} must say {key}, as a text")
    unknown = sorted(map(str, set(meta) - {*META, *OPTIONAL}))
    if unknown:
        raise ConfigurationError(
            f"{where}: exposure {name} says config.meta.{unknown[0]}, which nobody reads; "
            f"known are {', '.join(META + OPTIONAL)}"
        )
    destinations = tuple(part.strip() for part in meta["destination"].split(","))
    for destination in destinations:
        if destination not in REGISTRY or destinations.count(destination) > 1:
            raise ConfigurationError(
                f"{where}: exposure {name} names the destination {destination or '(none)'}, which must be there, "
                f"and be named once; registered are {', '.join(REGISTRY)}"
            )
    built = meta.get("build", Build.FULL)
    if built not in list(Build):
        raise ConfigurationError(
            f"{where}: config.meta.build of exposure {name} is one of {', '.join(Build)}"
        )
    described = _DESCRIBED.fullmatch(str(exposure.get("description") or ""))
    if described is None:
        raise ConfigurationError(
            f"{where}: the description of exposure {name} must have two parts, "
            f"'**Purpose.** …' and '**Criteria.** …', so that people know what goes out and to whom"
        )
    return Campaign(
        name=name,
        priority=priority,
        owner=owner["name"],
        owner_email=owner["email"],
        purpose=described["purpose"],
        criteria=described["criteria"],
        destinations=destinations,
        schedule=meta["schedule"].strip(),
        approver=meta["approver"].strip(),
        build=Build(built),
    )
