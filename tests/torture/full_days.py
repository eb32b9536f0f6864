"""Whole days, one after the other: land, decide, deliver and report by `muster run --as-of`, on the small sample.

The sandbox fails one request in twenty. Every day some of those reached before withdraw their consent, and orders of
last week arrive late. A day costs some twenty seconds, most of them dbt's, so there are fewer of them than in
``soak.py``.
"""

from __future__ import annotations

import csv
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "run"))

FIRST = datetime(2017, 11, 20, 14)  # noqa: DTZ001 - the command line takes UTC without an offset
KINDS = ("status:500", "accept_then_500", "drop", "accept_then_drop", "garbage", "retry_after:0.02")
SHARE = 0.05 / len(KINDS)
HELD, IN_DOUBT, DOWN = 3, 4, 5
GROWTH = 1.5


def full_days(directory: Path, shape: Shape, template: Path, days: int, seed: int) -> Tally:
    """Run so many days."""
    del shape, template
    tally: Tally = asked(_full_days, directory, days, seed)
    return tally


def _full_days(directory: Path, days: int, seed: int) -> Tally:
    from batch_home import PROJECT, Home  # noqa: PLC0415 - it imports pytest, which no other process here needs

    dice = random.Random(seed)
    tally = Tally("whole days")
    home = Home(directory / "days", PROJECT)
    home.muster("sample", "--small")
    with (home.path / "inbox" / "crm" / "profiles" / "sample.csv").open(newline="") as file:
        profiles = [row["profile_id"] for row in csv.DictReader(file)]
    (home.path / "sandbox").mkdir(exist_ok=True)
    script = [{"path_prefix": "/", "fault": kind, "count": 10**6, "share": SHARE} for kind in KINDS]
    (home.path / "sandbox" / "faults.json").write_text(json.dumps(script))
    home.muster("sandbox", "--detach")
    costs, withdrawn = [], {}
    try:
        for day in range(days):
            at = FIRST + timedelta(days=day)
            before = len(home.accepted())
            people = sorted(
                {row["address"] for row in home.accepted() if "@" in str(row.get("address"))} - set(withdrawn)
            )
            for address in dice.sample(people, min(2, len(people))):
                withdrawn[address] = at
            leaving = [address for address, moment in withdrawn.items() if moment == at]
            _drop(home, at, leaving, dice.sample(profiles, 3))
            began = os.times()
            codes = _run(home, at)
            ended = os.times()
            costs.append(
                ended.children_user + ended.children_system - began.children_user - began.children_system
            )
            tally.trials += 1
            if not set(codes) <= {0, HELD, IN_DOUBT, DOWN} or codes[-1] == DOWN:
                tally.broken.append(f"day {day}: it ended with {codes}")
            new = home.accepted()[before:]
            wronged = {row["address"] for row in new if row.get("address") in withdrawn}
            if wronged:
                tally.broken.append(
                    f"invariant 2: day {day}: {len(wronged)} people were written to who had withdrawn"
                )
        tally.twice = _twice(home)
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


def _twice(home: Any) -> int:
    """How many addresses one campaign reached more than once in one slot; a daily one has a slot for each day."""
    frozen = home.path / "ledger" / "runs" / "*" / "frozen" / "outbox_messages.parquet"
    query = f"select message_id, campaign, slot, step from read_parquet('{frozen}', union_by_name = true)"
    with duckdb.connect() as engine:
        slots = {message: slot for message, *slot in engine.execute(query).fetchall()}
    sent = Counter(
        (*slots[row["message_id"]], row["address"])
        for row in home.accepted()
        if "address" in row and row.get("message_id") in slots
    )
    return sum(count > 1 for count in sent.values())


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


def _drop(home: Any, at: datetime, withdrawing: list[str], buyers: list[str]) -> None:
    """Put a day's drops into the inbox: withdrawals of yesterday evening, and orders of last week."""
    evening = f"{at - timedelta(hours=16):%Y-%m-%d %H:%M:%S}"
    consents = "".join(f"{address},email,marketing,withdrawn,{evening}\n" for address in withdrawing)
    home.drop("consent.events", f"{at:%Y%m%d}.csv", f"email,channel,purpose,state,occurred_at\n{consents}")
    late = f"{at - timedelta(days=6):%Y-%m-%d %H:%M:%S}"
    orders = "".join(
        f"late-{at:%Y%m%d}-{number},{buyer},{late},completed,USD,{number + 5}.00,0.00\n"
        for number, buyer in enumerate(buyers)
    )
    head = "order_id,profile_id,ordered_at,status,currency,gross_amount,discount_amount\n"
    home.drop("shop.orders", f"late-{at:%Y%m%d}.csv", head + orders)
