"""What single messages cost beside a bare session, and whether an account's limit is used up.

Our side plans, claims in groups, sends and answers for each message in the durable journal and writes receipts, with
Twilio's connector as it is shipped. The bare side is one tuned ``requests.Session`` that posts the same bytes and
reads the answer: no environment, headers on the session, one connection.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from urllib.parse import urlencode

import requests
from bench_delivery import AS_OF, NobodyOptedOut
from bench_process import Usage, measured
from bench_sink import rate_of, sink

from activation import settings
from activation.accounts import summary
from activation.clock import SimulatedClock
from activation.connectors import Throughput
from activation.connectors.twilio import Twilio
from activation.delivery import deliver
from activation.frozen import Kind, connect, read_frozen
from activation.home import World, open_home
from activation.journal import open_journal
from activation.types import Content, State

CAMPAIGN, RUN_ID = "bench_messages", "bench-messages"
TEXT = "Hi {{ first_name }}, {{ offer_text }} at Example Shop this week. Reply STOP to end."
CONTENT = Content("hello", "abc123abc123", "sms", {"text": TEXT}, frozenset({"first_name", "offer_text"}))
FIELDS = {"first_name": "Ann", "offer_text": "15 % off"}
PATH = "/2010-04-01/Accounts/AC0123/Messages.json"
# One after the other in turn, and the median of them: the processor's pace changes within a minute.
ROUNDS = 3
LATENCY = 0.05
LIMIT = 1_000
OUTBOX = """
copy (
    select
        n as position, md5('message' || n) as message_id, '{campaign}' as campaign, '2026-W14' as slot, 1 as step,
        'sms' as channel, 'twilio' as destination, md5('customer' || n) as customer_id,
        '+1555' || lpad(cast(n as varchar), 7, '0') as address, 'marketing' as purpose, 'promo' as cap_class,
        'hello' as template, 'abc123abc123' as message_version, 'a' as variant, 'none' as offer,
        '{fields}' as fields, timestamp '2026-03-30 14:00:00' as send_not_before,
        timestamp '2026-04-02 14:00:00' as expires_at, 1 as priority, 0 as wave, '{run_id}' as run_id,
        timestamp '2026-03-30 14:00:00' as as_of, timestamp '2026-03-30 14:00:00' as known_at
    from range({messages}) as t(n)
) to '{file}' (format parquet, compression zstd)
"""


class Unlimited(Twilio):
    """Twilio's connector for an account without a limit, one request after the other."""

    throughput = Throughput(group=100)


class Fast(Twilio):
    """Twilio's connector for an account that may ask so often that latency hides it."""

    throughput = Throughput(requests=LIMIT, workers=64, group=250)


@dataclass(frozen=True)
class MessageCosts:
    """For so many messages each: ours and a bare session's, and our rate where the limit and the latency are given."""

    messages: int
    ours: Usage
    bare: Usage
    rate: float

    @property
    def cpu_ratio(self) -> float:
        """Our processor time for a request beside a bare session's."""
        return self.ours.cpu / self.bare.cpu

    @property
    def share_of_limit(self) -> float:
        """How much of the limit is used at that latency."""
        return self.rate / LIMIT


def compare_messages(directory: Path, messages: int) -> MessageCosts:
    """Measure. Raises ``RuntimeError`` where a message was not accepted."""
    rounds = []
    with sink() as url:
        for number in range(ROUNDS):
            bare = measured(_post_bare, url, messages)
            ours = measured(_deliver, _freeze(directory / f"cpu{number}", messages), url, Unlimited)
            rounds.append((ours.cpu / bare.cpu, ours, bare))
    _, ours, bare = sorted(rounds, key=itemgetter(0))[ROUNDS // 2]
    with sink(LATENCY) as url:
        measured(_deliver, _freeze(directory / "rate", messages), url, Fast)
        rate = rate_of(url)
    return MessageCosts(messages, ours, bare, rate)


def _freeze(home_path: Path, messages: int) -> Path:
    home = open_home(home_path, create=World.REHEARSAL)
    frozen = home.run_directory(RUN_ID) / "frozen"
    frozen.mkdir(parents=True)
    manifest = {"run_id": RUN_ID, "as_of": AS_OF.isoformat(), "digest": "bench"}
    (frozen / "manifest.json").write_text(json.dumps(manifest))
    named = {"campaign": CAMPAIGN, "fields": json.dumps(FIELDS), "run_id": RUN_ID, "messages": messages}
    with connect() as engine:
        engine.execute(OUTBOX.format(**named, file=read_frozen(home, RUN_ID).file(Kind.MESSAGE)))
    return home_path


def _deliver(home_path: Path, url: str, kind: Callable[..., Twilio]) -> None:
    home = open_home(home_path)
    clock = SimulatedClock(home.path / "clock.json")
    clock.step_to(AS_OF)
    sender = settings.sender(home)
    connection = settings.Connection(
        "TWILIO", url, username="AC0123", password="no password", is_sandbox_allowed=True
    )
    make = partial(kind, connection, sender)
    with closing(open_journal(home)) as journal:
        result = deliver(
            home, read_frozen(home, RUN_ID), CAMPAIGN,
            journal=journal, connector=make(), another=make, content={"hello": CONTENT}, clock=clock,
            recheck=NobodyOptedOut(), pepper=settings.pepper(home), sender=sender,
        )  # fmt: skip
        if summary(journal, RUN_ID)[CAMPAIGN] != {State.ACCEPTED: result.requests}:
            raise RuntimeError(f"not all were accepted: {result.counts}")


def _post_bare(url: str, messages: int) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(
            {"Authorization": "Basic bm8=", "Content-Type": "application/x-www-form-urlencoded"}
        )
        for number in range(messages):
            text = f"Hi Ann, 15 % off at Example Shop this week. Reply STOP to end. {number}"
            form = urlencode({"To": f"+1555{number:07}", "From": "+15550100000", "Body": text})
            reply = session.post(url + PATH, data=form.encode(), timeout=30)
            reply.raise_for_status()
            if not reply.json()["sid"]:
                raise RuntimeError("the sink answers something else")
