"""Test sends: a campaign's messages to a seed list of our own addresses, beside everything that a run does.

A seed list is ``seed_lists/<name>.csv`` in the home, with a column ``address``: mailboxes, numbers and devices of our
own. Nothing of a test is planned in the journal or told to the ledger: it takes no slot and counts for no cap. What was
tested is a line of ``tests.jsonl`` in the home, with the content's version and no address.
"""

from __future__ import annotations

import csv
import json
import os
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa

from activation import settings
from activation.campaigns import Campaign
from activation.connectors import Connector
from activation.connectors.registry import REGISTRY, connector
from activation.content import load_templates, unsubscribe_urls
from activation.content.samples import marked, sample_values, templates_of
from activation.errors import ConfigurationError
from activation.home import Home
from activation.types import Answer, Capability, Content, Operation, Request

NAME = re.compile(r"[a-z0-9_-]{1,64}")
# A list of our own addresses is short; a longer one is somebody's audience.
MOST_ADDRESSES = 50
SLOT = "test"


@dataclass(frozen=True)
class SeedSend:
    """What became of one template at one destination. ``states`` counts people."""

    at: str
    by: str
    campaign: str
    template: str
    version: str
    destination: str
    seed_list: str
    states: Mapping[str, int]
    reasons: tuple[str, ...]


def send_tests(
    home: Home, campaign: Campaign, seed_list: str, *, by: str, now: datetime, language: str | None = None
) -> list[SeedSend]:
    """Send every template of a campaign to the addresses of its channel, marked as a test, and write down what was.

    Destinations that are files are left out: whoever takes them in would print or import a test. Raises
    ``ConfigurationError`` where there is no such list, or nothing of the campaign can be tested with it.
    """
    addresses = read_seed_list(home, seed_list)
    contents = templates_of(campaign.name, load_templates(), language)
    pairs = [
        (content, name)
        for content in contents
        for name in campaign.destinations
        if _can_test(REGISTRY[name], content) and any(_is_for(content.channel, each) for each in addresses)
    ]
    if not pairs:
        raise ConfigurationError(
            f"{campaign.name} has no message that leaves over an API to an address of the list {seed_list}: see "
            f"`muster preview {campaign.name}`"
        )
    made = {name: connector(home, name) for _, name in pairs}
    done = []
    for content, name in pairs:
        wanted = [each for each in addresses if _is_for(content.channel, each)]
        answers = list(_send(home, made[name], campaign.name, marked(content), wanted))
        sent = SeedSend(
            at=now.isoformat(), by=by, campaign=campaign.name, template=content.template, version=content.version,
            destination=name, seed_list=seed_list, states=_counted(answers), reasons=_reasons(answers),
        )  # fmt: skip
        _record(home, sent)
        done.append(sent)
    return done


def read_seed_list(home: Home, name: str) -> list[str]:
    """The addresses of a list. Raises ``ConfigurationError`` where it is not there, empty or not one."""
    if not NAME.fullmatch(name):
        raise ConfigurationError("a seed list's name is of a-z, 0-9, _ and -")
    file = home.path / "seed_lists" / f"{name}.csv"
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            found = [(row.get("address") or "").strip() for row in csv.DictReader(lines)]
    except (OSError, ValueError, csv.Error):
        raise ConfigurationError(f"{file} cannot be read: make it a CSV with a column `address`") from None
    addresses = list(dict.fromkeys(filter(None, found)))
    if not 0 < len(addresses) <= MOST_ADDRESSES:
        raise ConfigurationError(
            f"{file} has {len(addresses)} addresses in its column `address`; a seed list has 1 to {MOST_ADDRESSES}"
        )
    return addresses


def last_tests(home: Home, template: str) -> list[SeedSend]:
    """The test sends of a template, oldest first."""
    file = home.path / "tests.jsonl"
    if not file.exists():
        return []
    try:
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        return [SeedSend(**line) for line in lines if line["template"] == template]
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"{file} is damaged: restore it, or remove it") from None


def _can_test(kind: type[Connector], content: Content) -> bool:
    return (
        kind.channel == content.channel
        and Operation.SEND in kind.operations
        and kind.capability is not Capability.FILE
    )


def _is_for(channel: str, address: str) -> bool:
    is_email, is_number = "@" in address, bool(re.fullmatch(r"\+\d{6,15}", address))
    return {"email": is_email, "sms": is_number}.get(channel, not is_email and not is_number)


def _send(
    home: Home, destination: Connector, campaign: str, content: Content, addresses: list[str]
) -> Iterator[tuple[Answer, int]]:
    sender, keys = settings.sender(home), settings.unsubscribe_keys(home)
    fields = json.dumps(sample_values(content, {}))
    for start in range(0, len(addresses), destination.max_rows):
        part = addresses[start : start + destination.max_rows]
        ids = pa.chunked_array([[uuid.uuid4().hex for _ in part]])
        rows = {
            "position": pa.array(range(len(part)), pa.int64()),
            "message_id": ids,
            "customer_id": pa.array(["test"] * len(part)),
            "address": pa.array(part),
            "fields": pa.array([fields] * len(part)),
            "unsubscribe_url": unsubscribe_urls(sender.unsubscribe_url, ids, keys.key, keys.key_id)
            if content.channel == "email"
            else pa.nulls(len(part), pa.string()),
        }
        request = Request(
            request_id=uuid.uuid4().hex, campaign=f"{campaign}_{SLOT}", slot=SLOT, step=1, operation=Operation.SEND,
            audience=None, content=content, rows=pa.table(rows),
        )  # fmt: skip
        yield destination.send(request), len(part)


def _counted(answers: list[tuple[Answer, int]]) -> dict[str, int]:
    states: Counter[str] = Counter()
    for answer, people in answers:
        states.update(verdict.state.value for verdict in answer.rows.values())
        states[answer.state.value] += people - len(answer.rows)
    return {state: count for state, count in sorted(states.items()) if count}


def _reasons(answers: list[tuple[Answer, int]]) -> tuple[str, ...]:
    found = {answer.reason for answer, _ in answers}
    found |= {verdict.reason for answer, _ in answers for verdict in answer.rows.values()}
    return tuple(sorted(found - {""}))


def _record(home: Home, sent: SeedSend) -> None:
    descriptor = os.open(home.path / "tests.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as file:
        file.write(json.dumps(asdict(sent)) + "\n")
        file.flush()
        os.fsync(file.fileno())
