"""What building through dbt costs over running its compiled SQL bare, for any number of customers.

dbt's side is `dbt build` without tests, less the processor time of `dbt parse`, which depends on the project and
not on the data; both find the project parsed, as every run but the first of a version does. The bare side is one
DuckDB process that runs the same compiled statements one after the other, in the order of their dependencies, with
the same settings; seeds are there before the clock starts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import yaml
from bench_people import AS_OF, fill_home
from bench_process import Usage, measured
from jinja2 import Environment

from activation.build import run_dbt, sql_moment
from activation.home import open_home
from activation.settings import PROJECT

# Data tests and unit tests are no part of what is compared.
BUILD = ("build", "--exclude-resource-type", "test", "unit_test")
GOLDEN = ("--select", "+dim_customers", "+fct_customer_scores", "+fct_cohort_retention_monthly",
          "+fct_cohort_retention_weekly", "+fct_cohort_repeat_purchase")  # fmt: skip
VARIABLES = {
    "as_of": sql_moment(AS_OF),
    "known_until": sql_moment(AS_OF),
    "known_at": sql_moment(AS_OF),
    "run_id": "bench",
}


@dataclass(frozen=True)
class BuildCosts:
    """``parse`` is part of ``dbt``; ``bare`` has neither. ``rows`` of each table, the same on both sides.

    ``landed`` rows were read.
    """

    landed: int
    dbt: Usage
    parse: Usage
    bare: Usage
    rows: Mapping[str, int]

    @property
    def dbt_cpu(self) -> float:
        """Processor seconds of dbt's build without its parsing."""
        return self.dbt.cpu - self.parse.cpu

    @property
    def ratio(self) -> float:
        """How many times the bare statements' processor time dbt takes."""
        return self.dbt_cpu / self.bare.cpu

    @property
    def wall_ratio(self) -> float:
        """The same by the clock on the wall, which other work on this machine disturbs."""
        return (self.dbt.wall - self.parse.wall) / self.bare.wall


def measure_parse(directory: Path) -> Usage:
    """Measure dbt's parse of a project that was parsed before: what it leaves is kept, and serves every build."""
    fill_home(directory / "home", 1)
    _dbt(directory / "home", directory / "first", "parse")
    return measured(_dbt, directory / "home", directory / "parse", "parse")


def compare_builds(directory: Path, customers: int, parse: Usage, select: tuple[str, ...] = ()) -> BuildCosts:
    """Generate, build through dbt, build bare. Raises ``RuntimeError`` where the two sides differ.

    ``parse`` is what starting costs; ``select`` are dbt's arguments for building a part only.
    """
    home_path, built, bare = directory / "home", directory / "dbt", directory / "bare"
    measured(fill_home, home_path, customers)
    build = measured(_dbt, home_path, built, *BUILD, *select)
    bare.mkdir()
    _copy_seeds(built, bare)
    statements = measured(_run_bare, built, bare)
    return BuildCosts(_landed(home_path), build, parse, statements, _count_rows(built, bare))


def _landed(home_path: Path) -> int:
    files = (home_path / "landing").rglob("bench.parquet")
    return sum(pq.read_metadata(file).num_rows for file in files)


def _dbt(home_path: Path, directory: Path, *arguments: str) -> None:
    if run_dbt(list(arguments), open_home(home_path), directory, VARIABLES):
        raise RuntimeError(f"dbt {arguments[0]} failed; its own words are in {directory / 'dbt.log'}")


def _copy_seeds(built: Path, bare: Path) -> None:
    """Give the bare side what dbt loaded; it creates every schema too, so that none is made under the clock."""
    with _open(bare) as engine:
        for node in _ordered_nodes(built):
            engine.execute(f"create schema if not exists {node['schema']}")
        engine.execute(f"attach '{built / 'muster.duckdb'}' as built (read_only)")
        for node in _ordered_nodes(built, "seed"):
            name = f'"{node["schema"]}"."{node["alias"]}"'
            engine.execute(f"create table {node['relation_name']} as select * from built.{name}")


def _run_bare(built: Path, bare: Path) -> None:
    with _open(bare) as engine:
        for node in _ordered_nodes(built, "model"):
            kind = node["config"]["materialized"]
            if kind not in {"view", "table"}:
                raise RuntimeError(
                    f"{node['name']} is materialised as {kind}: teach this benchmark what that is"
                )
            engine.execute(f"create {kind} {node['relation_name']} as ({node['compiled_code']}\n)")


def _count_rows(built: Path, bare: Path) -> dict[str, int]:
    """Count the rows of every table; two builds that differ cannot be compared."""
    rows: list[dict[str, int]] = []
    for directory in (built, bare):
        with _open(directory) as engine:
            tables = [
                node for node in _ordered_nodes(built, "model") if node["config"]["materialized"] == "table"
            ]
            rows.append(
                {
                    table["name"]: int(_scalar(engine, f"select count(*) from {table['relation_name']}"))
                    for table in tables
                }
            )
    if rows[0] != rows[1]:
        differing = sorted(name for name, count in rows[0].items() if rows[1][name] != count)
        raise RuntimeError(f"dbt and the bare statements built different rows of {', '.join(differing)}")
    return rows[0]


def _scalar(engine: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = engine.execute(query).fetchone()
    return row[0] if row else None


def _ordered_nodes(built: Path, *kinds: str) -> list[dict[str, Any]]:
    """The models and seeds that were built, each after all that it reads."""
    manifest = json.loads((built / "target" / "manifest.json").read_text())
    results = json.loads((built / "target" / "run_results.json").read_text())["results"]
    done = {result["unique_id"] for result in results}
    nodes = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in {"model", "seed"} and key in done
    }
    parents = {key: [name for name in manifest["parent_map"][key] if name in nodes] for key in nodes}
    ordered = (nodes[key] for key in TopologicalSorter(parents).static_order())
    return [node for node in ordered if not kinds or node["resource_type"] in kinds]


def _open(directory: Path) -> duckdb.DuckDBPyConnection:
    """A warehouse under the name that compiled SQL calls it by, with the settings of ``profiles.yml``."""
    environment = Environment(autoescape=False)  # noqa: S701  # no HTML anywhere near
    text = environment.from_string((PROJECT / "profiles.yml").read_text(encoding="utf-8"))
    profiles = yaml.safe_load(text.render(env_var=lambda name, default="": os.environ.get(name, default)))
    settings = profiles["muster"]["outputs"]["duckdb"]["settings"]
    engine = duckdb.connect(str(directory / "muster.duckdb"))
    for name, value in settings.items():
        engine.execute(f"set {name} = '{value}'")
    return engine
