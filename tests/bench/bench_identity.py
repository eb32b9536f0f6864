"""What identity resolution costs: the compiled models bare, and their search for components against SciPy's.

Both searches start from the same links between profiles and end with the same table of profile and cluster.
Two graphs that are hard for simple methods are measured alone: a star of 5,000 and a shuffled chain of 2,000.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import duckdb
import numpy as np
import pyarrow as pa
from bench_dbt import VARIABLES
from bench_process import Usage, measured
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from activation.build import run_dbt
from activation.home import World, open_home
from activation.landing.contract import ensure_schema_files
from activation.ledger import ensure_ledger
from activation.settings import PROJECT

LINKING = (
    "int_profile_keys_collected",
    "int_profile_keys_shared",
    "int_profile_pairs_found",
    "int_profile_links_found",
)
SEARCHING = ("int_profile_links_numbered", "int_profiles_linked")
MEMORY_LIMIT = "8GB"
Statements = Mapping[str, str]


@dataclass(frozen=True)
class IdentityCosts:
    """Of so many ``profiles``: finding links, and searching components here and with SciPy."""

    profiles: int
    links: int
    clusters: int
    linking: Usage
    searching: Usage
    scipy: Usage

    @property
    def ratio(self) -> float:
        """How many times SciPy's processor time the search takes."""
        return self.searching.cpu / self.scipy.cpu


def compare_identity(directory: Path, statements: Statements, profiles: int) -> IdentityCosts:
    """Generate, link, search both ways. Raises ``RuntimeError`` where the two find different clusters."""
    directory.mkdir(parents=True)
    measured(_generate, directory, profiles)
    linking = measured(_run, directory, [statements[name] for name in LINKING])
    searching = measured(_run, directory, [statements[name] for name in SEARCHING])
    scipy = measured(search_with_scipy, directory)
    with _open(directory) as engine:
        differing = _number(
            engine,
            "select count(*) from intermediate.int_profiles_linked as ours inner join by_scipy as theirs "
            "on ours.profile_id = theirs.profile_id where ours.cluster_id <> theirs.cluster_id",
        )
        if differing:
            raise RuntimeError(f"{differing} profiles are in another cluster by SciPy's word")
        links = _number(engine, "select count(*) from intermediate.int_profile_links_found")
        clusters = _number(engine, "select count(distinct cluster_id) from intermediate.int_profiles_linked")
    return IdentityCosts(profiles, links, clusters, linking, searching, scipy)


def measure_hard_graphs(directory: Path, statements: Statements) -> dict[str, Usage]:
    """Search components in the two hard graphs. Raises ``RuntimeError`` where either is not one cluster."""
    usages: dict[str, Usage] = {}
    order = list(range(2_000))
    Random(5).shuffle(order)
    graphs = {
        "star of 5,000": [(0, leaf) for leaf in range(1, 5_000)],
        "shuffled chain of 2,000": list(pairwise(order)),
    }
    for number, (name, edges) in enumerate(graphs.items()):
        folder = directory / f"hard-{number}"
        folder.mkdir(parents=True)
        with _open(folder) as engine:
            engine.execute("create schema intermediate")
            pairs = pa.table([[f"p{edge[side]}" for edge in edges] for side in (0, 1)], names=["a", "b"])
            engine.register("pairs", pairs)
            engine.execute(
                "create table intermediate.int_profile_links_found as "
                "select a as profile_id_a, b as profile_id_b from pairs"
            )
            engine.execute(
                "create table intermediate.int_profiles_cleaned as "
                "select a as profile_id from pairs union select b from pairs"
            )
        usages[name] = measured(_run, folder, [statements[name] for name in SEARCHING])
        with _open(folder) as engine:
            if (
                _number(engine, "select count(distinct cluster_id) from intermediate.int_profiles_linked")
                != 1
            ):
                raise RuntimeError(f"the {name} was not found to be one cluster")
    return usages


def search_with_scipy(directory: Path) -> None:
    """The same from the same links: numbers for names, components, the smallest name of each as its label."""
    with _open(directory) as engine:
        links = engine.execute(
            "select profile_id_a, profile_id_b from intermediate.int_profile_links_found"
        ).to_arrow_table()
        both = pa.concat_arrays(
            [*links.column("profile_id_a").chunks, *links.column("profile_id_b").chunks]
        ).dictionary_encode()
        nodes = both.indices.to_numpy()
        size, half = len(both.dictionary), len(nodes) // 2
        ones = np.ones(half, dtype=np.int8)
        graph = coo_matrix((ones, (nodes[:half], nodes[half:])), shape=(size, size))
        _, labels = connected_components(graph, directed=False)
        engine.register("labels", pa.table({"profile_id": both.dictionary, "label": labels}))
        engine.execute(
            "create table by_scipy as with named as (select profile_id, "
            "min(profile_id) over (partition by label) as cluster_id from labels) "
            "select profiles.profile_id, coalesce(named.cluster_id, profiles.profile_id) as cluster_id "
            "from intermediate.int_profiles_cleaned as profiles "
            "left join named on profiles.profile_id = named.profile_id"
        )


def compile_identity(directory: Path) -> Statements:
    """The models of identity as statements that create their tables, by name."""
    home = open_home(directory / "home", World.REHEARSAL)
    ensure_schema_files(home)
    ensure_ledger(home)
    if run_dbt(["compile", "--select", *LINKING, *SEARCHING], home, directory / "dbt", VARIABLES):
        raise RuntimeError(f"dbt compile failed; its own words are in {directory / 'dbt' / 'dbt.log'}")
    nodes = json.loads((directory / "dbt" / "target" / "manifest.json").read_text())["nodes"]
    models = {name: nodes[f"model.muster.{name}"] for name in (*LINKING, *SEARCHING)}
    return {
        name: f"create table {node['relation_name']} as ({node['compiled_code']}\n)"
        for name, node in models.items()
    }


def _generate(directory: Path, profiles: int) -> None:
    with _open(directory) as engine:
        engine.execute("set variable profiles = cast(? as bigint)", [profiles])
        engine.execute(Path(__file__).with_name("bench_identity.sql").read_text(encoding="utf-8"))
        seed = PROJECT / "seeds" / "reference" / "identity_rules.csv"
        with seed.open(newline="") as file:
            rows = list(csv.DictReader(file))
        rules = pa.table(
            {
                "evidence": [row["evidence"] for row in rows],
                "points": [int(row["points"]) for row in rows],
                "max_profiles": [int(row["max_profiles"] or 0) or None for row in rows],
            }
        )
        engine.register("rules", rules)
        engine.execute("create table reference.identity_rules as select * from rules")


def _run(directory: Path, statements: list[str]) -> None:
    with _open(directory) as engine:
        for statement in statements:
            engine.execute(statement)


def _open(directory: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        str(directory / "muster.duckdb"),
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": MEMORY_LIMIT,
            "preserve_insertion_order": "false",
            "temp_directory": str(directory / "tmp"),
            "threads": "2",
        },
    )


def _number(engine: duckdb.DuckDBPyConnection, query: str) -> int:
    row = engine.execute(query).fetchone()
    return int(row[0]) if row else 0
