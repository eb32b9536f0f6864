"""Klaviyo, bulk profile import, revision 2026-07-15: up to 10,000 profiles join or leave a set in one request.

A set is a true-or-false property of the profile, ``muster_`` and the set's name, of which a Klaviyo segment makes what
campaigns and flows use ("muster_newsletter is true"). It is not a Klaviyo list: a list is left by Klaviyo's own profile
ids alone, and those are found either by addresses in a URL, which is logged everywhere, or by reading the whole list.
A bulk *subscribe* is never used: it takes unsubscribes and spam reports back.

Fields: Klaviyo's OpenAPI document ``bulk_import_profiles``; limits: its text (10,000 profiles, 5 MB). A profile is
found by its e-mail, or by its phone where it has none. The job that a request starts works on it later, and
:meth:`Klaviyo.job_status` asks for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.reply import Reply, Verdict
from activation.connectors.rows import RowSql, check_rows
from activation.errors import ConfigurationError, DestinationDownError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, JobState, JobStatus, Operation, Request, RowVerdict, State

REVISION = "2026-07-15"
KIND = "application/vnd.api+json"
PATH = "/api/profile-bulk-import-jobs"
# A JSON pointer such as "/data/attributes/profiles/data/3/attributes/email".
INDEX = re.compile(r"/profiles/data/(\d{1,5})\b")
CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")
IS_MEMBER = {Operation.ADD: True, Operation.REMOVE: False}
PROFILES = """
    with identified as (
        select row, nullif(trim(email), '') as email, nullif(trim(phone), '') as phone from request_rows
    ), profiles as (
        select row, case
            when email is not null then json_object('email', email)
            when phone is not null then json_object('phone_number', phone)
        end as identifier
        from identified
    )
    select
        string_agg(
            '{"type":"profile","attributes":' || left(identifier::varchar, -1) || ',"properties":{%s}}}', ','
            order by row
        ) filter (where identifier is not null),
        list(row order by row) filter (where identifier is null)
    from profiles
"""


class Klaviyo:
    """Sets of profiles in Klaviyo."""

    name: ClassVar[str] = "klaviyo"
    connection: ClassVar[str] = "KLAVIYO"
    channel: ClassVar[str] = "lists"
    capability: ClassVar[Capability] = Capability.SET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.ADD, Operation.REMOVE})
    max_rows: ClassVar[int] = 10_000
    # 10 requests a second in a burst, 150 a minute.
    throughput: ClassVar[Throughput] = Throughput(requests=150, seconds=60.0)
    max_bytes: ClassVar[int] = 5_000_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        del sender  # a set is from nobody
        self._client = client or Client(connection)
        self._connection = connection
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Mark everybody in ``request`` as in the set or not; see :class:`activation.connectors.Connector`."""
        if not request.audience or request.operation not in self.operations:
            raise ConfigurationError("klaviyo: a request names an audience, and adds or removes")
        check_rows(self.name, request.rows, self.max_rows)
        properties = json.dumps({f"muster_{request.audience}": IS_MEMBER[request.operation]})[1:-1]
        profiles, unidentified = self._sql.one(request.rows, PROFILES % properties.replace("'", "''"))
        refused = {row: RowVerdict(State.REFUSED, "no_identifier") for row in unidentified or ()}
        if not profiles:
            return Answer(State.REFUSED, "no_identifier", rows=refused)
        body = (
            b'{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":[%b]}}}}'
            % profiles.encode()
        )
        check_size(self.name, body, self.max_bytes)
        reply = self._client.post(PATH, json_body=body, headers={**self._headers(), "Content-Type": KIND})
        sent = [row for row in range(request.people) if row not in refused]
        answer = reply.unsettled() or _read(reply, sent)
        return replace(answer, rows={**answer.rows, **refused})

    def job_status(self, request_id: str) -> JobStatus:
        """Say how far Klaviyo is with a job, by the id that it gave.

        Raises ``DestinationDownError`` where Klaviyo cannot be asked, or does not know the job.
        """
        job = self._ask(f"{PATH}/{quote(request_id, safe='')}").get("data")
        attributes = job.get("attributes") if isinstance(job, dict) else None
        if not isinstance(attributes, dict):
            raise DestinationDownError("klaviyo does not tell the status of a job: ask later")
        failed, total = (attributes.get(name) or 0 for name in ("failed_count", "total_count"))
        match attributes.get("status"):
            case "complete" if isinstance(failed, int) and not failed:
                return JobStatus(JobState.SUCCEEDED)
            case "complete":
                state = JobState.FAILED if failed == total else JobState.PARTIAL
                return JobStatus(state, int(failed), self._why(request_id))
            case "cancelled":
                return JobStatus(JobState.FAILED, int(total), "cancelled")
        return JobStatus(JobState.PROCESSING)

    def _why(self, request_id: str) -> str:
        errors = self._ask(f"{PATH}/{quote(request_id, safe='')}/import-errors").get("data")
        codes = {_code(each.get("attributes")) for each in errors or () if isinstance(each, dict)}
        return ", ".join(sorted(filter(None, codes)))

    def _ask(self, path: str) -> dict[str, Any]:
        reply = self._client.get(path, headers=self._headers())
        if reply.verdict is not Verdict.ANSWERED or not reply.is_success:
            raise DestinationDownError(
                f"klaviyo does not tell the status of a job ({reply.reason}): ask later"
            )
        return reply.json() or {}

    def _headers(self) -> dict[str, str]:
        # Klaviyo has a scheme of its own; the client would say Bearer.
        key = f"Klaviyo-API-Key {self._connection.token}"
        return {"Authorization": key, "Accept": KIND, "revision": REVISION}


def _read(reply: Reply, sent: list[int]) -> Answer:
    """Judge an answer that was read. A refusal is of the whole request; only codes and indexes leave."""
    answer = reply.json() or {}
    job = answer.get("data")
    if reply.is_success:
        job_id = job.get("id") if isinstance(job, dict) else None
        return Answer(State.ACCEPTED, provider_id=str(job_id)) if job_id else reply.unreadable()
    errors = list(_errors(answer))
    code = errors[0][0] if errors else ""
    if reply.status in {401, 403, 404}:
        return Answer(State.PLANNED, f"klaviyo_{code or reply.status}", is_down=True)
    if not code:
        return reply.unreadable()
    refused = {
        sent[index]: RowVerdict(State.REFUSED, f"klaviyo_{code}")
        for code, index in errors
        if index is not None and index < len(sent)
    }
    if refused:
        return Answer(State.PLANNED, f"klaviyo_{code}_others", rows=refused)
    return Answer(State.REFUSED, f"klaviyo_{code}", is_divisible=True)


def _errors(answer: dict[str, Any]) -> Iterator[tuple[str, int | None]]:
    """Yield the code of each error, and the index of the profile that it is about where it says one."""
    errors = answer.get("errors")
    for error in errors if isinstance(errors, list) else ():
        source = error.get("source") if isinstance(error, dict) else None
        index = INDEX.search(str(source.get("pointer"))) if isinstance(source, dict) else None
        yield _code(error), int(index[1]) if index else None


def _code(error: Any) -> str:
    """Pass on an error's code where it looks like one; anything else may hold an address."""
    found = error.get("code") if isinstance(error, dict) else None
    return found if isinstance(found, str) and CODE.fullmatch(found) else ""
