"""The terminal as a destination, to try a campaign in a rehearsal: who would get what, with everybody masked.

It writes to standard error: standard output may be JSON for machines.
"""

from __future__ import annotations

import sys
from typing import ClassVar, TextIO

from activation.connectors import Throughput
from activation.connectors.rows import RowSql, literal, missing_sql, values_sql
from activation.errors import ConfigurationError
from activation.settings import Sender
from activation.types import Answer, Capability, Operation, Request, RowVerdict, State

SHOWN = 5


class Console:
    """Messages: one line about each request, and one about each of its first people."""

    name: ClassVar[str] = "console"
    channel: ClassVar[str] = "email"
    capability: ClassVar[Capability] = Capability.FIRE_AND_FORGET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    max_rows: ClassVar[int] = 100
    throughput: ClassVar[Throughput] = Throughput()

    def __init__(self, sender: Sender, stream: TextIO | None = None) -> None:
        """``stream`` is standard error where none is given."""
        self._fixed = sender.fixed
        self._stream = stream
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Print everybody in ``request``; see :class:`activation.connectors.Connector`."""
        is_set = Operation.SEND not in self.operations
        if request.operation not in self.operations or (is_set and not request.audience):
            asked = "names an audience, and adds or removes" if is_set else "sends"
            raise ConfigurationError(f"{self.name}: a request {asked}")
        if request.people > self.max_rows:
            raise ConfigurationError(f"{self.name}: a request carries at most {self.max_rows} people")
        lines, people, others = self._sql.one(request.rows, self._query(request))
        content = request.content
        what = f"template {content.template} version {content.version}" if content else request.audience or ""
        where = f"{request.campaign} {request.slot} step {request.step}"
        head = f"{self.name}: {where}: {request.operation} {people}, {what}"
        more = f"\n  … and {people - SHOWN} more" if people > SHOWN else ""
        stream = self._stream or sys.stderr
        stream.write(f"{head}\n{lines or '  nobody'}{more}\n")
        rows = {item["row"]: RowVerdict(State.REFUSED, item["reason"]) for item in others or ()}
        if not people:
            return Answer(State.REFUSED, "nobody_can_be_sent_to", rows=rows)
        return Answer(State.ACCEPTED, provider_id=request.request_id, rows=rows)

    def _query(self, request: Request) -> str:
        if Operation.SEND not in self.operations:
            shown = " || ', ' || ".join(_masked(name) for name in ("email", "phone", "external_id"))
            reason = "case when coalesce(email, phone, external_id) is null then 'no_identifier' end"
            values = ""
        else:
            names = sorted(request.content.placeholders - set(self._fixed)) if request.content else []
            shown = f"{_masked('address')} || ' with ' || {literal(', '.join(names) or 'no values')}"
            reason, values = missing_sql(names), values_sql(names)
        return f"""
            with valued as (select *{values} from request_rows),
            judged as (select *, {reason} as reason from valued),
            numbered as (
                select *, count(*) filter (where reason is null) over (order by row) as number from judged
            )
            select
                string_agg('  ' || left(message_id, 8) || '  ' || {shown}, chr(10) order by row)
                    filter (where reason is null and number <= {SHOWN}),
                count(*) filter (where reason is null),
                list({{'row': row, 'reason': reason}} order by row) filter (where reason is not null)
            from numbered"""


class ConsoleSet(Console):
    """Changes of a set."""

    name: ClassVar[str] = "console_set"
    channel: ClassVar[str] = "ads"
    capability: ClassVar[Capability] = Capability.SET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.ADD, Operation.REMOVE})


def _masked(column: str) -> str:
    """Show of an address or number that it is there, and no more than its first character and its kind."""
    return (
        f"case when {column} is null then '-' when contains({column}, '@') then left({column}, 1) || '***@***' "
        f"else left({column}, 1) || '***' end"
    )
