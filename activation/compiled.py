"""The project's own SQL where dbt does not run: an analysis and everything above it, as one script for DuckDB.

A rule exists once, as dbt models. What has to ask it outside of a build compiles an analysis of ``activation/sql``
with all models above it, keeps the script beside the project, and runs it in memory over ``landing/`` and
``ledger/``. The clock comes from outside, as the variable ``as_of``; nothing in a script depends on the home or the
run, and nothing of the project is read when it runs.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from activation.build import run_dbt
from activation.clock import naive_utc
from activation.errors import BuildError
from activation.home import Home, write_atomically
from activation.parsed import project_digest, version_directory
from activation.settings import PROJECT

DATABASE = "muster"  # dbt writes it before each relation
_HOME = "@muster_home@"


@dataclass(frozen=True)
class Analysis:
    """An analysis, and the form its script takes.

    ``given`` are models that whoever runs the script puts in their place. ``keeps_tables`` materialises what a
    build would: right where a script is read whole, wrong where it is asked for few rows.
    """

    name: str
    given: frozenset[str] = frozenset()
    keeps_tables: bool = False


RECHECK = Analysis("recheck", given=frozenset({"model.muster.int_profiles_mapped"}))
PURCHASE_STATISTICS = Analysis("purchase_statistics", keeps_tables=True)
ANALYSES = (RECHECK, PURCHASE_STATISTICS)


def compiled(home: Home, analysis: Analysis) -> str:
    """The script of an analysis for the project as it is; all are compiled at once, once for each version.

    Its last view has the name of the analysis. Raises ``BuildError`` where dbt cannot compile it.
    """
    version = hashlib.sha256(project_digest().encode() + Path(__file__).read_bytes()).hexdigest()[:20]
    cached = version_directory(home) / f"{version}-{analysis.name}.sql"
    if cached.exists():
        return cached.read_text()
    directory = home.build_directory("compiled")
    arguments = ["compile", "--no-introspect", "--select", *(f"+{every.name}" for every in ANALYSES)]
    if run_dbt(arguments, home, directory, {"is_recheck": "true", "run_id": "none"}, home_name=_HOME):
        raise BuildError(f"activation/sql does not compile; dbt's own words are in {directory / 'dbt.log'}")
    nodes = json.loads((directory / "target" / "manifest.json").read_text())["nodes"]
    for every in ANALYSES:
        script = _script(nodes, every)
        write_atomically(cached.with_name(f"{version}-{every.name}.sql"), script.encode())
    return cached.read_text()


def execute(engine: duckdb.DuckDBPyConnection, script: str, home: Home, as_of: datetime) -> None:
    """Run a script over a home as of a moment. What is given must be there; see :func:`open_database`."""
    engine.execute("set variable as_of = cast(? as timestamp)", [naive_utc(as_of)])
    engine.execute(script.replace(_HOME, str(home.path).replace("'", "''")))


def open_database(engine: duckdb.DuckDBPyConnection) -> None:
    """Give an in-memory engine the database that compiled SQL names, in UTC as every build is."""
    engine.execute(f"attach ':memory:' as {DATABASE}; use {DATABASE}; set timezone = 'UTC'")


def _script(nodes: Mapping[str, Any], analysis: Analysis) -> str:
    """One statement for each node, in the order of their dependencies."""
    done: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in done or name in analysis.given or name not in nodes:
            return
        node = nodes[name]
        for parent in node["depends_on"].get("nodes", []):
            visit(parent)
        done[name] = _statement(node, keeps_tables=analysis.keeps_tables)

    visit(f"analysis.muster.{analysis.name}")
    return "\n".join(done.values())


def _statement(node: Mapping[str, Any], *, keeps_tables: bool) -> str:
    if node["resource_type"] == "analysis":
        return f"create view {node['name']} as (\n{node['compiled_code'].strip()}\n);\n"
    if node["resource_type"] == "seed":
        query, kind = _seed(node), "table"
    else:
        query = node["compiled_code"].strip()
        kind = "table" if keeps_tables and node["config"]["materialized"] == "table" else "view"
    schema = node["schema"]
    return f"create schema if not exists {schema};\ncreate {kind} {schema}.{node['name']} as (\n{query}\n);\n"


def _seed(node: Mapping[str, Any]) -> str:
    """A seed as dbt loads it, its columns by their declared types and empty as null; whole, as scripts are frozen."""
    with (PROJECT / node["original_file_path"]).open(newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    kinds = node["config"]["column_types"]
    columns = ", ".join(f"cast({name} as {kinds[name]}) as {name}" for name in header)
    rows = ",\n".join(f"({', '.join(map(_text, line))})" for line in lines or [[""] * len(header)])
    some = "" if lines else "\nwhere false"
    return f"select {columns}\nfrom (values\n{rows}\n) as seed ({', '.join(header)}){some}"


def _text(value: str) -> str:
    return "null" if not value else "'" + value.replace("'", "''") + "'"
