"""The re-check before a claim: whether a person may still be contacted, with what was landed since.

The rule exists once, as dbt models. ``activation/sql/recheck.sql`` and all models above it are compiled for
DuckDB and frozen with the run as one script of views; here they run in memory over ``landing/`` and ``ledger/``
at the delivery clock, with the frozen map of profiles to customers in the place of identity resolution. Before
anybody is believed to have no objection, the feeds that objections arrive by must be there: see ``feeds.py``.
"""

from __future__ import annotations

import os
from datetime import datetime

import duckdb
import pyarrow as pa

from activation.clock import Clock
from activation.compiled import RECHECK, execute, open_database
from activation.errors import HeldError
from activation.feeds import check_feeds
from activation.frozen import FrozenRun, connect
from activation.home import Home


class FrozenRecheck:
    """The re-check of one frozen run; implements ``delivery.Recheck``."""

    def __init__(self, home: Home, run: FrozenRun, clock: Clock) -> None:
        self._home, self._run, self._clock = home, run, clock
        self._seen: tuple[object, ...] | None = None

    def changed(self) -> bool:
        """Whether a file was landed, or the clock moved on to another minute, since the last ``opted_out``."""
        return self._seen != self._present()

    def opted_out(self, now: datetime) -> pa.Table:
        """Rows of the run that must not be sent any more: kind, position, reason.

        Raises ``HeldError`` where the landing zone cannot be read, or a feed of objections is missing, shrunken
        or too old: without them nobody's wish is known.
        """
        present = self._present()
        check_feeds(self._home, self._run, now)
        try:
            with connect() as engine:
                open_rules(engine, self._home, self._run, now)
                table = engine.execute(
                    f"select kind, position, reason from {RECHECK.name} order by kind, position"
                ).to_arrow_table()
        except duckdb.Error as error:
            raise HeldError(
                f"the re-check of run {self._run.run_id} could not read landing or ledger "
                f"({type(error).__name__}): nothing more was sent; restore the files and resume"
            ) from None
        self._seen = present
        return table

    def _present(self) -> tuple[object, ...]:
        """The clock's minute and the state of every landing folder; a rename into one changes its time."""
        folders = [
            entry
            for source in os.scandir(self._home.landing)
            if source.is_dir()
            for entry in os.scandir(source)
        ]
        stamps = tuple(sorted((entry.path, entry.stat().st_mtime_ns) for entry in folders))
        return (self._clock.now().replace(second=0, microsecond=0), stamps)


def open_rules(engine: duckdb.DuckDBPyConnection, home: Home, run: FrozenRun, now: datetime) -> None:
    """Give an in-memory engine the rules frozen with a run, as views over what was landed and learned until ``now``."""
    open_database(engine)
    engine.execute("create schema intermediate")
    frozen = str(run.directory).replace("'", "''")
    engine.execute(
        "create view intermediate.int_profiles_mapped as "
        "select profile_id, customer_id, email_normalised, phone_e164 "
        f"from read_parquet('{frozen}/profile_customers.parquet')"
    )
    engine.execute(
        "create view frozen_outbox as "
        "select 'message' as kind, position, campaign, customer_id, channel, destination, purpose, "
        "'send' as operation, excludes_recent_purchasers "
        f"from read_parquet('{frozen}/outbox_messages.parquet') union all "
        "select 'membership', position, campaign, customer_id, channel, destination, purpose, operation, false "
        f"from read_parquet('{frozen}/outbox_memberships.parquet')"
    )
    execute(engine, (run.directory / "recheck.sql").read_text(), home, now)
