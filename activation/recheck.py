"""The re-check before a claim: whether a person may still be contacted, with what was landed since.

The rule exists once, as dbt models. ``activation/sql/recheck.sql`` and all models above it are compiled for
DuckDB and frozen with the run as one script of views; here they run in memory over ``landing/`` and ``ledger/``
at the delivery clock, with the frozen map of profiles to customers in the place of identity resolution.
"""

from __future__ import annotations

import os
from datetime import datetime

import duckdb
import pyarrow as pa

from activation.clock import Clock
from activation.compiled import RECHECK, execute, open_database
from activation.errors import HeldError
from activation.frozen import FrozenRun, connect
from activation.home import Home


class FrozenRecheck:
    """The re-check of one frozen run; implements ``delivery.Recheck``."""

    def __init__(self, home: Home, run: FrozenRun, clock: Clock) -> None:
        self._home, self._run, self._clock = home, run, clock
        self._script = (run.directory / "recheck.sql").read_text()
        self._seen: tuple[object, ...] | None = None

    def changed(self) -> bool:
        """Whether a file was landed, or the clock moved on to another minute, since the last ``opted_out``."""
        return self._seen != self._present()

    def opted_out(self, now: datetime) -> pa.Table:
        """Rows of the run that must not be sent any more: kind, position, reason.

        Raises ``HeldError`` where the landing zone cannot be read: without it nobody's wish is known.
        """
        present = self._present()
        try:
            with connect() as engine:
                table = self._ask(engine, now)
        except duckdb.Error as error:
            raise HeldError(
                f"the re-check of run {self._run.run_id} could not read landing or ledger "
                f"({type(error).__name__}): nothing more was sent; restore the files and resume"
            ) from None
        self._seen = present
        return table

    def _ask(self, engine: duckdb.DuckDBPyConnection, now: datetime) -> pa.Table:
        open_database(engine)
        engine.execute("create schema intermediate")
        frozen = str(self._run.directory).replace("'", "''")
        engine.execute(
            "create view intermediate.int_profiles_mapped as "
            "select profile_id, customer_id, email_normalised, phone_e164 "
            f"from read_parquet('{frozen}/profile_customers.parquet')"
        )
        engine.execute(
            "create view frozen_outbox as "
            "select 'message' as kind, position, campaign, customer_id, channel, purpose, 'send' as operation, "
            f"excludes_recent_purchasers from read_parquet('{frozen}/outbox_messages.parquet') union all "
            "select 'membership', position, campaign, customer_id, channel, purpose, operation, false "
            f"from read_parquet('{frozen}/outbox_memberships.parquet')"
        )
        execute(engine, self._script, self._home, now)
        return engine.execute(
            f"select kind, position, reason from {RECHECK.name} order by kind, position"
        ).to_arrow_table()

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
