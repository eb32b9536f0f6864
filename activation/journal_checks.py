"""Whether a journal that was not closed in order still tells one story: what any damage to its keys would break."""

from __future__ import annotations

from sqlalchemy import Connection, func, or_, select

from activation.journal_tables import CLAIMED, SPAN_STATES, plans, requests, runs, spans, streams


def damage(connection: Connection) -> str | None:
    """What is wrong with it, in words; ``None`` where nothing is."""
    if connection.dialect.name == "sqlite":
        verdict = connection.exec_driver_sql("pragma integrity_check(1)").scalar()
        if verdict != "ok":
            return "SQLite finds its pages broken"
    for what, query in CHECKS.items():
        if connection.execute(query.limit(1)).first() is not None:
            return what
    return None


_ROWS = spans.c.last_seq - spans.c.first_seq + 1
_NEIGHBOURS = select(
    spans.c.first_seq,
    spans.c.last_seq,
    func.lag(spans.c.last_seq).over(order_by=spans.c.first_seq).label("before"),
).subquery()
_KEPT = (
    select(streams.c.run, streams.c.campaign, func.sum(_ROWS).label("rows"))
    .select_from(spans.join(streams, streams.c.stream == spans.c.stream))
    .group_by(streams.c.run, streams.c.campaign)
    .subquery()
)
_CLAIMS = (
    select(spans.c.request, func.sum(_ROWS).label("rows"))
    .where(spans.c.request.is_not(None))
    .group_by(spans.c.request)
    .subquery()
)
_CLOSED = select(runs.c.run).where(runs.c.closed_at.is_not(None))
CHECKS = {
    "a row is in no known state": select(spans.c.first_seq).where(spans.c.state.not_in(SPAN_STATES)),
    "rows overlap": select(_NEIGHBOURS.c.first_seq).where(
        or_(
            _NEIGHBOURS.c.first_seq <= _NEIGHBOURS.c.before,
            _NEIGHBOURS.c.last_seq < _NEIGHBOURS.c.first_seq,
        )
    ),
    "a plan has lost or gained rows": select(plans.c.run)
    .select_from(
        plans.outerjoin(_KEPT, (plans.c.run == _KEPT.c.run) & (plans.c.campaign == _KEPT.c.campaign))
    )
    .where(func.coalesce(_KEPT.c.rows, 0) != plans.c.rows, plans.c.run.not_in(_CLOSED)),
    "a row lies outside of its stream": select(spans.c.first_seq)
    .select_from(spans.outerjoin(streams, streams.c.stream == spans.c.stream))
    .where(
        or_(
            streams.c.stream.is_(None),
            spans.c.first_seq < streams.c.first_seq,
            spans.c.last_seq > streams.c.last_seq,
        )
    ),
    "a row is claimed by a request that does not know it": select(spans.c.first_seq)
    .select_from(spans.outerjoin(requests, requests.c.request == spans.c.request))
    .where(
        or_(spans.c.request.is_not(None), spans.c.state == CLAIMED),
        or_(
            requests.c.request.is_(None),
            requests.c.stream != spans.c.stream,
            spans.c.first_seq < requests.c.first_seq,
            spans.c.last_seq > requests.c.last_seq,
        ),
    ),
    "a request has gained rows": select(requests.c.request)
    .select_from(requests.join(_CLAIMS, _CLAIMS.c.request == requests.c.request))
    .where(_CLAIMS.c.rows > requests.c.people),
}
