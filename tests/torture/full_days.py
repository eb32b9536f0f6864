"""Whole days, one after the other: land, decide, deliver and report by `muster run --as-of`, on the small sample.

The sandbox fails one request in twenty; people join, withdraw and order late (``tests/flows/days.py``). A day costs
some twenty seconds, most of them dbt's, so there are fewer of them than in ``soak.py``.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import duckdb
from forked import asked
from kills import Tally
from place import Shape

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("run", "flows")]

HELD, IN_DOUBT, DOWN = 3, 4, 5
GROWTH = 1.5


def full_days(directory: Path, shape: Shape, template: Path, days: int, seed: int) -> Tally:
    """Run so many days."""
    del shape, template
    tally: Tally = asked(_full_days, directory, days, seed)
    return tally


def _full_days(directory: Path, days: int, seed: int) -> Tally:
    # Here, because the first imports pytest, which no other process here needs.
    from batch_home import PROJECT, Home  # noqa: PLC0415
    from days import FAULTS, FIRST, Days  # noqa: PLC0415

    tally = Tally("whole days")
    home = Home(directory / "days", PROJECT)
    home.muster("sample", "--small")
    people = Days(home.path, random.Random(seed))
    (home.path / "sandbox").mkdir(exist_ok=True)
    (home.path / "sandbox" / "faults.json").write_text(json.dumps(FAULTS))
    home.muster("sandbox", "--detach")
    costs = []
    try:
        for day in range(days):
            at = FIRST + timedelta(days=day)
            people.begin(at)
            began = os.times()
            codes = _run(home, at)
            ended = os.times()
            costs.append(
                ended.children_user + ended.children_system - began.children_user - began.children_system
            )
            tally.trials += 1
            if not set(codes) <= {0, HELD, IN_DOUBT, DOWN} or codes[-1] == DOWN:
                tally.broken.append(f"day {day}: it ended with {codes}")
            if wronged := people.wronged():
                tally.broken.append(
                    f"invariant 2: day {day}: {wronged} people were written to who had withdrawn"
                )
        tally.twice = people.twice()
        states = Counter[str]()
        for run in home.json("status")["runs"]:
            for counts in run["states"].values():
                states.update(counts)
    finally:
        home.muster("sandbox", "--stop")
    tally.worlds, tally.people, tally.accepted = 1, sum(states.values()), states["accepted"]
    tally.in_doubt = tally.bound = states[
        "in_doubt"
    ]  # the sandbox keeps no list of requests that met a fault
    tally.truly_accepted = _truly_accepted(home)
    if not tally.accepted:
        tally.broken.append("nobody was reached: every day was held")
    if tally.twice:
        tally.broken.append(f"invariant 1: {tally.twice} people were accepted twice in one campaign and slot")
    half = max(1, len(costs) // 2)
    first, last = mean(costs[:half]), mean(costs[-half:])
    tally.note = f"CPU of a day: {first:.0f} s in the first half, {last:.0f} s in the last"
    if last > GROWTH * first:
        tally.broken.append(f"time grew from {first:.0f} s to {last:.0f} s a day")
    return tally


def _truly_accepted(home: Any) -> int:
    """How many of those in doubt the destinations took: the ledger's last word beside their log."""
    query = f"""
        select message_id from read_parquet('{home.path / "ledger" / "receipts" / "*.parquet"}', union_by_name = true)
        group by message_id having arg_max(state, known_at) = 'in_doubt'"""
    with duckdb.connect() as engine:
        doubted = {message for (message,) in engine.execute(query).fetchall()}
    return len(doubted & {row.get("message_id") for row in home.accepted()})


def _run(home: Any, at: datetime) -> list[int]:
    """Run the day, and resume it while the destination is down."""
    codes: list[int] = []
    command = ("run", "--as-of", f"{at:%Y-%m-%dT%H:%M}", "--run-id", f"day-{at:%Y%m%d}")
    while not codes or (codes[-1] == DOWN and len(codes) < 6):
        done = subprocess.run(
            home.command(*command), cwd=home.project, env=home.environment(),
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        codes.append(done.returncode)
        command = ("resume", f"day-{at:%Y%m%d}")
    return codes
