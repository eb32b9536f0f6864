"""Ninety days in one command: a home operated by its own server and worker, one day after the other.

    python tests/flows/ninety_days.py [--days 90] [--write tests/flows/NINETY_DAYS.md]

Each day every kind of flow that has work in a rehearsal runs from its deployment, with the day's clock: feedback and
hygiene, the campaigns of that weekday, and what was left for the evening; on Mondays the data sync, on the second of a
month retention and the monthly report. What a day brings is in ``days.py``. The sandbox fails one request in twenty. A
day is what a real one is, but for its waiting.

Ends with 1 where a flow run is stuck or crashed, most of a deployment's failed, the server dropped events (with alarms
maybe among them), a week reached nobody, somebody was contacted twice or written to after they withdrew, or server or
worker grew.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

from days import FAULTS, FIRST, Days
from operation import ENDS, Operation, copied

from activation.home import open_home
from activation.sandbox import Sandbox

OF_WEEKDAY = {0: "monday-reactivation", 1: "tuesday-newsletter", 2: "wednesday-sequence"}
PROCESSES = ("server", "worker-1", "site")
# Caches fill in the first third; from then on, nothing may grow by more than this.
GROWTH = 1.2
# What a flow run may end as failed for: it says so, and a person or the next run goes on. An audience of so small a
# sample swings between one and four people, which holds that campaign; but not all of them, nearly every day.
EXPECTED = ("HeldError", "InDoubtError", "DestinationDownError")
MOST_FAILED = 0.75
LONGEST_SECONDS = 900.0
QUICKLY = {"PREFECT_WORKER_QUERY_SECONDS": "1"}  # of every step, ten seconds would be waiting
SECOND = 2  # day of the month: the first whole month is over


@dataclass
class Diary:
    """What ninety days left behind."""

    runs: list[tuple[str, dict[str, Any], float]] = field(default_factory=list)
    memory: list[dict[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    reached: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    twice: int = 0

    @property
    def accepted(self) -> int:
        """Messages until now."""
        return self.reached[-1] if self.reached else 0


def live(days: int, directory: Path, write: Callable[[Diary], None], seed: int = 1) -> Diary:
    """Operate so many days, and ``write`` down every ten what there is."""
    diary = Diary()
    operated = Operation(copied(directory / "project"), directory / "home", QUICKLY)
    operated.muster("sample", "--small")
    people = Days(operated.home, random.Random(seed))
    with Sandbox(open_home(operated.home)) as sandbox:
        sandbox.script(*FAULTS)
        operated.muster("up")
        try:
            for day in range(days):
                began = time.monotonic()
                _live_a_day(operated, people, diary, FIRST + timedelta(days=day))
                diary.seconds.append(time.monotonic() - began)
                diary.memory.append({name: _resident_mb(operated.pid(name)) for name in PROCESSES})
                diary.reached.append(len(people.accepted()))
                _say(f"day {day + 1}: {diary.seconds[-1]:.0f} s, {_megabytes(diary.memory[-1])}")
                if len(diary.seconds) % 10 == 0:
                    diary.twice = people.twice()
                    write(diary)
            _look_for_stuck(operated, diary)
            _look_for_dropped(operated, diary)
        finally:
            operated.muster("down")
        diary.twice = people.twice()
    diary.broken += _failed_mostly(diary) + _weeks_without_anybody(diary)
    if diary.twice:
        diary.broken.append(f"{diary.twice} people were contacted twice by one campaign in one slot")
    for name in PROCESSES:
        third = max(1, days // 3)
        middle = mean(each[name] for each in diary.memory[third : 2 * third] or diary.memory)
        last = mean(each[name] for each in diary.memory[-third:])
        if last > GROWTH * middle:
            diary.broken.append(f"{name} grew from {middle:.0f} to {last:.0f} MB")
    return diary


def _live_a_day(operated: Operation, people: Days, diary: Diary, at: datetime) -> None:
    people.begin(at)
    for together in _plan(at):
        began = time.monotonic()
        started = {name: operated.start(name, parameters) for name, parameters in together.items()}
        for deployment, flow_run in started.items():
            state = operated.until(flow_run, "PAUSED", *ENDS, seconds=LONGEST_SECONDS)["state"]
            diary.runs.append((deployment, state, time.monotonic() - began))
            message = str(state.get("message") or "")
            is_expected = any(error in message for error in EXPECTED)
            if state["type"] == "CRASHED" or (state["type"] == "FAILED" and not is_expected):
                diary.broken.append(f"{at:%Y-%m-%d} {deployment}: {state['name']}: {message[:300]}")
    if wronged := people.wronged():
        diary.broken.append(f"{at:%Y-%m-%d}: {wronged} people were written to who had withdrawn")


def _plan(at: datetime) -> Iterator[dict[str, dict[str, Any]]]:
    """The deployments of a day in their order, with the clock of the day; those of one step run side by side."""
    moment = f"{at:%Y-%m-%dT%H:%M}"
    if at.weekday() == 0:
        yield {"data-sync": {"as_of": f"{at - timedelta(hours=8):%Y-%m-%dT%H:%M}"}}
    yield {"collect-feedback": {}, "hygiene": {}}
    if at.day == SECOND:
        yield {"retention-purge": {}, "monthly-report": {"as_of": moment}}
    campaigns = OF_WEEKDAY.get(at.weekday(), "daily-digest")
    yield {campaigns: {"as_of": moment, "sync_within_hours": None, "wait_for_approval_hours": 0}}
    yield {"resume-due": {"as_of": f"{at + timedelta(hours=8):%Y-%m-%dT%H:%M}"}}


def _look_for_stuck(operated: Operation, diary: Diary) -> None:
    """Whatever was started has to be at its end."""
    body = {
        "flow_runs": {
            "state": {"type": {"any_": ["RUNNING", "PENDING", "SCHEDULED", "CANCELLING", "PAUSED"]}}
        }
    }
    for run in operated.told("/flow_runs/filter", body | {"limit": 200}):
        diary.broken.append(f"{run['name']} is stuck as {run['state']['name']}")


def _look_for_dropped(operated: Operation, diary: Diary) -> None:
    """What the server could not handle four times over, it puts into files and forgets."""
    if dropped := len(list((operated.home / "prefect" / "dlq").glob("*"))):
        diary.broken.append(f"the server dropped {dropped} events")


def _failed_mostly(diary: Diary) -> list[str]:
    runs = Counter(name for name, _, _ in diary.runs)
    failed = Counter(name for name, state, _ in diary.runs if state["type"] == "FAILED")
    return [
        f"{name} failed {failed[name]} of {count} times"
        for name, count in runs.items()
        if failed[name] > MOST_FAILED * count
    ]


def _weeks_without_anybody(diary: Diary) -> list[str]:
    weeks = zip([0, *diary.reached[6::7]], diary.reached[6::7], strict=False)
    return [
        f"nobody was reached in week {number}"
        for number, (before, after) in enumerate(weeks, 1)
        if after == before
    ]


def _resident_mb(pid: int) -> float:
    """Of a process and all below it: the worker's flow runs come and go, so only what stays counts in the end."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1000


def _megabytes(memory: dict[str, float]) -> str:
    return ", ".join(f"{name} {size:.0f} MB" for name, size in memory.items())


def table(diary: Diary) -> str:
    """The diary as Markdown."""
    ended: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: dict[str, list[float]] = defaultdict(list)
    for deployment, state, took in diary.runs:
        ended[deployment][state["name"]] += 1
        seconds[deployment].append(took)
    days = len(diary.seconds)
    lines = [
        f"# {days} days of operation",
        "",
        "Written by `python tests/flows/ninety_days.py --write FILE`: server, worker and site as `muster up` starts",
        "them, a small sample, a sandbox that fails one request in twenty, and every run from its deployment. `Failed`",
        "is a run that was held, or whose destination was down or in doubt, and says so.",
        "",
        "| deployment | runs | ended as | mean seconds | longest |",
        "|---|---:|---|---:|---:|",
        *(
            f"| {name} | {sum(counts.values())} | {_counted(counts)} "
            f"| {mean(seconds[name]):.0f} | {max(seconds[name]):.0f} |"
            for name, counts in ended.items()
        ),
        "",
        f"{diary.accepted:,} messages were accepted, {diary.twice or 'none'} twice.",
        "",
        "| days | seconds of a day | " + " | ".join(f"{name}, MB" for name in PROCESSES) + " |",
        "|---|---:|" + "---:|" * len(PROCESSES),
    ]
    for start in range(0, days, 10):
        part = diary.memory[start : start + 10]
        cells = [f"{mean(each[name] for each in part):.0f}" for name in PROCESSES]
        took = mean(diary.seconds[start : start + 10])
        lines.append(f"| {start + 1} to {start + len(part)} | {took:.0f} | {' | '.join(cells)} |")
    lines += (
        ["", *(f"- **Broken**: {each}" for each in diary.broken)] if diary.broken else ["", "Nothing broke."]
    )
    return "\n".join(lines) + "\n"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{state} {count}" for state, count in counts.most_common())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Live, tell, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--write", type=Path, help="where the table goes")
    arguments = parser.parse_args()

    def write(diary: Diary) -> None:
        if arguments.write:
            arguments.write.write_text(table(diary))

    with tempfile.TemporaryDirectory(prefix="muster-days-") as name:
        diary = live(arguments.days, Path(name), write)
    write(diary)
    _say(f"\n{table(diary)}")
    return 1 if diary.broken else 0


if __name__ == "__main__":
    sys.exit(main())
