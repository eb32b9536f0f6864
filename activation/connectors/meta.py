"""Meta Custom Audiences, Marketing API v26.0: up to 10,000 hashed people added or removed in one request.

Membership is a set, so a request of unknown outcome does no harm; it is still never replayed, because an old
``add`` after a newer ``remove`` would bring an opted-out person back: the next freeze converges. Meta's own
SDK puts a DELETE's people into the query string; here they always travel in the body.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from activation.connectors import Throughput
from activation.connectors.client import Client, check_size
from activation.connectors.hashing import meta_email_sql, meta_phone_sql
from activation.connectors.reply import Reply
from activation.connectors.rows import RowSql, check_rows
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Operation, Request, RowVerdict, State

VERSION = "v26.0"
BAD_TOKEN = 190
# Rate limits: the app's (4), the account's (17), a custom one (613), the business use cases' (80000-80014).
RATE_LIMITS = frozenset({4, 17, 613, *range(80_000, 80_015)})
USAGE_HEADER = "X-Business-Use-Case-Usage"
# The rows as Meta's JSON, already encoded for a form: they hold nothing but hex digits, quotes, brackets and
# commas, and a general encoder costs more than all the rest. A set has no order; to sort it costs a fifth.
OPEN, BETWEEN, CLOSE, COMMA = (quote(text, safe="") for text in ('["', '","', '"]', ","))
QUERY = f"""
    with hashed as (
        select row, {meta_email_sql("email")} as email, {meta_phone_sql("phone")} as phone from request_rows
    ), judged as (
        select row, email is not null or phone is not null as is_identified,
            '{OPEN}' || coalesce(email, '') || '{BETWEEN}' || coalesce(phone, '') || '{CLOSE}' as entry
        from hashed
    )
    select
        string_agg(entry, '{COMMA}') filter (where is_identified),
        count(*) filter (where is_identified),
        list(row) filter (where not is_identified)
    from judged
"""
PAYLOAD = (quote('{"schema":["EMAIL","PHONE"],"data":[', safe=""), quote("]}", safe=""))


class Meta:
    """Ad audiences on Meta, by hashed e-mail and phone."""

    name: ClassVar[str] = "meta"
    connection: ClassVar[str] = "META"
    channel: ClassVar[str] = "ads"
    capability: ClassVar[Capability] = Capability.SET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.ADD, Operation.REMOVE})
    max_rows: ClassVar[int] = 10_000
    throughput: ClassVar[Throughput] = Throughput(workers=2, group=2)
    # 10,000 rows of two hashes are 1.5 MB in a form.
    max_bytes: ClassVar[int] = 2_000_000

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None:
        del sender  # an audience is from nobody
        self._client = client or Client(connection)
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Add or remove everybody in ``request``; see :class:`activation.connectors.Connector`."""
        if not request.audience or request.operation not in self.operations:
            raise ConfigurationError("meta: a request names an audience, and adds or removes")
        check_rows(self.name, request.rows, self.max_rows)
        data, people, unidentified = self._sql.one(request.rows, QUERY)
        refused = {row: RowVerdict(State.REFUSED, "no_identifier") for row in unidentified or ()}
        if not people:
            return Answer(State.REFUSED, "no_identifier", rows=refused)
        session = {
            # One session for each request: a lost request leaves no session half open.
            "session_id": int.from_bytes(hashlib.sha256(request.request_id.encode()).digest()[:8]) >> 1,
            "batch_seq": 1,
            "last_batch_flag": True,
            "estimated_num_total": people,
        }
        form = (
            f"payload={PAYLOAD[0]}{data}{PAYLOAD[1]}&{urlencode({'session': json.dumps(session)})}".encode()
        )
        call = self._client.post if request.operation is Operation.ADD else self._client.delete
        path = f"/{VERSION}/{quote(request.audience, safe='')}/users"
        reply = call(path, form=check_size(self.name, form, self.max_bytes))
        answer = reply.unsettled() or _read(reply)
        return replace(answer, rows={**answer.rows, **refused})


def _read(reply: Reply) -> Answer:
    """Judge an answer that was read. Meta says 200 even where it could use nobody."""
    answer = reply.json() or {}
    if reply.is_success:
        received, invalid = answer.get("num_received"), answer.get("num_invalid_entries")
        if not isinstance(received, int) or not isinstance(invalid, int):
            return reply.unreadable()
        session = answer.get("session_id")
        state = State.REFUSED if invalid and invalid >= received else State.ACCEPTED
        reason = f"{invalid} of {received} entries invalid" if invalid else ""
        return Answer(state, reason, provider_id=None if session is None else str(session))
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code == BAD_TOKEN or reply.status in {401, 403}:
        return Answer(State.PLANNED, f"meta_{code or reply.status}", is_down=True)
    if not isinstance(error, dict) or not isinstance(code, int):
        return reply.unreadable()
    if code in RATE_LIMITS or error.get("is_transient") is True:
        wait = _regain_access(reply)
        return Answer(State.PLANNED, f"meta_{code}", retry_after=reply.retry_after if wait is None else wait)
    subcode = error.get("error_subcode")
    suffix = f"_{subcode}" if isinstance(subcode, int) else ""
    return Answer(State.REFUSED, f"meta_{code}{suffix}")


def _regain_access(reply: Reply) -> float | None:
    """Seconds until the longest limit ends; the header gives minutes for each use case."""
    try:
        usage: Any = json.loads(reply.headers.get(USAGE_HEADER, ""))
        minutes = [
            float(case["estimated_time_to_regain_access"]) for cases in usage.values() for case in cases
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return max(minutes, default=0.0) * 60 or None
