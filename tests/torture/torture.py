"""Torture delivery, and write down what came of it: `make torture`, or in short within `make test`.

Scenarios are cut into jobs with seeds of their own, of which as many run at once as there are processors. Each job is a
fork of this process, which has imported everything and holds no thread, and so are the processes that it kills.
"""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent / "delivery")]

import kills  # noqa: E402
import results  # noqa: E402
import seeded  # noqa: E402
from forked import Child, fork  # noqa: E402
from kills import Tally  # noqa: E402
from place import CLASSES, Shape  # noqa: E402

MEMORY = Path("/dev/shm")  # noqa: S108 - killing a process loses nothing that it wrote, so no disk is needed
CREWS = ((1, 1), (4, 2))


@dataclass(frozen=True)
class Scale:
    """How often each thing is tried."""

    kills: int = 1000
    parts: int = 2
    terminations: int = 40
    fault_worlds: int = 30
    overlaps: int = 200


SHORT = Scale(kills=24, parts=1, terminations=2, fault_worlds=1, overlaps=8)


@dataclass(frozen=True)
class Job:
    """A part of a scenario: ``function(directory, template, *arguments)`` gives a tally, or what became of bugs."""

    scenario: str
    shape: Shape
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def jobs(scale: Scale) -> list[Job]:
    """All jobs, the longest first."""
    found: list[Job] = []
    for number, (name, destination) in enumerate(CLASSES.items()):
        for workers, group in CREWS:
            shape = Shape(destination, workers, group)
            for part in range(scale.parts):
                arguments = (scale.kills // len(CREWS) // scale.parts, 1000 * number + 10 * part + workers)
                found.append(Job(f"kills of {name}", shape, kills.random_kills, arguments))
    for name, destination in CLASSES.items():
        shape = Shape(destination, *CREWS[1])
        found.append(Job(f"SIGTERM to {name}", shape, kills.terminations, (scale.terminations, 5)))
        if not shape.is_file:
            found.append(Job(f"faults of {name}", shape, kills.faults, (scale.fault_worlds, 6)))
    fire = Shape(CLASSES["fire_and_forget"])
    found += [
        Job("overlapping runs", shape, kills.overlaps, (scale.overlaps // 2, 7))
        for shape in (fire, Shape(CLASSES["idempotent"], *CREWS[1]))
    ]
    found.append(Job("overlapping runs without a lock", fire, without_lock, (scale.overlaps // 4, 8)))
    found.append(Job("seeded bugs", fire, seeded.all_bugs, (3,)))
    return found


def without_lock(directory: Path, shape: Shape, template: Path, trials: int, seed: int) -> Tally:
    """Overlapping runs on a file system that keeps no lock: claims alone stand between two processes."""
    return kills.overlaps(directory, shape, template, trials, seed, bug="without_lock", sleeps=False)


def run(scale: Scale, only: Sequence[str], at_once: int) -> tuple[list[Tally], list[seeded.Caught]]:
    """Run all jobs of these scenarios (all, where none is named); their tallies, summed by scenario, and bugs."""
    directory = Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        wanted = [job for job in jobs(scale) if not only or any(part in job.scenario for part in only)]
        known = kills.templates(directory, sorted({job.shape for job in wanted}, key=str))
        return summed(parallel(wanted, known, directory, at_once))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def parallel(
    wanted: Sequence[Job], known: dict[Shape, Path], directory: Path, at_once: int
) -> Iterable[tuple[Job, Any]]:
    """Run jobs, some at once; give each with what it found."""
    waiting = list(enumerate(wanted))
    running: dict[int, tuple[Child, Job, Path]] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            number, job = waiting.pop(0)
            file = directory / f"job-{number}"
            file.mkdir()
            running[number] = (fork(_work, job, known[job.shape], file), job, file)
        for number, (child, job, file) in list(running.items()):
            if child.poll() is not None:
                del running[number]
                answer = file / "answer"
                found = (
                    pickle.loads(answer.read_bytes()) if answer.exists() else f"it ended with {child.status}"
                )
                shutil.rmtree(file, ignore_errors=True)
                if isinstance(found, str):
                    found = Tally(job.scenario, broken=[found])
                print(f"{job.scenario}: {child.took:.0f} s", file=sys.stderr, flush=True)  # noqa: T201
                yield job, found
        time.sleep(0.02)


def _work(job: Job, template: Path, directory: Path) -> None:
    try:
        found = job.function(directory, job.shape, template, *job.arguments)
    except BaseException:  # noqa: BLE001 - told in the table
        found = traceback.format_exc()
    (directory / "answer").write_bytes(pickle.dumps(found))


def summed(found: Iterable[tuple[Job, Any]]) -> tuple[list[Tally], list[seeded.Caught]]:
    """Add up the tallies of each scenario, in the order of the jobs."""
    tallies: dict[str, Tally] = {}
    bugs: list[seeded.Caught] = []
    for job, part in found:
        if not isinstance(part, Tally):
            bugs += part
            continue
        total = tallies.setdefault(job.scenario, Tally(job.scenario))
        for name in (each.name for each in fields(Tally)):
            if name == "note":
                total.note = total.note or part.note
            elif name != "scenario":
                setattr(total, name, getattr(total, name) + getattr(part, name))
    return sorted(tallies.values(), key=lambda tally: tally.scenario), bugs


def main() -> int:
    """Run it from the command line; 1 where something broke or a bug was not caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a fortieth of it")
    parser.add_argument("--only", nargs="*", default=[], help="scenarios whose name holds one of these")
    parser.add_argument("--write", type=Path, help="write the table to this file")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="how many jobs run at once")
    given = parser.parse_args()
    tallies, bugs = run(SHORT if given.short else Scale(), given.only, given.at_once)
    text = results.written(tallies, bugs)
    print(text)  # noqa: T201
    if given.write:
        given.write.write_text(text)
    return int(not results.is_well(tallies, bugs))


if __name__ == "__main__":
    sys.exit(main())
