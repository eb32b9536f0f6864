"""What became of changes of sets that a platform takes as a job: asked by the id that it gave, until it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, runtime_checkable
from urllib.parse import quote

from activation import settings
from activation.clock import naive_utc
from activation.collect.pages import get
from activation.collect.source import Cursor, Document, Pulled, Source
from activation.connectors.client import Client
from activation.connectors.registry import REGISTRY, connector
from activation.errors import ConfigurationError, DestinationDownError
from activation.frozen import connect
from activation.home import Home
from activation.types import JobStatus

ASKED_FOR = timedelta(days=14)
VIA = "job"
META = "meta"
META_VERSION = "v26.0"
# Meta, "Custom Audience", operation_status; what is not listed is told by its code as partly done.
META_STATES = {
    "succeeded": frozenset({0, 200}),
    "processing": frozenset({300, 414, 441, 442}),
    "failed": frozenset({415, 470, 471}),
}
PATIENCE = 3

Ask = Callable[[], dict[str, object]]

SQL = """
with named as (
    select *, text::json as record from (select number, via, text, arrived, fault from documents)
)
select
    number,
    record::varchar as record,
    concat_ws('|', record ->> '$.destination', record ->> '$.provider_id', record ->> '$.audience',
        record ->> '$.state', record ->> '$.day') as event_id,
    null::varchar as message_id,
    nullif(record ->> '$.provider_id', '') as provider_id,
    record ->> '$.destination' as contact,
    case when record ->> '$.state' in ('succeeded', 'failed', 'partial') then record ->> '$.state' end as event,
    record ->> '$.audience' as audience,
    record ->> '$.state' as state,
    try_cast(record ->> '$.failed' as bigint) as failed,
    record ->> '$.reason' as reason,
    arrived as occurred_at,
    null::varchar as proof,
    fault
from named
"""


@runtime_checkable
class ReportsJobs(Protocol):
    """What a connector of a set can do beside: tell how a job stands that it began."""

    def job_status(self, request_id: str) -> JobStatus:
        """Ask for a job by the id that ``Answer.provider_id`` told. Raises ``DestinationDownError`` for no answer."""
        ...


def pull(home: Home, cursor: Cursor, now: datetime) -> Pulled:
    """Ask for each job of the last two weeks that has not ended as far as is known, and for Meta's audiences."""
    del cursor
    documents: list[Document] = []
    problems: list[str] = []
    for destination, jobs, audiences in _asked(home, now):
        try:
            asking = (
                _audiences(home, audiences, now)
                if destination == META
                else _jobs(home, destination, jobs or [])
            )
            for ask in asking:
                try:
                    documents.append(Document(VIA, json.dumps(ask()), now))
                except DestinationDownError as error:
                    problems.append(str(error))
                    # One job may be unknown to its platform; where none is told, the platform is down.
                    if len(problems) >= PATIENCE:
                        break
        except ConfigurationError as error:
            problems.append(str(error))
    return Pulled(tuple(documents), {}, "; ".join(dict.fromkeys(problems)) or None)


def _asked(home: Home, now: datetime) -> list[tuple[str, list[str], list[str]]]:
    """By destination: the jobs that may still be under way, and the audiences that were changed."""
    receipts = str(home.ledger / "membership_receipts" / "*.parquet")
    ended = str(home.landing / "provider" / "set_jobs" / "*.parquet")
    with connect() as engine:
        return engine.execute(
            """
            select destination,
                list(distinct provider_id order by provider_id) filter (where provider_id is not null
                    and provider_id not in (
                        select provider_id from read_parquet($ended, union_by_name = true)
                        where provider_id is not null
                    )),
                list(distinct audience order by audience)
            from read_parquet($receipts, union_by_name = true)
            where state = 'accepted' and attempted_at >= $since
            group by destination order by destination
            """,
            {"ended": ended, "receipts": receipts, "since": naive_utc(now - ASKED_FOR)},
        ).fetchall()


def _jobs(home: Home, destination: str, jobs: list[str]) -> Iterator[Ask]:
    asked = connector(home, destination) if jobs and destination in REGISTRY else None
    if isinstance(asked, ReportsJobs):
        for job in jobs:
            yield partial(_job, asked, destination, job)


def _job(asked: ReportsJobs, destination: str, job: str) -> dict[str, object]:
    status = asked.job_status(job)
    return {
        "destination": destination, "provider_id": job, "state": str(status.state),
        "failed": status.failed, "reason": status.reason,
    }  # fmt: skip


def _audiences(home: Home, audiences: list[str], now: datetime) -> Iterator[Ask]:
    client = Client(settings.connection(home, "META"))
    for audience in audiences:
        yield partial(_audience, client, audience, f"{now:%Y-%m-%d}")


def _audience(client: Client, audience: str, day: str) -> dict[str, object]:
    """Meta tells of an audience as a whole, by a code that changes while it works: once a day."""
    path = f"/{META_VERSION}/{quote(audience, safe='')}"
    answer = get(client, META, path, {"fields": "operation_status,delivery_status"}).json() or {}
    status = answer.get("operation_status")
    code = status.get("code") if isinstance(status, dict) else None
    if not isinstance(code, int):
        raise DestinationDownError("meta: an audience's status has no code")
    state = next((state for state, codes in META_STATES.items() if code in codes), "partial")
    return {"destination": META, "audience": audience, "state": state, "reason": f"meta_{code}", "day": day}


SOURCE = Source("sets", "provider.set_jobs", "destination", SQL, pull)
