"""What became of changes of sets that a platform takes as a job: asked by the id that it gave, until it says."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
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
META_SUCCEEDED = frozenset({0, 200})
META_PROCESSING = frozenset({300, 414, 441, 442})
META_FAILED = frozenset({415, 470, 471})

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
            told = (
                _audiences(home, audiences, now)
                if destination == META
                else _jobs(home, destination, jobs)
                if destination in REGISTRY
                else []
            )
            documents += [Document(VIA, json.dumps(each), now) for each in told]
        except (DestinationDownError, ConfigurationError) as error:
            problems.append(str(error))
    return Pulled(tuple(documents), {}, "; ".join(problems) or None)


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


def _jobs(home: Home, destination: str, jobs: list[str] | None) -> list[dict[str, object]]:
    asked = connector(home, destination) if jobs else None
    if not isinstance(asked, ReportsJobs):
        return []
    found: list[dict[str, object]] = []
    for job in jobs or ():
        status = asked.job_status(job)
        found.append(
            {"destination": destination, "provider_id": job, "state": str(status.state),
             "failed": status.failed, "reason": status.reason}
        )  # fmt: skip
    return found


def _audiences(home: Home, audiences: list[str], now: datetime) -> list[dict[str, object]]:
    """Meta tells of an audience as a whole, by a code that changes while it works: once a day."""
    client = Client(settings.connection(home, "META"))
    found: list[dict[str, object]] = []
    for audience in audiences:
        path = f"/{META_VERSION}/{quote(audience, safe='')}"
        answer = get(client, META, path, {"fields": "operation_status,delivery_status"}).json() or {}
        status = answer.get("operation_status")
        code = status.get("code") if isinstance(status, dict) else None
        if not isinstance(code, int):
            raise DestinationDownError("meta: an audience's status has no code")
        state = (
            "succeeded"
            if code in META_SUCCEEDED
            else "processing" if code in META_PROCESSING
            else "failed" if code in META_FAILED
            else "partial"
        )  # fmt: skip
        found.append(
            {"destination": META, "audience": audience, "state": state, "reason": f"meta_{code}",
             "day": f"{now:%Y-%m-%d}"}
        )  # fmt: skip
    return found


SOURCE = Source("sets", "provider.set_jobs", "destination", SQL, pull)
