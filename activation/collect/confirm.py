"""Rows in doubt, one by one, by the message id that an event proves: the journal's side of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, exists, or_, select, update

from activation.errors import ConfigurationError
from activation.journal import Journal
from activation.journal_tables import CLAIMED, deliveries, message_ids, requests
from activation.types import State

VERDICTS = frozenset({State.ACCEPTED, State.REFUSED})
AT_ONCE = 500


def confirm(journal: Journal, ids: Sequence[str], state: State, by: str) -> int:
    """Give rows in doubt their outcome, ``accepted`` or ``refused``; all others stay as they are. Gives the rows.

    A request in which nobody is left in doubt is settled too. The next ``write_receipts`` tells the ledger.
    """
    if state not in VERDICTS:
        raise ConfigurationError("a row in doubt is resolved as accepted or as refused")
    found = 0
    keys = sorted({bytes.fromhex(each) for each in ids if _is_ours(each)})
    for first in range(0, len(keys), AT_ONCE):
        found += _confirm(journal, keys[first : first + AT_ONCE], state, by)
    return found


def _is_ours(message_id: str) -> bool:
    try:
        return bool(bytes.fromhex(message_id))
    except ValueError:
        return False


def _confirm(journal: Journal, keys: Sequence[bytes], state: State, by: str) -> int:
    told = {"state": state, "reason": f"resolved by {by}", "is_receipted": False}
    in_doubt = or_(
        deliveries.c.state == State.IN_DOUBT,
        and_(deliveries.c.state == CLAIMED, requests.c.state == State.IN_DOUBT),
    )
    with journal.write() as connection:
        rows = connection.execute(
            select(deliveries.c.seq, requests.c.request, requests.c.state.label("request_state"))
            .select_from(
                message_ids.join(deliveries, deliveries.c.seq == message_ids.c.seq).join(
                    requests, requests.c.request == deliveries.c.request
                )
            )
            .where(message_ids.c.message_id.in_(keys), in_doubt)
        ).all()
        if not rows:
            return 0
        changed = connection.execute(
            update(deliveries)
            .where(
                deliveries.c.seq.in_([row.seq for row in rows]),
                deliveries.c.state.in_([State.IN_DOUBT, CLAIMED]),
            )
            .values(**told)
        ).rowcount
        left = exists().where(deliveries.c.request == requests.c.request, deliveries.c.state == CLAIMED)
        whole = {row.request for row in rows if row.request_state == State.IN_DOUBT}
        for request in sorted(whole):
            connection.execute(
                update(requests)
                .where(requests.c.request == request, requests.c.state == State.IN_DOUBT, ~left)
                .values(state=state, reason=f"resolved by {by}")
            )
    return int(changed)
