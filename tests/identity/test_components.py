"""Connected components: right for every shape of graph, in both of the macro's forms, within its rounds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from random import Random

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from activation.settings import PROJECT

# One build serves the module, so one process makes it.
pytestmark = pytest.mark.xdist_group("components")

MODELS = {
    "graph": "select graph, node_a, node_b from read_parquet('{folder}/graph.parquet')",
    "by_one_query": "{{{{ muster.default__connected_components(ref('graph'), 'node_a', 'node_b', 20) }}}}",
    "by_tables": "{{{{ muster.spark__connected_components(ref('graph'), 'node_a', 'node_b', 20) }}}}",
    "too_few_rounds": "{{{{ muster.default__connected_components(ref('graph'), 'node_a', 'node_b', 2) }}}}",
}
PROFILES = """
muster:
  target: duckdb
  outputs: {{duckdb: {{type: duckdb, path: '{folder}/muster.duckdb', threads: 1}}}}
"""


def chain(nodes: Iterable[int]) -> list[tuple[int, int]]:
    return list(pairwise(nodes))


def graphs() -> dict[str, list[tuple[int, int]]]:
    """Graphs of node numbers from 0; each gets numbers of its own later."""
    random = Random(5)
    shuffled = list(range(2_000))
    random.shuffle(shuffled)
    return {
        "star of 5,000": [(0, leaf) for leaf in range(1, 5_000)],
        "shuffled chain of 2,000": chain(shuffled),
        "chain in order of 2,000": chain(range(2_000)),
        "chain from the end of 2,000": chain(range(1_999, -1, -1)),
        "long chain of 100,000": chain(range(100_000)),
        "circle": [*chain(range(501)), (500, 0)],
        "binary tree": [(child, (child - 1) // 2) for child in range(1, 4_095)],
        "grid": [(row * 50 + column, row * 50 + column + step) for row in range(49) for column in range(49)
                 for step in (1, 50)],
        "two dense ones": [(side + one, side + other) for side in (0, 100) for one in range(60)
                           for other in range(one)],
        "edges twice, turned, and to oneself": [(0, 1), (1, 0), (0, 1), (2, 2), (3, 4)],
        "many pairs": [(node, node + 1) for node in range(0, 20_000, 2)],
        "at random": [(random.randrange(30_000), random.randrange(30_000)) for _ in range(14_000)],
    }  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A dbt project of the macros alone, run on all graphs at once."""
    folder = tmp_path_factory.mktemp("components")
    first, rows = 0, []
    for name, edges in graphs().items():
        rows += [(name, left + first, right + first) for left, right in edges]
        first += 1 + max(map(max, edges))
    table = pa.table(
        [list(column) for column in zip(*rows, strict=True)], names=["graph", "node_a", "node_b"]
    )
    pq.write_table(table, folder / "graph.parquet")
    (folder / "dbt_project.yml").write_text("{name: muster, profile: muster, models: {+materialized: table}}")
    (folder / "profiles.yml").write_text(PROFILES.format(folder=folder))
    (folder / "models").mkdir()
    (folder / "macros").mkdir()
    shutil.copy(PROJECT / "macros" / "connected_components.sql", folder / "macros")
    for name, query in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(query.format(folder=folder))
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "run", "--project-dir", str(folder), "--profiles-dir", str(folder)],
        cwd=folder, env=os.environ | {"DO_NOT_TRACK": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    with duckdb.connect(str(folder / "muster.duckdb"), read_only=True) as engine:
        yield engine


def groups(labels: Iterable[tuple[int, int]]) -> set[frozenset[int]]:
    found = defaultdict(list)
    for node, label in labels:
        found[label].append(node)
    return {frozenset(nodes) for nodes in found.values()}


@pytest.mark.parametrize("form", ["by_one_query", "by_tables"])
def test_both_forms_find_what_scipy_finds(world: duckdb.DuckDBPyConnection, form: str) -> None:
    edges = world.execute("select node_a, node_b from graph where node_a <> node_b").fetchnumpy()
    left, right = edges["node_a"], edges["node_b"]
    size = int(max(left.max(), right.max())) + 1
    _, labels = connected_components(coo_matrix((np.ones(len(left)), (left, right)), shape=(size, size)))
    touched = np.unique(np.concatenate([left, right])).tolist()
    expected = groups((node, int(labels[node])) for node in touched)
    assert groups(world.execute(f"select node, label from {form}").fetchall()) == expected


def test_too_few_rounds_leave_edges_between_components_which_the_data_test_looks_for(
    world: duckdb.DuckDBPyConnection,
) -> None:
    unsettled = (
        "select count(*) from graph inner join {form} as a on graph.node_a = a.node "
        "inner join {form} as b on graph.node_b = b.node where a.label <> b.label"
    )
    assert world.execute(unsettled.format(form="by_one_query")).fetchone() == (0,)
    count = world.execute(unsettled.format(form="too_few_rounds")).fetchone()
    assert count is not None
    assert count[0] > 0
