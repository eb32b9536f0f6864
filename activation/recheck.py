"""The re-check before a claim: whether a person may still be contacted, with what was landed since.

The rule exists once, as dbt models. ``activation/sql/recheck.sql`` and all models above it are compiled for
DuckDB and frozen with the run as one script of views; here they run in memory over ``landing/`` and ``ledger/``
at the delivery clock, with the frozen map of profiles to customers in the place of identity resolution.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from activation.build import run_dbt
from activation.clock import Clock, naive_utc
from activation.errors import BuildError, HeldError
from activation.frozen import FrozenRun, connect
from activation.home import Home, write_atomically
from activation.parsed import project_digest

MAP = "model.muster.int_profiles_mapped"
HOME = "@muster_home@"
_DATABASE = "muster"
_VIEW = "recheck"


def compile_recheck(home: Home) -> str:
    """The script of views for the project as it is; compiled once for each version of the SQL.

    Raises ``BuildError`` where dbt cannot compile it.
    """
    cached = home.warehouse / "recheck" / f"{_version()}.sql"
    if cached.exists():
        return cached.read_text()
    directory = home.build_directory("recheck")
    arguments = ["compile", "--select", "+recheck", "--no-introspect"]
    if run_dbt(arguments, home, directory, {"is_recheck": "true", "run_id": "none"}, home_name=HOME):
        raise BuildError(
            f"activation/sql/recheck.sql does not compile; dbt's own words are in {directory / 'dbt.log'}"
        )
    script = _script(json.loads((directory / "target" / "manifest.json").read_text())["nodes"])
    write_atomically(cached, script.encode())
    return script


def _version() -> str:
    """The version of all SQL of the project, and of this module that makes one script of it."""
    return hashlib.sha256(project_digest().encode() + Path(__file__).read_bytes()).hexdigest()[:20]


def _script(nodes: dict[str, Any]) -> str:
    """Views in the order of their dependencies; the map of profiles is left to the run."""
    done: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in done or name == MAP or name not in nodes:
            return
        node = nodes[name]
        for parent in node["depends_on"]["nodes"]:
            visit(parent)
        target = _VIEW if node["resource_type"] == "analysis" else f"{node['schema']}.{node['name']}"
        if node["resource_type"] in {"model", "analysis"}:
            schema = "" if target == _VIEW else f"create schema if not exists {node['schema']};\n"
            done[name] = f"{schema}create view {target} as (\n{node['compiled_code'].strip()}\n);\n"

    visit("analysis.muster.recheck")
    return "\n".join(done.values())


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
        engine.execute(f"attach ':memory:' as {_DATABASE}; use {_DATABASE}; set timezone = 'UTC'")
        engine.execute(
            "create schema intermediate; set variable as_of = cast(? as timestamp)", [naive_utc(now)]
        )
        frozen = str(self._run.directory).replace("'", "''")
        engine.execute(
            "create view intermediate.int_profiles_mapped as "
            "select profile_id, customer_id, email_normalised, phone_e164 "
            f"from read_parquet('{frozen}/profile_customers.parquet')"
        )
        engine.execute(
            "create view frozen_outbox as "
            "select 'message' as kind, position, customer_id, channel, purpose, 'send' as operation, "
            f"excludes_recent_purchasers from read_parquet('{frozen}/outbox_messages.parquet') union all "
            "select 'membership', position, customer_id, channel, purpose, operation, false "
            f"from read_parquet('{frozen}/outbox_memberships.parquet')"
        )
        engine.execute(self._script.replace(HOME, str(self._home.path).replace("'", "''")))
        return engine.execute(
            f"select kind, position, reason from {_VIEW} order by kind, position"
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
