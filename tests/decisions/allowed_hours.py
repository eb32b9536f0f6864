"""Rule 10 in words: the first moment, not before the scheduled one, at which clocks at the recipient's place allow it.

A moment is looked at on the wall of every zone that the person may live in. So this knows no windows and no
intersections, only the next moments at which some wall shows the opening hour.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from decision_layer import Row

if TYPE_CHECKING:
    from oracle import Court, Judged

DAYS_AHEAD = 3


def first_allowed(court: Court, judged: Judged) -> datetime | None:
    """When the message may leave; none where no hour is allowed."""
    hours = _hours(court, judged)
    zones = [ZoneInfo(name) for name in _zones(court, judged)]
    if not zones:
        return None
    scheduled = judged.row["scheduled_at"].replace(tzinfo=UTC)
    moments = sorted({scheduled, *_openings(scheduled, zones, hours["opens_at_hour"])})
    for moment in moments:
        if moment >= scheduled and all(_is_allowed(moment.astimezone(zone), hours) for zone in zones):
            return moment.replace(tzinfo=None)
    return None


def _is_allowed(local: datetime, hours: Row) -> bool:
    return bool(hours["opens_at_hour"] <= local.hour < hours["closes_at_hour"])


def _openings(scheduled: datetime, zones: list[ZoneInfo], hour: int) -> set[datetime]:
    return {
        datetime.combine(
            scheduled.astimezone(zone).date() + timedelta(days=day), time(hour), zone
        ).astimezone(UTC)
        for zone in zones
        for day in range(DAYS_AHEAD)
    }


def _zones(court: Court, judged: Judged) -> list[str]:
    """The person's zone; where it is unknown, every zone of the country."""
    if judged.person["time_zone"]:
        return [judged.person["time_zone"]]
    return [row["time_zone"] for row in court.find("time_zones", country=court.country(judged.person))]


def _hours(court: Court, judged: Judged) -> Row:
    """The most specific row: of the region, of the country, of the class."""
    country = court.country(judged.person)
    region = _region(court, judged.person, country)
    name = judged.row["quiet_hours_class"]
    wheres = [(country, region)] if region else []
    for row_country, row_region in (*wheres, (country, None), (None, None)):
        if found := court.the("quiet_hours", quiet_hours_class=name, country=row_country, region=row_region):
            return found
    raise AssertionError(f"no hours for {name} everywhere")


def _region(court: Court, person: Row, country: str | None) -> str | None:
    prefix = (person["postal_code"] or "")[:3]
    for row in court.find("postal_regions", country=country):
        if prefix and row["first_prefix"] <= prefix <= row["last_prefix"]:
            return str(row["region"])
    return None
