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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent / "delivery"), str(HERE.parent / "postgres")]

import configurations  # noqa: E402
import full_days  # noqa: E402
import journals  # noqa: E402
import kills  # noqa: E402
import results  # noqa: E402
import seeded  # noqa: E402
import soak  # noqa: E402
import syscalls  # noqa: E402
from forked import Child, fork  # noqa: E402
from kills import Tally  # noqa: E402
from place import CLASSES, Shape  # noqa: E402
from server import server  # noqa: E402

MEMORY = Path("/dev/shm")  # noqa: S108 - killing a process loses nothing that it wrote, so no disk is needed
CREWS = ((1, 1), (4, 2))
# Of the system calls that change nothing on disk or at the destination, one in so many is struck too.
EVERY = 4


@dataclass(frozen=True)
class Scale:
    """How often each thing is tried."""

    kills: int = 1000
    parts: int = 2
    calls: int = 1000
    errors: int = 400
    journals: int = 500
    configurations: int = 2000
    terminations: int = 40
    fault_worlds: int = 30
    overlaps: int = 200
    postgres: int = 100
    days: int = 90
    whole_days: int = 5


SHORT = Scale(kills=20, parts=1, calls=12, errors=4, journals=12, configurations=100, terminations=3, fault_worlds=1,
              overlaps=4, postgres=0, days=3, whole_days=0)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A part of a scenario: ``function(directory, template, *arguments)`` gives a tally, or what became of bugs."""

    scenario: str
    shape: Shape
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


FIRE = Shape(CLASSES["fire_and_forget"])


def jobs(scale: Scale, server: str) -> list[Job]:
    """All jobs, the longest first; those on PostgreSQL only where there is a ``server``."""
    found = [Job("soak of frozen days", FIRE, soak.soak, (scale.days, 12))]
    if scale.whole_days:
        found.append(Job("soak of whole days", FIRE, full_days.full_days, (scale.whole_days, 13)))
    return [*found, *_by_kill(scale), *_by_damage(scale), *_by_class(scale), *_on_postgresql(scale, server)]


def _by_kill(scale: Scale) -> Iterator[Job]:
    for number, (name, destination) in enumerate(CLASSES.items()):
        for workers, group in CREWS:
            for part in range(scale.parts):
                arguments = (scale.kills // len(CREWS) // scale.parts, 1000 * number + 10 * part + workers)
                shape = Shape(destination, workers, group)
                yield Job(f"kills of {name}", shape, kills.random_kills, arguments)
    if not syscalls.is_possible():
        sys.stderr.write("strace is missing or may not trace here: nothing is done at single system calls\n")
        return
    for shape in syscalls.shapes(CLASSES.values()):
        most = scale.calls if shape.destination == FIRE.destination else scale.calls // 8
        name = _class_of(shape)
        yield Job(f"kill at a system call of {name}", shape, syscalls.kills_at_calls, (EVERY, most))
        if name in {"fire_and_forget", "file"}:
            yield Job(f"disk full or broken under {name}", shape, syscalls.failing_calls, (scale.errors, 9))


def _by_damage(scale: Scale) -> Iterator[Job]:
    for shape in (FIRE, Shape(CLASSES["idempotent"], *CREWS[1])):
        yield Job("damaged journals", shape, journals.damaged, (scale.journals // 2, 10))
        yield Job("overlapping runs", shape, kills.overlaps, (scale.overlaps // 2, 7))
    yield Job("malformed configurations", FIRE, configurations.malformed, (scale.configurations, 11))
    yield Job("overlapping runs without a lock", FIRE, without_lock, (scale.overlaps // 4, 8))
    yield Job("seeded bugs", FIRE, seeded.all_bugs, (3,))


def _by_class(scale: Scale) -> Iterator[Job]:
    for name, destination in CLASSES.items():
        shape = Shape(destination, *CREWS[1])
        yield Job(f"SIGTERM to {name}", shape, kills.terminations, (scale.terminations, 5))
        if not shape.is_file:
            yield Job(f"faults of {name}", shape, kills.faults, (scale.fault_worlds, 6))


def _on_postgresql(scale: Scale, server: str) -> Iterator[Job]:
    for workers, group in CREWS if server else ():
        shape = Shape(FIRE.destination, workers, group, journal=server)
        yield Job("kills on PostgreSQL", shape, kills.random_kills, (scale.postgres // 2, 14 + workers))
        yield Job("overlapping runs on PostgreSQL", shape, kills.overlaps, (scale.postgres // 10, 15))


def _class_of(shape: Shape) -> str:
    return next(name for name, destination in CLASSES.items() if destination == shape.destination)


def without_lock(directory: Path, shape: Shape, template: Path, trials: int, seed: int) -> Tally:
    """Overlapping runs on a file system that keeps no lock: claims alone stand between two processes."""
    return kills.overlaps(directory, shape, template, trials, seed, bug="without_lock", sleeps=False)


def run(scale: Scale, only: Sequence[str], at_once: int) -> tuple[list[Tally], list[seeded.Caught]]:
    """Run all jobs of these scenarios (all, where none is named); their tallies, summed by scenario, and bugs."""
    directory = Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY if MEMORY.is_dir() else None))
    is_wanted = not only or any("PostgreSQL".startswith(part) for part in only)
    with server() if scale.postgres and is_wanted else nullcontext("") as url:
        try:
            return _run(directory, [job for job in jobs(scale, url) if _is_one_of(job, only)], at_once)
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def _is_one_of(job: Job, only: Sequence[str]) -> bool:
    return not only or any(part in job.scenario for part in only)


def _run(directory: Path, wanted: Sequence[Job], at_once: int) -> tuple[list[Tally], list[seeded.Caught]]:
    homes = kills.templates(directory, sorted({replace(job.shape, journal="") for job in wanted}, key=str))
    known = {job.shape: homes[replace(job.shape, journal="")] for job in wanted}
    return summed(parallel(wanted, known, directory, at_once))


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
                told = f"{job.scenario}: {child.took:.0f} s, {child.cpu:.0f} s of CPU\n"
                sys.stderr.write(told)
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
        is_part = given.only and given.write.exists()
        given.write.write_text(results.merged(text, given.write.read_text()) if is_part else text)
    return int(not results.is_well(tallies, bugs))


if __name__ == "__main__":
    sys.exit(main())
