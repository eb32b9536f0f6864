"""How fast is it? Not a pytest: ``make bench`` runs it and asserts nothing; figures are ratios of one run.

1. Building a million customers through dbt, against its compiled SQL run bare in one DuckDB process: the whole
   project, and the golden customers with their cohorts alone; the latter for a tenth of them as well.
2. Resolving who is who among profiles: the compiled models bare, and their search for connected components against
   SciPy's; and two graphs that are hard for simple methods.
3. Deciding for a million people with every reason known, against one query that computes only the winners; and the
   difference of sets with ten million members, against one full join.
4. Delivering a million outbox rows through the durable journal, against one plain HTTP call for each row, and against
   the same connector without a journal.
5. Delivering single messages, against a bare session; and how much of a limit of 1,000 a second at 50 ms is used.

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
from bench_dbt import GOLDEN, BuildCosts, compare_builds, measure_parse
from bench_decisions import DecisionCosts, MembershipCosts, compare_decisions, compare_memberships
from bench_delivery import DeliveryCosts, compare_deliveries
from bench_identity import IdentityCosts, compare_identity, compile_identity, measure_hard_graphs
from bench_messages import MessageCosts, compare_messages
from bench_process import Usage

from activation.settings import PROJECT

PARTS = ("build", "golden", "identity", "decisions", "memberships", "delivery", "messages")


@dataclass(frozen=True)
class Size:
    """How many customers are built, profiles resolved, people decided on, members compared, rows and messages sent.

    ``golden`` are dbt's arguments for the golden customers and what is built with them.
    """

    golden: tuple[str, ...]
    customers: int
    profiles: tuple[int, ...]
    people: int
    members: int
    rows: int
    naive_rows: int
    messages: int


WHOLE = Size(GOLDEN, 1_000_000, (1_000_000, 10_000_000), 1_000_000, 10_000_000, 1_000_000, 3_000, 20_000)
SMALL = Size(("--select", "+dim_customers"), 2_000, (20_000,), 5_000, 20_000, 20_000, 300, 400)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="show that it works; its figures mean nothing")
    parser.add_argument("--only", choices=PARTS, nargs="+", help="measure these parts")
    parser.add_argument(
        "--out", type=Path, default=PROJECT / "target" / "bench.json", help="where the JSON goes"
    )
    arguments = parser.parse_args()
    size = SMALL if arguments.small else WHOLE
    parts = arguments.only or PARTS
    result: dict[str, Any] = {"machine": _machine(), "size": asdict(size)}
    say(
        f"{result['machine']['cores']} cores, Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as name:
        directory = Path(name)
        if "build" in parts or "golden" in parts:
            parse = measure_parse(directory / "parse")
        if "build" in parts:
            (directory / "build").mkdir()
            result["build"] = _tell_build(
                "build", compare_builds(directory / "build", size.customers, parse), 2.0
            )
        if "golden" in parts:
            result["golden"] = _compare_golden(directory / "golden", size, parse)
        if "identity" in parts:
            result["identity"] = _compare_identities(directory / "identity", size.profiles)
        if "decisions" in parts:
            result["decisions"] = _tell_decisions(compare_decisions(directory / "decisions", size.people))
        if "memberships" in parts:
            memberships = compare_memberships(directory / "memberships", size.members)
            result["memberships"] = _tell_memberships(memberships)
        if "delivery" in parts:
            (directory / "delivery").mkdir()
            costs = compare_deliveries(directory / "delivery", size.rows, size.naive_rows)
            result["delivery"] = _tell_delivery(costs)
        if "messages" in parts:
            result["messages"] = _tell_messages(compare_messages(directory / "messages", size.messages))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _compare_golden(directory: Path, size: Size, parse: Usage) -> dict[str, Any]:
    costs: dict[int, BuildCosts] = {}
    for number in (size.customers // 10, size.customers):
        (directory / str(number)).mkdir(parents=True)
        costs[number] = compare_builds(directory / str(number), number, parse, size.golden)
    small, whole = costs.values()
    told = _tell_build("golden customers and cohorts", whole, 1.5)
    growth = {"bare": whole.bare.cpu / small.bare.cpu, "dbt": whole.dbt_cpu / small.dbt_cpu}
    say(
        f"  {small.landed:,} rows take {small.bare.cpu:.1f} CPU s bare and {small.dbt_cpu:.1f} through dbt: ten times"
    )
    say(f"  the data {growth['bare']:.1f} and {growth['dbt']:.1f} times the CPU; aim: at most 15")
    return told | {"growth": growth, "tenth": asdict(small)}


def _compare_identities(directory: Path, sizes: tuple[int, ...]) -> dict[str, Any]:
    told: dict[str, Any] = {"cpu_ratio": {}, "costs": {}}
    statements = compile_identity(directory / "compiled")
    # First, while this process is small: what it measures never has a smaller peak than itself.
    hard = measure_hard_graphs(directory, statements)
    say(f"\nconnected components\n  {'':<38}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}")
    for name, usage in hard.items():
        say(_line(name, usage))
    say("  aim: at most 2 s and 500 MB each")
    for profiles in sizes:
        costs = compare_identity(directory / str(profiles), statements, profiles)
        told["costs"][profiles], told["cpu_ratio"][profiles] = asdict(costs), costs.ratio
        _tell_identity(costs)
    return told | {"hard": {name: asdict(usage) for name, usage in hard.items()}}


def _tell_identity(costs: IdentityCosts) -> None:
    say(f"\nidentity: {costs.profiles:,} profiles, {costs.links:,} links, {costs.clusters:,} people")
    say(f"  {'':<38}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}")
    say(_line("keys, pairs and links", costs.linking))
    say(_line("components in SQL", costs.searching))
    say(_line("components with SciPy", costs.scipy))
    say(f"  ratio {costs.ratio:.2f} by CPU; aim: at most 2.00")


def _line(label: str, usage: Usage) -> str:
    return f"  {label:<38}{usage.cpu:>10.1f}{usage.wall:>10.1f}{usage.peak_mb:>10.0f}"


def _tell_build(name: str, costs: BuildCosts, aim: float) -> dict[str, Any]:
    told = ("dim_customers", "fct_orders", "fct_order_lines", "decision_log")
    counts = [f"{costs.rows[table]:,} rows of {table}" for table in told if table in costs.rows]
    say(f"\n{name}: {costs.landed:,} landed rows; {', '.join(counts)}")
    say(f"  {'':<38}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}")
    built = Usage(costs.dbt.wall - costs.parse.wall, costs.dbt_cpu, costs.dbt.peak_mb)
    say(_line("dbt build, without parsing", built))
    say(_line("the same SQL, bare", costs.bare))
    say(_line("(dbt parse, taken off above)", costs.parse))
    say(f"  ratio {costs.ratio:.2f} by CPU, {costs.wall_ratio:.2f} by wall; aim: at most {aim:.2f}")
    return asdict(costs) | {"cpu_ratio": costs.ratio, "wall_ratio": costs.wall_ratio}


def _tell_decisions(costs: DecisionCosts) -> dict[str, Any]:
    say(
        f"\ndecisions: {costs.people:,} people, {costs.decisions:,} decisions, {costs.sent:,} of them to send"
    )
    say(f"  {'':<38}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}")
    say(_line("all rules, every reason", costs.layer))
    say(_line("one query, the winners alone", costs.winners))
    say(f"  ratio {costs.ratio:.2f} by CPU; aim: at most 2.00, limit: 3.00, and a peak below 4,096 MB")
    return asdict(costs) | {"cpu_ratio": costs.ratio}


def _tell_memberships(costs: MembershipCosts) -> dict[str, Any]:
    say(f"\nmemberships: {costs.members:,} members, {costs.changes:,} changes")
    say(f"  {'':<38}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}")
    say(_line("the difference of the sets", costs.difference))
    say(_line("one full join", costs.join))
    say(f"  ratio {costs.ratio:.2f} by CPU; limit: 1.50")
    return asdict(costs) | {"cpu_ratio": costs.ratio}


def _tell_delivery(costs: DeliveryCosts) -> dict[str, Any]:
    say(f"\ndelivery: {costs.rows:,} rows through the journal, {costs.naive_rows:,} naively")
    say(f"  {'':<38}{'rows/s':>10}{'CPU s/M':>10}{'peak MB':>10}")
    for label, rate, usage, rows in (
        ("plan, send, answer, receipts", costs.rows_per_second, costs.ours, costs.rows),
        ("the same without a journal", costs.rows / costs.forgetful.wall, costs.forgetful, costs.rows),
        ("one requests.post for each", costs.naive_rows_per_second, costs.naive, costs.naive_rows),
    ):
        say(f"  {label:<38}{rate:>10,.0f}{usage.cpu / rows * 1e6:>10.1f}{usage.peak_mb:>10.0f}")
    say(
        f"  ratio {costs.ratio:.0f} by wall, {costs.cpu_ratio:.0f} by CPU; "
        f"aim: at least 300, and a peak below 500 MB"
    )
    say(
        f"  {costs.share_of_forgetful:.0%} of the rate without a journal, "
        f"{costs.forgetful.cpu / costs.ours.cpu:.0%} by CPU; aim: at least 60 %"
    )
    return asdict(costs) | {
        "rows_per_second": costs.rows_per_second,
        "naive_rows_per_second": costs.naive_rows_per_second,
        "wall_ratio": costs.ratio,
        "cpu_ratio": costs.cpu_ratio,
        "share_of_forgetful": costs.share_of_forgetful,
    }


def _tell_messages(costs: MessageCosts) -> dict[str, Any]:
    say(f"\nmessages: {costs.messages:,}, one in a request")
    say(f"  {'':<38}{'us CPU':>10}{'peak MB':>10}")
    for label, usage in (("plan, send, answer, receipts", costs.ours), ("a bare session", costs.bare)):
        say(f"  {label:<38}{usage.cpu / costs.messages * 1e6:>10.0f}{usage.peak_mb:>10.0f}")
    say(f"  ratio {costs.cpu_ratio:.2f} by CPU; aim: at most 1.15")
    say(f"  {costs.share_of_limit:.0%} of 1,000 requests a second at 50 ms latency; aim: at least 90 %")
    return asdict(costs) | {"cpu_ratio": costs.cpu_ratio, "share_of_limit": costs.share_of_limit}


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
