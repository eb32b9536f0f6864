"""Google ad audiences through the Data Manager API, v1: up to 10,000 hashed people added or removed in one request.

Fields, limits and error reasons: Google's ``google-ads-datamanager`` 0.9.4 and the API's reference. A set takes the
same change twice without harm; a request is still never replayed. ``requestId`` stands for a job that Google works on
later, and :meth:`Google.job_status` asks for it. Who enters has consented to audience matching, and where Google asks
for its two consents (``ad_user_data``, ``ad_personalization``: in the EEA) to each of them; nobody is decided for this
destination otherwise, so an ingest says so for its people together, and a removal needs no consent. The operating
account is the connection's ``username`` (``MUSTER_GOOGLE_ACCOUNT``), the audience's id the ``productDestinationId``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.google_auth import ServiceAccount, signing_client
from activation.connectors.hashing import google_email_sql, google_phone_sql
from activation.connectors.reply import Reply, Verdict
from activation.connectors.rows import RowSql, check_rows
from activation.errors import ConfigurationError, DestinationDownError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, JobState, JobStatus, Operation, Request, RowVerdict, State

SCOPE = "https://www.googleapis.com/auth/datamanager"
# What concerns the account or the audience and so everybody: a person has to put it right.
EVERYBODY = frozenset(
    {
        "ADVERTISER_TOS_NOT_ACCEPTED",
        "DESTINATION_ACCOUNT_TYPE_MISMATCH",
        "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED",
        "INVALID_DESTINATION",
        "INVALID_USER_LIST_ID",
        "INVALID_USER_LIST_TYPE",
        "NOT_ALLOWLISTED",
        "NOT_FOUND",
        "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH",
        "PERMISSION_DENIED",
        "TERMS_AND_CONDITIONS_NOT_SIGNED",
        "THIRD_PARTY_USER_DATA_NOT_ALLOWED",
        "USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT",
    }
)
# Seen as "audience_members.audience_members[0].user_data.user_identifiers".
INDEX = re.compile(r"audience_?[mM]embers\[(\d{1,5})\]")
REASON = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
JOB_STATES = {
    "SUCCESS": JobState.SUCCEEDED,
    "PARTIAL_SUCCESS": JobState.PARTIAL,
    "FAILED": JobState.FAILED,
    "PROCESSING": JobState.PROCESSING,
    "REQUEST_STATUS_UNKNOWN": JobState.PROCESSING,
}
# The members as JSON: they hold nothing but hex digits beside these marks.
QUERY = f"""
    with hashed as (
        select row, {google_email_sql("email")} as email, {google_phone_sql("phone")} as phone from request_rows
    ), judged as (
        select row, email is not null or phone is not null as is_identified, concat_ws(',',
            '{{"emailAddress":"' || email || '"}}', '{{"phoneNumber":"' || phone || '"}}') as identifiers
        from hashed
    )
    select
        string_agg('{{"userData":{{"userIdentifiers":[' || identifiers || ']}}}}', ',' order by row)
            filter (where is_identified),
        list(row order by row) filter (where not is_identified)
    from judged
"""


class Google:
    """Ad audiences at Google, by hashed e-mail and phone."""

    name: ClassVar[str] = "google"
    connection: ClassVar[str] = "GOOGLE"
    channel: ClassVar[str] = "ads"
    capability: ClassVar[Capability] = Capability.SET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.ADD, Operation.REMOVE})
    max_rows: ClassVar[int] = 10_000
    # 300 requests a minute and project, 100,000 a day.
    throughput: ClassVar[Throughput] = Throughput(requests=300, seconds=60.0)
    # 10,000 people of two hashes are 2.1 MB.
    max_bytes: ClassVar[int] = 4_000_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        del sender  # an audience is from nobody
        self._client = client or signing_client(connection)
        self._account = ServiceAccount(connection, SCOPE)
        self._connection = connection
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Add or remove everybody in ``request``; see :class:`activation.connectors.Connector`."""
        if not request.audience or request.operation not in self.operations:
            raise ConfigurationError("google: a request names an audience, and adds or removes")
        check_rows(self.name, request.rows, self.max_rows)
        envelope = self._envelope(request.audience, request.operation)
        members, unidentified = self._sql.one(request.rows, QUERY)
        refused = {row: RowVerdict(State.REFUSED, "no_identifier") for row in unidentified or ()}
        if not members:
            return Answer(State.REFUSED, "no_identifier", rows=refused)
        body = b'%b,"audienceMembers":[%b]}' % (json.dumps(envelope)[:-1].encode(), members.encode())
        check_size(self.name, body, self.max_bytes)
        signed = self._account.headers()
        if isinstance(signed, Answer):
            return signed
        method = "ingest" if request.operation is Operation.ADD else "remove"
        reply = self._client.post(f"/v1/audienceMembers:{method}", json_body=body, headers=signed)
        sent = [row for row in range(request.people) if row not in refused]
        answer = reply.unsettled() or _read(reply, sent)
        return replace(answer, rows={**answer.rows, **refused})

    def job_status(self, request_id: str) -> JobStatus:
        """Say how far Google is with a request that it accepted, by its ``requestId``.

        Raises ``DestinationDownError`` where Google cannot be asked, or does not know the request.
        """
        signed = self._account.headers()
        reply = None
        if not isinstance(signed, Answer):
            query = {"requestId": request_id}
            reply = self._client.get("/v1/requestStatus:retrieve", headers=signed, query=query)
        if reply is None or reply.verdict is not Verdict.ANSWERED or not reply.is_success:
            why = "nobody can sign in" if reply is None else reply.reason
            raise DestinationDownError(f"google does not tell the status of a request ({why}): ask later")
        found = (reply.json() or {}).get("requestStatusPerDestination")
        statuses = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        if not statuses or statuses[0].get("requestStatus") not in JOB_STATES:
            raise DestinationDownError("google does not tell the status of a request: ask later")
        counts = list(_error_counts(statuses[0]))
        state = JOB_STATES[statuses[0]["requestStatus"]]
        return JobStatus(state, sum(number for number, _ in counts), ", ".join(why for _, why in counts))

    def _envelope(self, audience: str, operation: Operation) -> dict[str, Any]:
        """Write all of a request but its people."""
        operating, login = self._connection.username, self._connection.login_account
        if not operating:
            raise ConfigurationError(
                "google: MUSTER_GOOGLE_ACCOUNT is not set: the id of the Google Ads account"
            )
        destination: dict[str, Any] = {
            "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": operating}
        }
        if login:
            destination["loginAccount"] = {"accountType": "GOOGLE_ADS", "accountId": login}
        envelope = {
            "destinations": [{**destination, "productDestinationId": audience}],
            "encoding": "HEX",
        }
        if operation is Operation.REMOVE:
            return envelope
        return {
            **envelope,
            "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
            "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        }


def _read(reply: Reply, sent: list[int]) -> Answer:
    """Judge an answer that was read. A refusal is of the whole request; only codes and indexes leave."""
    answer = reply.json() or {}
    request_id = answer.get("requestId")
    if reply.is_success and isinstance(request_id, str) and request_id:
        return Answer(State.ACCEPTED, provider_id=request_id)
    error = answer.get("error")
    status = _code(error.get("status")) if isinstance(error, dict) else ""
    if reply.status in {401, 403, 404}:
        return Answer(State.PLANNED, f"google_{status or reply.status}", is_down=True)
    if reply.is_success or not isinstance(error, dict) or not status:
        return reply.unreadable()
    return _refusal(reply, error, status, sent)


def _refusal(reply: Reply, error: dict[str, Any], status: str, sent: list[int]) -> Answer:
    """Judge an error of one of Google's own kinds."""
    if status == "RESOURCE_EXHAUSTED":
        return Answer(State.PLANNED, f"google_{status}", retry_after=reply.retry_after)
    reasons: list[str] = [status]
    refused: dict[int, RowVerdict] = {}
    for field, reason in _violations(error):
        reasons.append(reason)
        index = INDEX.search(field)
        if index and int(index[1]) < len(sent):
            refused[sent[int(index[1])]] = RowVerdict(State.REFUSED, f"google_{reason or status}")
    common = next((reason for reason in reasons if reason in EVERYBODY), None)
    if common:
        return Answer(State.PLANNED, f"google_{common}", is_down=True)
    if refused:
        return Answer(State.PLANNED, f"google_{status}_others", rows=refused)
    return Answer(State.REFUSED, f"google_{next(filter(None, reversed(reasons)))}", is_divisible=True)


def _violations(error: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield field and reason of all that an error's details (``ErrorInfo``, ``BadRequest``) complain of."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            yield "", _code(detail.get("reason"))
            found = detail.get("fieldViolations")
            for each in found if isinstance(found, list) else ():
                if isinstance(each, dict):
                    yield str(each.get("field") or ""), _code(each.get("reason"))


def _error_counts(status: dict[str, Any]) -> Iterator[tuple[int, str]]:
    info = status.get("errorInfo")
    counts = info.get("errorCounts") if isinstance(info, dict) else ()
    for each in counts if isinstance(counts, list) else ():
        # Protobuf's JSON writes a 64-bit number as a string.
        if isinstance(each, dict) and str(each.get("recordCount")).isdecimal():
            yield int(each["recordCount"]), _code(each.get("reason")) or "UNKNOWN"


def _code(value: Any) -> str:
    """Pass on what looks like one of Google's codes; anything else may hold an address."""
    return value if isinstance(value, str) and REASON.fullmatch(value) else ""
