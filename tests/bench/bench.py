"""How fast is it? Not a pytest: ``make bench`` runs it and asserts nothing; figures are ratios of one run.

1. Building a million customers through dbt, against its compiled SQL run bare in one DuckDB process.
2. Delivering a million outbox rows through the durable journal, against one plain HTTP call for each row.

Other work on the machine disturbs the clock on the wall, and processor time hardly: read that where they differ.
The table is also written as JSON, to ``target/bench.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from bench_dbt import BuildCosts, compare_builds
from bench_delivery import DeliveryCosts, compare_deliveries

from activation.settings import PROJECT

PARTS = ("build", "delivery")


@dataclass(frozen=True)
class Size:
    """How many customers are built, rows delivered, and rows sent naively."""

    customers: int
    rows: int
    naive_rows: int


WHOLE = Size(1_000_000, 1_000_000, 3_000)
SMALL = Size(10_000, 20_000, 300)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="show that it works; its figures mean nothing")
    parser.add_argument("--only", choices=PARTS, help="measure one part")
    parser.add_argument(
        "--out", type=Path, default=PROJECT / "target" / "bench.json", help="where the JSON goes"
    )
    arguments = parser.parse_args()
    size = SMALL if arguments.small else WHOLE
    parts = (arguments.only,) if arguments.only else PARTS
    result: dict[str, Any] = {"machine": _machine(), "size": asdict(size)}
    say(
        f"{result['machine']['cores']} cores, Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as name:
        directory = Path(name)
        if "build" in parts:
            (directory / "build").mkdir()
            result["build"] = _tell_build(compare_builds(directory / "build", size.customers))
        if "delivery" in parts:
            (directory / "delivery").mkdir()
            costs = compare_deliveries(directory / "delivery", size.rows, size.naive_rows)
            result["delivery"] = _tell_delivery(costs)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _tell_build(costs: BuildCosts) -> dict[str, Any]:
    counts = {
        name: costs.rows[name] for name in ("dim_customers", "fct_orders", "fct_order_lines", "decision_log")
    }
    say(f"\nbuild: {', '.join(f'{rows:,} rows of {name}' for name, rows in counts.items())}")
    say(f"  {'':<30}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}")
    built = (costs.dbt_cpu, costs.dbt.wall - costs.parse.wall, costs.dbt.peak_mb)
    for label, cpu, wall, peak in (
        ("dbt build, without parsing", *built),
        ("the same SQL, bare", costs.bare.cpu, costs.bare.wall, costs.bare.peak_mb),
        ("(dbt parse, taken off above)", costs.parse.cpu, costs.parse.wall, costs.parse.peak_mb),
    ):
        say(f"  {label:<30}{cpu:>10.1f}{wall:>10.1f}{peak:>10.0f}")
    say(f"  ratio {costs.ratio:.2f} by CPU, {costs.wall_ratio:.2f} by wall; aim: at most 2.00")
    return asdict(costs) | {"cpu_ratio": costs.ratio, "wall_ratio": costs.wall_ratio}


def _tell_delivery(costs: DeliveryCosts) -> dict[str, Any]:
    say(f"\ndelivery: {costs.rows:,} rows through the journal, {costs.naive_rows:,} naively")
    say(f"  {'':<30}{'rows/s':>10}{'CPU s/M':>10}{'peak MB':>10}")
    for label, rate, usage, rows in (
        ("plan, send, answer, receipts", costs.rows_per_second, costs.ours, costs.rows),
        ("one requests.post for each", costs.naive_rows_per_second, costs.naive, costs.naive_rows),
    ):
        say(f"  {label:<30}{rate:>10,.0f}{usage.cpu / rows * 1e6:>10.1f}{usage.peak_mb:>10.0f}")
    say(
        f"  ratio {costs.ratio:.0f} by wall, {costs.cpu_ratio:.0f} by CPU; "
        f"aim: at least 100, and a peak below 500 MB"
    )
    return asdict(costs) | {
        "rows_per_second": costs.rows_per_second,
        "naive_rows_per_second": costs.naive_rows_per_second,
        "wall_ratio": costs.ratio,
        "cpu_ratio": costs.cpu_ratio,
    }


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.system(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }


def say(text: str) -> None:
    """Write a line at once, because the next one takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
