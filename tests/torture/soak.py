"""Ninety days of deliveries in one home: invariants hold every day, and neither time nor journal grow.

Each day a run is frozen for some of the same people, and delivered over a destination that fails one request in
twenty; some of them object, some come too late, and a process is killed now and then. Runs older than thirty days leave
the journal, as `muster purge` does. These days are frozen by this module; what dbt decides is soaked for fewer days by
``full_days.py``.
"""

from __future__ import annotations

import json
import random
import shutil
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import delivery_world as small
from checker import check
from forked import asked, fork
from kills import ALL_WELL, IN_DOUBT, LONGEST, Tally
from place import AS_OF, Place, Shape, go, started

from activation.clock import SimulatedClock, naive_utc
from activation.home import open_home
from activation.journal import open_journal
from activation.journal_closing import close_runs

PEOPLE = 150
WEEK = 7
KEPT = timedelta(days=30)
FLAT = 1.25
FAULTS = (
    "status:500",
    "accept_then_500",
    "drop",
    "accept_then_drop",
    "garbage",
    "retry_after:0.02",
    "status:503",
)
SHARE = 0.05 / len(FAULTS)


def soak(directory: Path, shape: Shape, template: Path, days: int, seed: int) -> Tally:
    """Deliver so many days."""
    dice = random.Random(seed)
    tally = Tally("soak")
    path = directory / "soaked"
    shutil.copytree(template, path)
    script = [{"path_prefix": "/dummy", "fault": kind, "count": 10**6, "share": SHARE} for kind in FAULTS]
    (path / "sandbox" / "faults.json").write_text(json.dumps(script))
    costs, sizes = [], []
    server = started(path)
    try:
        for day in range(days):
            costs.append(_day(path, shape, dice, day, tally))
            sizes.append(sum(file.stat().st_size for file in path.glob("journal.db*")))
    finally:
        server.kill()
    first, last = mean(costs[1 : 1 + WEEK]), mean(costs[-WEEK:])
    kept = KEPT.days
    steady, end = mean(sizes[kept + 1 : kept + 1 + WEEK]) if days > kept + WEEK else 0, mean(sizes[-WEEK:])
    tally.note = (
        f"CPU of a day: {first:.2f} s in the first week, {last:.2f} s in the last; journal {end / 1e6:.1f} MB"
    )
    if last > FLAT * first:
        tally.broken.append(f"time grew from {first:.2f} s to {last:.2f} s a day")
    if steady and end > FLAT * steady:
        tally.broken.append(f"the journal grew from {steady:.0f} to {end:.0f} bytes")
    return tally


def _day(path: Path, shape: Shape, dice: random.Random, day: int, tally: Tally) -> float:
    """Freeze, deliver and check one day; give the CPU seconds of delivering it."""
    at = AS_OF + timedelta(days=day)
    run_id = f"day-{day:03}"
    asked(_freeze, path, run_id, at, dice.random(), shape)
    (path / "objections.json").unlink(missing_ok=True)
    here = Place(path, shape, None, [], {})
    seen = len(here.requests())
    cpu = 0.0
    for _ in range(12):
        child = fork(go, path, shape, "", {}, run_id, log=path / "children.log")
        if dice.random() < 0.1:
            child.wait(dice.uniform(0, 0.5))
            child.kill()
            here.note_open()
        status = child.wait(LONGEST)
        cpu += child.cpu
        if status in {ALL_WELL, IN_DOUBT}:
            break
        here.object(1, lambda free, count: dice.sample(list(free), count))
    tally.trials += 1
    met = [line for line in here.requests()[seen:] if line["fault"]]
    here.open_people.update({line["request_id"]: line["people"] for line in met})
    findings = asked(check, here.world() | {"run": run_id, "has_other_runs": True})
    findings.broken = [f"day {day}: {what}" for what in findings.broken]
    tally.add(findings)
    asked(_purge, path, at)
    return cpu


def _freeze(path: Path, run_id: str, at: datetime, chance: float, shape: Shape) -> None:
    dice = random.Random(chance)
    home = open_home(path)
    SimulatedClock(home.path / "clock.json").step_to(at)
    rows: list[dict[str, Any]] = []
    for number in dice.sample(range(2 * PEOPLE), PEOPLE):
        slot = f"{at:%Y-%m-%d}"
        is_late = dice.random() < 0.03
        row = small.message(number, slot=slot, destination=shape.destination)
        row |= {
            "message_id": small.md5(f"{slot}{number}"),
            "send_not_before": naive_utc(at - timedelta(days=2) if is_late else at),
            "expires_at": naive_utc(at - timedelta(hours=1) if is_late else at + timedelta(days=1)),
        }
        rows.append(row)
    small.make_run(home, rows, run_id=run_id, as_of=at, digest=run_id)


def _purge(path: Path, at: datetime) -> None:
    with closing(open_journal(open_home(path))) as journal:
        close_runs(journal, at - KEPT, at)
