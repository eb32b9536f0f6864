"""The build: one dbt process into a warehouse file of its own, published by one rename.

dbt is a subprocess, never an import: its exit frees the DuckDB file. Its full output stays in the build
directory; what is told to people names models, tests and files, and no row of data.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from activation.clock import naive_utc
from activation.errors import BuildError
from activation.home import Home, fsync_directory
from activation.microbatch import Base, selection
from activation.parsed import keep_parse, lay_parse
from activation.request import RunRequest
from activation.settings import PROJECT

TOLD = 5  # failures that an error message names
MEASUREMENT = "measurement"  # the tag of models that no decision reads
LOOK_AHEAD = "look_ahead"  # the tag of models that only a plan tells
EFFECTS = "rpt_minimum_detectable_effects"
DEFINING = frozenset({"audiences", "campaigns"})  # the layers whose models are somebody's definition
_FAILED = frozenset({"error", "fail", "runtime error"})


@dataclass(frozen=True)
class BuildResult:
    """What a build left: the exported tables, and the campaigns that a failing test of their own holds.

    ``based_on`` is the full build that a micro-batch stood on; ``definitions`` the checksum of each audience's and
    campaign's SQL, by the model's name.
    """

    directory: Path
    export: Path
    invocation_id: str
    held: Mapping[str, str]
    counts: Mapping[str, int]
    based_on: Base | None = None
    definitions: Mapping[str, str] = field(default_factory=dict)


def build(
    home: Home,
    request: RunRequest,
    known_at: datetime,
    base: Base | None = None,
    *,
    looks_ahead: bool = False,
) -> BuildResult:
    """Build everything for one run and publish it; with a ``base``, a micro-batch, which is not published.

    Raises ``BuildError`` where a shared layer failed.
    """
    directory = home.build_directory(request.run_id)
    built = decide(home, request, known_at, directory, base=base, looks_ahead=looks_ahead)
    if base is None:
        publish(home, directory / home.warehouse_file.name)
    return built


def decide(
    home: Home,
    request: RunRequest,
    known_at: datetime,
    directory: Path,
    *,
    tests: bool = True,
    base: Base | None = None,
    looks_ahead: bool = False,
) -> BuildResult:
    """Build for one run in a directory of its own and export it; publish nothing.

    Everything, or on a copy of ``base`` what a micro-batch needs. Without ``tests`` no data test is run, and so
    nothing is held for one. ``looks_ahead``: also what only a plan tells, but for a micro-batch. Raises
    ``BuildError`` where a shared layer failed.
    """
    export = directory / "export"
    export.mkdir(mode=0o700, parents=True, exist_ok=True)
    warehouse = directory / home.warehouse_file.name
    warehouse.unlink(missing_ok=True)
    values = _values(request, known_at) | {"export_to": str(export)}
    chosen = ["--exclude", f"tag:{MEASUREMENT}", *(() if looks_ahead else (f"tag:{LOOK_AHEAD}",))]
    if base is not None:
        base.copy_to(warehouse)
        chosen = selection(request)
    results, manifest = _build(["build", *chosen, *_without(tests=tests)], home, directory, values)
    if looks_ahead and base is None:
        _copy_out(warehouse, f"reports.{EFFECTS}", export / f"{EFFECTS}.parquet")
    counts: dict[str, int] = {}
    for result in results["results"]:
        counts[result["status"]] = counts.get(result["status"], 0) + 1
    return BuildResult(
        directory=directory,
        export=export,
        invocation_id=str(results["metadata"]["invocation_id"]),
        held=_held(results["results"], manifest),
        counts=counts,
        based_on=base,
        definitions=_definitions(manifest),
    )


def decision_log(
    home: Home, request: RunRequest, known_at: datetime, directory: Path, project: Path = PROJECT
) -> Path:
    """Build the decision log and what it reads, by this project or another version of it; give its Parquet file.

    Runs no test and publishes nothing. Raises ``BuildError`` where a model failed.
    """
    warehouse, file = directory / home.warehouse_file.name, directory / "decisions.parquet"
    warehouse.unlink(missing_ok=True)
    values = _values(request, known_at)
    arguments = ["build", "--select", "+decision_log", *_without(tests=False)]
    if project != PROJECT:
        # An earlier version may take its values from dbt's variables alone, and would else build its defaults.
        arguments += ["--vars", json.dumps(values | {"campaigns": list(request.campaigns)})]
    _build(arguments, home, directory, values, project=project)
    _copy_out(warehouse, "decisions.decision_log", file)
    return file


def _copy_out(warehouse: Path, table: str, file: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as engine:
        engine.execute(f"copy {table} to ? (format parquet)", [str(file)])


def report(home: Home, run_id: str, known_until: datetime, as_of: datetime) -> None:
    """Build anew what people look at after a run, on what the ledger knows now."""
    models = [
        "stg_ledger__receipts",
        "rpt_campaign_deliveries",
        "stg_ledger__audiences",
        "rpt_audience_overlaps",
        "rpt_audience_health",
    ]
    _rebuild(home, f"{run_id}-report", models, known_until, as_of)


def measure(home: Home, known_until: datetime, as_of: datetime) -> None:
    """Build all that is measured, on what the ledger and the warehouse know now: the models that no decision reads.

    ``as_of`` is the clock of the published warehouse, to which its facts reach. Raises ``BuildError`` where a model
    or a test of it failed.
    """
    models = [f"tag:{MEASUREMENT}", f"tag:{LOOK_AHEAD}", "stg_ledger__*", "path:models/reports"]
    _rebuild(home, "measurement", models, known_until, as_of)


def _rebuild(home: Home, name: str, models: Sequence[str], known_until: datetime, as_of: datetime) -> None:
    """Build ``models`` in a copy of the published warehouse, beside its readers, and publish the copy."""
    directory = home.build_directory(name)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = directory / home.warehouse_file.name
    file.write_bytes(home.warehouse_file.read_bytes())
    values = {
        "as_of": sql_moment(as_of),
        "known_until": sql_moment(known_until),
        "run_id": "none",
    }
    select = [
        *("--select", *models),
        *("--exclude", "rpt_build"),
        *("--indirect-selection", "cautious"),
        *("--exclude-resource-type", "unit_test"),
        "--no-write-json",  # nobody reads what dbt would write down of it
    ]
    if run_dbt(["build", *select], home, directory, values):
        raise BuildError(f"the report models failed; dbt's own words are in {directory / 'dbt.log'}")
    publish(home, file)


def run_dbt(
    arguments: list[str],
    home: Home,
    directory: Path,
    values: Mapping[str, str],
    home_name: str | None = None,
    *,
    project: Path = PROJECT,
) -> int:
    """Run dbt in a process of its own; its output goes to ``dbt.log`` in ``directory``. Returns its exit code.

    ``values`` are those of the run, as the macro ``run_value`` names them. They travel by environment, and the
    warehouse is named from dbt's home directory, which is ``directory``: so that nothing dbt's parse depends on
    differs from run to run, and one parse serves every run of a version of the project. Another ``project`` than
    this one is parsed anew.
    """
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(directory),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "MUSTER_HOME": home_name or str(home.path),
        "MUSTER_WAREHOUSE": f"~/{home.warehouse_file.name}",
        "MUSTER_MEMORY_LIMIT": os.environ.get("MUSTER_MEMORY_LIMIT", "4GB"),
    }
    environment |= {f"MUSTER_{name.upper()}": value for name, value in values.items()}
    target = directory / "target"
    command = [
        *(sys.executable, "-m", "dbt.cli.main", *arguments),
        *("--project-dir", str(project), "--profiles-dir", str(project), "--target", "duckdb"),
        *("--target-path", str(target), "--log-path", str(directory / "logs")),
        *("--log-level-file", "none"),
    ]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    parse = lay_parse(home, target) if project == PROJECT else None
    with (directory / "dbt.log").open("wb") as log:
        code = subprocess.run(
            command, cwd=project, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False
        ).returncode
    if parse is not None:
        keep_parse(home, target, parse)
    return code


def publish(home: Home, file: Path) -> None:
    """Make a built warehouse the one that readers open. A reader of the old one keeps it."""
    file.chmod(0o600)
    file.replace(home.warehouse_file)
    fsync_directory(home.warehouse)


def sql_moment(moment: datetime) -> str:
    """A moment as SQL reads it."""
    return naive_utc(moment).isoformat(sep=" ")


def _values(request: RunRequest, known_at: datetime) -> dict[str, str]:
    return {
        "as_of": sql_moment(request.as_of),
        "known_until": sql_moment(request.known_until),
        "known_at": sql_moment(known_at),
        "run_id": request.run_id,
        "campaigns": ",".join(request.campaigns),
    }


def _without(*, tests: bool) -> list[str]:
    kinds = ["unit_test"] if tests else ["unit_test", "test"]
    return [part for kind in kinds for part in ("--exclude-resource-type", kind)]


def _build(
    arguments: list[str], home: Home, directory: Path, values: Mapping[str, str], *, project: Path = PROJECT
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What dbt left of a build that succeeded: its results and its manifest."""
    code = run_dbt(arguments, home, directory, values, project=project)
    results = _read(directory / "target" / "run_results.json", directory)
    manifest = _read(directory / "target" / "manifest.json", directory)
    failures = [result for result in results["results"] if result["status"] in _FAILED]
    if code or failures:
        raise BuildError(_explain(failures, manifest, directory))
    return results, manifest


def _read(file: Path, directory: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        raise BuildError(f"dbt ended before it began; its own words are in {directory / 'dbt.log'}") from None


def _explain(failures: list[dict[str, Any]], manifest: dict[str, Any], directory: Path) -> str:
    """Which models and tests failed, and where. dbt's messages may quote data, so they stay in its log."""
    lines = []
    for failure in failures[:TOLD]:
        node = manifest["nodes"].get(failure["unique_id"], {})
        rows = f" ({failure['failures']} rows)" if failure.get("failures") else ""
        lines.append(
            f"{node.get('name', failure['unique_id'])} in {node.get('original_file_path', '?')}{rows}"
        )
    more = f" and {len(failures) - TOLD} more" if len(failures) > TOLD else ""
    what = "; ".join(lines) or "the project could not be parsed"
    return f"the build failed, nothing was frozen or sent: {what}{more}. dbt's own words are in {directory / 'dbt.log'}"


def _definitions(manifest: dict[str, Any]) -> dict[str, str]:
    """The checksum of the file of each audience and campaign; macros and what it reads are not part of it."""
    return {
        node["name"]: node["checksum"]["checksum"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] in DEFINING
    }


def _held(results: list[dict[str, Any]], manifest: dict[str, Any]) -> dict[str, str]:
    """Which campaigns lie below an audience or campaign of which a test failed."""
    held: dict[str, str] = {}
    for result in results:
        if result["status"] != "warn":
            continue
        test = manifest["nodes"][result["unique_id"]]
        for parent in test["depends_on"]["nodes"]:
            for campaign in sorted(_campaigns_below(parent, manifest)):
                held.setdefault(campaign, f"test {test['name']} failed on {result['failures']} rows")
    return held


def _campaigns_below(node: str, manifest: dict[str, Any]) -> set[str]:
    layer = (manifest["nodes"].get(node) or {}).get("fqn", ["", ""])[1]
    if layer == "campaigns":
        return {node.rsplit(".cmp_", 1)[-1]}
    if layer != "audiences":
        return set()
    below: set[str] = set()
    for child in manifest["child_map"].get(node, []):
        if child.startswith("model."):
            below |= _campaigns_below(child, manifest)
    return below
