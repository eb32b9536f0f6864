"""What sending a plan would take: requests, people in doubt if an answer is lost, money and time."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from activation.connectors.registry import REGISTRY
from activation.errors import ConfigurationError
from activation.frozen import connect
from activation.settings import PROJECT

COSTS = Path("seeds") / "reference" / "channel_costs.csv"


@dataclass(frozen=True)
class Estimate:
    """One campaign at one destination.

    ``people_per_request`` is how many would be in doubt if one answer were lost, ``people_open`` if the process were
    killed: those in the requests that are open at once. ``requests`` is the least there can be: a body that grows too
    large is cut further. ``cost`` is in ``currency``, ``seconds`` at the channel's contracted pace.
    """

    campaign: str
    destination: str
    channel: str
    people: int
    requests: int
    people_per_request: int
    people_open: int
    cost: Decimal
    currency: str
    seconds: float


@dataclass(frozen=True)
class _Rate:
    cost_per_message: Decimal
    currency: str
    messages_per_second: float


def estimates(directory: Path, project: Path = PROJECT) -> dict[str, list[Estimate]]:
    """The estimate of each campaign of an exported or frozen run, by destination.

    Raises ``ConfigurationError`` where a channel has no line in ``channel_costs.csv``.
    """
    rates = _rates(project)
    with connect(directory) as engine:
        streams = engine.execute(
            """
            select campaign, destination, channel, count(*) from read_parquet($messages)
            group by campaign, destination, channel, slot, step, template, message_version
            union all
            select campaign, destination, channel, count(*) from read_parquet($memberships)
            group by campaign, destination, channel, slot, audience, operation
            """,
            {
                "messages": str(directory / "outbox_messages.parquet"),
                "memberships": str(directory / "outbox_memberships.parquet"),
            },
        ).fetchall()
    sums: dict[tuple[str, str, str], list[int]] = {}
    for campaign, destination, channel, people in streams:
        if destination not in REGISTRY:
            raise ConfigurationError(
                f"campaign {campaign} goes to {destination}, which is no connector; "
                f"there are {', '.join(sorted(REGISTRY))}"
            )
        sums.setdefault((campaign, destination, channel), []).append(people)
    found: dict[str, list[Estimate]] = {}
    for (campaign, destination, channel), parts in sorted(sums.items()):
        rate = rates.get(channel)
        if rate is None:
            raise ConfigurationError(f"{COSTS} has no line for the channel {channel}: add it")
        kind, people = REGISTRY[destination], sum(parts)
        most = kind.max_rows
        found.setdefault(campaign, []).append(
            Estimate(
                campaign=campaign,
                destination=destination,
                channel=channel,
                people=people,
                requests=sum(-(-part // most) for part in parts),
                people_per_request=min(most, max(parts)),
                people_open=min(most * kind.throughput.most_open, max(parts)),
                cost=(rate.cost_per_message * people).quantize(Decimal("0.01")),
                currency=rate.currency,
                seconds=round(people / rate.messages_per_second, 1),
            )
        )
    return found


def estimate_line(estimate: Estimate) -> str:
    """An estimate for people."""
    requests = "request" if estimate.requests == 1 else "requests"
    return (
        f"{estimate.destination}: {estimate.people:,} people in {estimate.requests:,} {requests} "
        f"(in doubt at most {estimate.people_per_request:,} by a lost answer, {estimate.people_open:,} by a kill), "
        f"{estimate.cost:,} {estimate.currency}, about {_duration(estimate.seconds)}"
    )


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{minutes:.0f} min" if minutes >= 1 else f"{max(seconds, 1):.0f} s"


def _rates(project: Path) -> dict[str, _Rate]:
    file = project / COSTS
    with file.open(newline="", encoding="utf-8") as lines:
        rates = {
            row["channel"]: _Rate(
                Decimal(row["cost_per_message"]), row["currency"], float(row["messages_per_second"])
            )
            for row in csv.DictReader(lines)
        }
    for channel, rate in rates.items():
        if rate.messages_per_second <= 0:
            raise ConfigurationError(f"{COSTS}: messages_per_second of {channel} must be above 0")
    return rates
