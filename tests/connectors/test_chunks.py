"""How an outbox becomes requests: by count, and by bytes where people's values are long; and one bad row of many."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from connector_cases import content_for

sys.path.insert(0, str(Path(__file__).parent.parent / "delivery"))

from delivery_world import ADS, CAMPAIGN, DeliveryWorld, make_run, membership, message, opened

from activation.connectors import Throughput
from activation.connectors.meta import Meta
from activation.connectors.registry import connector
from activation.connectors.sendgrid import SendGrid
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Answer, Request

FIELDS = json.dumps({"first_name": "Ann", "offer_text": "15 % off"})
CONTENT = content_for("email")


class Bulk(SendGrid):
    """SendGrid at the most that its API takes, one request after the other."""

    max_rows = 1_000
    throughput = Throughput()


class Small(Meta):
    """Meta with a limit that a request of ordinary people reaches."""

    max_bytes = 60_000


@pytest.fixture
def world(home: Home, sandbox: Sandbox) -> Iterator[DeliveryWorld]:
    del sandbox  # it only has to run
    with opened(home) as world:
        yield world


def watched(destination: Any) -> list[tuple[int, bool]]:
    """How many people each request carries from here on, and whether it was refused."""
    asked: list[tuple[int, bool]] = []
    send = destination.send

    def send_and_note(request: Request) -> Answer:
        try:
            answer: Answer = send(request)
        except Exception:
            asked.append((request.people, True))
            raise
        asked.append((request.people, answer.state != "accepted"))
        return answer

    destination.send = send_and_note
    return asked


def made(kind: type[Any], home: Home) -> Any:
    """Make a variant of a connector, on the settings of the real one."""
    real: Any = connector(home, kind.name)
    real.__class__ = kind
    return real


def mails(people: int, **changes: Any) -> list[dict[str, Any]]:
    common = {"fields": FIELDS, "template": CONTENT.template, "message_version": CONTENT.version}
    return [message(number, **(common | changes)) for number in range(people)]


def deliver(world: DeliveryWorld, destination: Any, rows: list[dict[str, Any]]) -> Counter[str]:
    is_set = destination.channel == "ads"
    run = make_run(world.home, **({"memberships": rows} if is_set else {"messages": rows}))
    campaign = ADS if is_set else CAMPAIGN
    result = world.deliver(run, destination, campaign, content={CONTENT.template: CONTENT})
    return Counter({state: count for state, count in result.counts.items() if count})


@pytest.mark.parametrize(("people", "chunks"), [(999, [999]), (1_000, [1_000]), (1_001, [1_000, 1])])
def test_mail_is_chunked_by_count(
    people: int, chunks: list[int], world: DeliveryWorld, sandbox: Sandbox
) -> None:
    destination = made(Bulk, world.home)
    asked = watched(destination)
    assert deliver(world, destination, mails(people)) == {"accepted": people}
    assert asked == [(chunk, False) for chunk in chunks]
    assert len({line["message_id"] for line in sandbox.accepted()}) == people == len(sandbox.accepted())


@pytest.mark.parametrize(
    ("most", "people", "chunks"),
    [
        (10_000, 10_000, [10_000]),
        (10_000, 10_001, [10_000, 1]),
        (1_000, 10_000, [1_000] * 10),
        (1_000, 10_001, [1_000] * 10 + [1]),
    ],
)
def test_a_set_is_chunked_by_count(
    most: int, people: int, chunks: list[int], world: DeliveryWorld, sandbox: Sandbox
) -> None:
    destination: Any = connector(world.home, "meta")
    destination.max_rows = most
    asked = watched(destination)
    rows = [membership(number) for number in range(people)]
    assert deliver(world, destination, rows) == {"accepted": people}
    assert asked == [(chunk, False) for chunk in chunks]
    assert len(sandbox.accepted()) == people


def test_one_bad_address_of_a_thousand_costs_one(world: DeliveryWorld, sandbox: Sandbox) -> None:
    rows = mails(1_000)
    rows[617]["address"] = "not an address"
    destination = made(Bulk, world.home)
    asked = watched(destination)
    assert deliver(world, destination, rows) == {"accepted": 999, "refused": 1}
    refused = [row for row in world.receipts() if row["state"] == "refused"]
    assert [(row["message_id"], row["reason"]) for row in refused] == [
        (rows[617]["message_id"], "sendgrid_400_to")
    ]
    assert sum(people for people, _ in asked) <= 2_000
    accepted = [line["message_id"] for line in sandbox.accepted()]
    assert sorted(accepted) == sorted(row["message_id"] for row in rows if row is not rows[617])


@pytest.mark.parametrize("people", [999, 1_000, 1_001, 10_000, 10_001])
def test_a_set_is_chunked_by_bytes(people: int, world: DeliveryWorld, sandbox: Sandbox) -> None:
    """At some 80 bytes a person, 60,000 are fewer than 999 people: halves go, and nothing that is too large."""
    destination = made(Small, world.home)
    asked = watched(destination)
    rows = [membership(number) for number in range(people)]
    assert deliver(world, destination, rows) == {"accepted": people}
    sent = [carried for carried, is_refused in asked if not is_refused]
    assert (asked[0][1], sum(sent), sandbox.requests) == (True, people, len(sent))
    assert max(sent) < 999
    assert len(sent) <= 4 * (people // 600)
    assert len({json.dumps(line["identifiers"]) for line in sandbox.accepted()}) == people


def test_mail_with_long_values_is_chunked_by_bytes(world: DeliveryWorld, sandbox: Sandbox) -> None:
    long = json.dumps({"first_name": "Ann", "offer_text": "x" * 4_000})
    rows = mails(1_001, fields=long)
    destination = made(Bulk, world.home)
    destination.max_bytes = 3_000_000
    asked = watched(destination)
    assert deliver(world, destination, rows) == {"accepted": 1_001}
    sent = [people for people, is_refused in asked if not is_refused]
    assert sum(sent) == 1_001
    assert sandbox.requests == len(sent)
    assert len(sandbox.accepted()) == 1_001
