"""The steps of a run, in their order: land, score, build, freeze, guard, deliver, report.

The command line runs them in one process, the Prefect flows run the same functions as tasks. A run that stands
in the ledger is never decided again: asking for it again goes on where it was left.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from activation import settings
from activation.build import BuildResult, build, report
from activation.campaigns import load_campaigns
from activation.canary import gate
from activation.clock import Clock, clock_of
from activation.compiled import RECHECK, compiled
from activation.connectors import Connector
from activation.connectors.registry import connector
from activation.content import load_templates, templates_table
from activation.delivery import DeliveryResult, Progress, deliver
from activation.errors import LandingError
from activation.freeze import freeze, inputs_seen, is_frozen, verify
from activation.frozen import FrozenRun, connect, read_frozen
from activation.guard import Ruling, Verdict, judge, release_held, rule
from activation.home import Home, World
from activation.journal import open_journal
from activation.landing.contract import ensure_schema_files
from activation.landing.load import land
from activation.landing.own import land_table
from activation.landing.report import LoadReport
from activation.ledger import ensure_ledger
from activation.microbatch import Base, base_of
from activation.recheck import FrozenRecheck
from activation.request import RunRequest
from activation.scores.step import ScoreReport, score

REHEARSED_AHEAD = timedelta(hours=24)
BUILDS_KEPT = 6
EXIT_HELD, EXIT_IN_DOUBT, EXIT_DOWN = 3, 4, 5


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the rulings, and the deliveries of the campaigns that were let go.

    ``scores`` is what the score step did, where this was the process that decided the run.
    """

    run: FrozenRun
    rulings: Mapping[str, Ruling]
    deliveries: Mapping[str, DeliveryResult]
    scores: ScoreReport | None = None

    def exit_code(self, max_in_doubt: int = 0) -> int:
        """0 all well, 3 something held, 4 in doubt above the limit, 5 a destination down; the gravest wins."""
        in_doubt = sum(delivery.counts.get("in_doubt", 0) for delivery in self.deliveries.values())
        if any(delivery.is_down for delivery in self.deliveries.values()):
            return EXIT_DOWN
        if in_doubt > max_in_doubt:
            return EXIT_IN_DOUBT
        is_held = any(
            ruling.verdict is not Verdict.GO or ruling.held_removals for ruling in self.rulings.values()
        )
        waits = any(delivery.waits_for for delivery in self.deliveries.values())
        return EXIT_HELD if is_held or waits else 0


def check_step(home: Home, campaigns: Sequence[str]) -> None:
    """Make sure that every destination of these campaigns is configured, before any work is done.

    Raises ``ConfigurationError`` naming what is missing.
    """
    known = load_campaigns().values()
    needed = {each for campaign in known if campaign.name in campaigns for each in campaign.destinations}
    for destination in sorted(needed):  # so that what is missing is told in the same order each time
        connector(home, destination)
    settings.pepper(home)


def land_step(home: Home, clock: Clock, before: datetime | None = None) -> LoadReport:
    """Land what is in the inbox. What had arrived ``before`` a moment counts as known then.

    Raises ``LandingError`` where a file had to be set aside whole, after everything else was landed.
    """
    ensure_schema_files(home)
    ensure_ledger(home)
    if home.world is World.LIVE:
        loads = land(home, clock.now(), before)
    else:
        # Input of a rehearsal may be dated by any clock; when it was really landed is the only honest bound.
        loads = land(home, datetime.now(UTC), before or (clock.now() if clock.is_set else None))
    if loads.set_aside:
        raise LandingError("\n".join(loads.problems))
    return loads


def land_for(home: Home, request: RunRequest, clock: Clock) -> LoadReport:
    """Land for a run that is about to be decided: the inbox, and the template versions in force."""
    loads = land_step(home, clock, request.as_of)
    land_templates(home, request)
    return loads


def land_templates(home: Home, request: RunRequest) -> None:
    """Land the template versions in force, unless the run is decided already: its messages name what they are."""
    if not is_frozen(home, request.run_id):
        moment = request.as_of - timedelta(microseconds=1)
        land_table(home, "muster.templates", templates_table(load_templates()), moment)


def score_step(home: Home, request: RunRequest) -> ScoreReport:
    """Fit the score models as of the run where the newest fit is old, so that the build has fresh parameters.

    A run that is decided already never fits again, and a micro-batch takes what its base has. Raises ``BuildError``
    where the statistics cannot be computed.
    """
    if is_frozen(home, request.run_id) or base_of(home, request) is not None:
        return ScoreReport(request.as_of, ())
    return score(home, request.as_of)


def build_step(home: Home, request: RunRequest, clock: Clock) -> BuildResult:
    """Build the warehouse for this run and publish it; leaves the export beside it."""
    with home.lock("build", "building the warehouse"):
        return _build(home, request, clock, None)


def freeze_step(home: Home, request: RunRequest, clock: Clock) -> FrozenRun:
    """Build and freeze in one breath: no other build can come between and miss the reservations."""
    if is_frozen(home, request.run_id):
        return read_frozen(home, request.run_id)
    script = compiled(home, RECHECK)
    with home.lock("build", "building the warehouse"):
        if is_frozen(home, request.run_id):  # by whoever held the lock before
            return read_frozen(home, request.run_id)
        seen = inputs_seen(home, request)
        built = _build(home, request, clock, base_of(home, request))
        return freeze(home, request, built, script, seen)


def plan_step(home: Home, request: RunRequest, clock: Clock) -> tuple[BuildResult, dict[str, Ruling]]:
    """Decide and judge without freezing: nothing is reserved, nothing can be sent of it."""
    with home.lock("build", "building the warehouse"):
        built = _build(home, request, clock, base_of(home, request), looks_ahead=True)
    return built, judge(built.export, built.held, request.campaigns)


def guard_step(home: Home, run: FrozenRun, clock: Clock) -> dict[str, Ruling]:
    """What each campaign of a frozen run may do. Raises ``ConfigurationError`` where its files are damaged."""
    verify(run)
    rulings = rule(home, run)
    release_held(home, run, rulings, clock.now())
    return rulings


def deliver_step(
    home: Home,
    run: FrozenRun,
    rulings: Mapping[str, Ruling],
    clock: Clock,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, DeliveryResult]:
    """Deliver the campaigns that may go, each through its destinations, one after the other.

    All connectors and settings are made before the first claim, so that a missing credential sends nothing.
    In a rehearsal the clock steps on through the send windows of the next 24 hours.
    """
    going = [name for name, ruling in rulings.items() if ruling.verdict is Verdict.GO and ruling.planned]
    connectors = _connectors(home, run, going)
    content, pepper, sender = load_templates(), settings.pepper(home), settings.sender(home)
    recheck = FrozenRecheck(home, run, clock)
    results: dict[tuple[str, str], DeliveryResult] = {}
    with closing(open_journal(home)) as journal:
        while True:
            for key, destination in connectors.items():
                if key in results and results[key].next_due is None:
                    continue
                earlier = results.pop(key).requests if key in results else 0
                door = gate(home, run, key[0], clock.now())
                result = deliver(
                    home, run, key[0],
                    journal=journal, connector=destination, another=partial(connector, home, destination.name),
                    content=content, clock=clock, recheck=recheck,
                    pepper=pepper, sender=sender, should_stop=should_stop, progress=progress,
                    waves=(0, 1) if door.is_open else (0,),
                )  # fmt: skip
                if result.next_due is None and not door.is_open:
                    # Judged with what has just left.
                    door = gate(home, run, key[0], clock.now())
                    result = replace(result, next_due=door.check_at, waits_for=door.reason)
                results[key] = replace(result, requests=earlier + result.requests)
            due = [result.next_due for result in results.values() if result.next_due and not result.is_down]
            if home.world is World.LIVE or not due or should_stop():
                return _merged(results)
            if not clock.now() < min(due) <= run.as_of + REHEARSED_AHEAD:
                return _merged(results)
            clock.step_to(min(due))


def report_step(home: Home, run: FrozenRun, clock: Clock) -> None:
    """Read the ledger back into the report models."""
    with home.lock("build", "building the warehouse"):
        report(home, run.run_id, clock.now() + timedelta(seconds=1), run.as_of)


def run_steps(
    home: Home,
    request: RunRequest,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """All steps of one run from landing to report."""
    clock = clock_of(home)
    scores = None
    if not is_frozen(home, request.run_id):
        land_for(home, request, clock)
        scores = score_step(home, request)
    run = freeze_step(home, request, clock)
    rulings = guard_step(home, run, clock)
    deliveries = deliver_step(home, run, rulings, clock, should_stop=should_stop, progress=progress)
    if any(delivery.requests for delivery in deliveries.values()):
        report_step(home, run, clock)
    return Outcome(run, rulings, deliveries, scores)


def _connectors(home: Home, run: FrozenRun, going: list[str]) -> dict[tuple[str, str], Connector]:
    """The connectors of each campaign, in the order of ``going``."""
    with connect() as engine:
        rows = engine.execute(
            "select distinct campaign, destination from read_parquet(?) union "
            "select distinct campaign, destination from read_parquet(?) order by all",
            [str(run.directory / f"outbox_{kind}.parquet") for kind in ("messages", "memberships")],
        ).fetchall()
    made = {destination: connector(home, destination) for campaign, destination in rows if campaign in going}
    return {(name, each): made[each] for name in going for campaign, each in rows if campaign == name}


def _merged(results: Mapping[tuple[str, str], DeliveryResult]) -> dict[str, DeliveryResult]:
    """One result for each campaign. Each counts all rows of the campaign, so the last one that came has the counts."""
    merged: dict[str, DeliveryResult] = {}
    for (name, _), last in results.items():
        before = merged.get(name, replace(last, requests=0))
        merged[name] = replace(
            last,
            requests=before.requests + last.requests,
            is_down=before.is_down or last.is_down,
            why_down=last.why_down or before.why_down,
            next_due=min(filter(None, (before.next_due, last.next_due)), default=None),
            waits_for=last.waits_for or before.waits_for,
        )
    return merged


def _build(
    home: Home, request: RunRequest, clock: Clock, base: Base | None, *, looks_ahead: bool = False
) -> BuildResult:
    """Build under the lock that the caller holds."""
    _make_room(home, request.run_id)
    return build(home, request, max(request.known_until, clock.now()), base, looks_ahead=looks_ahead)


def _make_room(home: Home, run_id: str) -> None:
    """Remove what an earlier build of this run exported, and all but the latest builds of others."""
    shutil.rmtree(home.build_directory(run_id) / "export", ignore_errors=True)
    builds = sorted((home.warehouse / "build").iterdir(), key=lambda path: path.stat().st_mtime)
    for old in builds[:-BUILDS_KEPT]:
        if old.name != run_id:
            shutil.rmtree(old, ignore_errors=True)
