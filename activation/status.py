"""Where the runs of a home stand: what was asked, what was ruled, what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from activation.accounts import summary
from activation.freeze import is_frozen
from activation.frozen import read_frozen
from activation.guard import Verdict, rule
from activation.home import Home
from activation.journal import open_journal
from activation.journal_closing import closed_runs
from activation.request import runs
from activation.types import State

_OPEN: frozenset[str] = frozenset({State.PLANNED, State.ATTEMPTING})


@dataclass(frozen=True)
class RunStatus:
    """One run: the verdict on each campaign, what it plans, and the journal's count of its rows by state.

    One that `muster purge` closed has none of these any more: what became of it is in the ledger.
    """

    run_id: str
    as_of: datetime
    is_frozen: bool
    is_closed: bool
    rulings: Mapping[str, Verdict]
    planned: Mapping[str, int]
    states: Mapping[str, Mapping[str, int]]

    @property
    def is_open(self) -> bool:
        """Whether a campaign that may go was not delivered yet, or has rows that may still be sent."""
        return any(
            verdict is Verdict.GO
            and self.planned[name] > 0
            and (not self.states.get(name) or not _OPEN.isdisjoint(self.states[name]))
            for name, verdict in self.rulings.items()
        )


def statuses(home: Home) -> list[RunStatus]:
    """All runs, oldest first. Changes nothing."""
    found = []
    with closing(open_journal(home)) as journal:
        closed = closed_runs(journal)
        for request in runs(home):
            frozen, gone = is_frozen(home, request.run_id), request.run_id in closed
            rulings = rule(home, read_frozen(home, request.run_id)) if frozen and not gone else {}
            verdicts = {name: ruling.verdict for name, ruling in rulings.items()}
            planned = {name: ruling.planned for name, ruling in rulings.items()}
            states = {} if gone else summary(journal, request.run_id)
            found.append(RunStatus(request.run_id, request.as_of, frozen, gone, verdicts, planned, states))
    return found
