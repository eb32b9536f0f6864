"""Kill who delivers, at random moments and also while it recovers, until it comes to its end; then check."""

from __future__ import annotations

import contextlib
import importlib
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checker import Findings, check
from forked import asked
from place import Place, Shape, go, make, place

LONGEST = 60.0
FIRST_GUESS = 0.25
ALL_WELL, HELD, IN_DOUBT = 0, 3, 4
FAULTS = ("status:500", "status:503", "drop", "accept_then_500", "accept_then_drop", "garbage", "drip", "status:302",
          "retry_after:0.02", "retry_after:0.2", "status:408", "sleep:0.3", "sleep:3")  # fmt: skip


@dataclass
class Tally:
    """What became of all worlds of one scenario."""

    scenario: str
    trials: int = 0
    worlds: int = 0
    people: int = 0
    accepted: int = 0
    twice: int = 0
    lost: int = 0
    in_doubt: int = 0
    truly_accepted: int = 0
    bound: int = 0
    broken: list[str] = field(default_factory=list)
    note: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, findings: Findings) -> None:
        self.worlds += 1
        for name in ("people", "accepted", "twice", "lost", "in_doubt", "truly_accepted", "bound"):
            setattr(self, name, getattr(self, name) + getattr(findings, name))
        self.broken += findings.broken


@dataclass
class Moments:
    """When to strike: at random over the time that an undisturbed delivery takes, which is learned on the way."""

    dice: random.Random
    seconds: float = FIRST_GUESS

    def next(self) -> float:
        return self.dice.uniform(0, 1.1 * self.seconds)

    def learn(self, took: float) -> None:
        self.seconds += (took - self.seconds) * 0.2


def warm(template: Path, shape: Shape, directory: Path) -> None:
    """Import what a delivery imports on its way, which costs more than it does itself."""
    with place(directory, template, shape) as at:
        names = asked(_imported_by, at.path, shape)
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _imported_by(path: Path, shape: Shape) -> list[str]:
    before = set(sys.modules)
    go(path, shape)
    check({"home": str(path), "run": "run-1", "suppressed": [], "open": {}})
    return sorted(set(sys.modules) - before)


def templates(directory: Path, shapes: Sequence[Shape]) -> dict[Shape, Path]:
    """Make each shape's home once, in a process of its own, so that no engine's thread begins here."""
    found: dict[Shape, Path] = {}
    for shape in shapes:
        path = directory / f"template-{len(found)}"
        asked(make, path, shape)
        if not found:
            warm(path, shape, directory)
        found[shape] = path
    return found


def finish(
    at: Place, tally: Tally, bug: str = "", *, should_be_checked: bool = True, **limits: Any
) -> Findings:
    """Deliver undisturbed to the end, and once more, which must ask for nothing; then check."""
    broken: list[str] = []
    statuses = []
    while len(statuses) < 2:
        before = len(at.requests())
        child = at.start(bug, **limits)
        status = child.wait(LONGEST)
        if status is None:
            child.kill()
        if status == -signal.SIGKILL and at.note_open():  # the destination struck once more
            tally.trials += 1
            continue
        statuses.append(status)
    asked_again = len(at.requests()) - before
    if asked_again:
        broken.append(f"invariant 4: a finished run made {asked_again} requests when it was repeated")
    findings: Findings = asked(check, at.world()) if should_be_checked else Findings()
    expected = IN_DOUBT if findings.in_doubt else ALL_WELL
    if statuses[-1] != expected:
        said = (at.path / "children.log").read_text()[-1500:]
        broken.append(f"invariant 10: it ended with {statuses}, not with {expected}: {said}")
    log = (at.path / "children.log").read_text() if (at.path / "children.log").exists() else ""
    if "@example.com" in log.lower():
        broken.append("invariant 8: an address is in the log")
    if "Traceback" in log:
        broken.append(f"invariant 10: {log[-1500:]}")
    findings.broken += broken
    tally.add(findings)
    return findings


def random_kills(
    directory: Path, shape: Shape, template: Path, kills: int, seed: int, *, bug: str = "", worlds: int | None = None
) -> Tally:  # fmt: skip
    """Strike so often in all, in as many worlds as that takes; ``worlds`` bounds them."""
    moments = Moments(random.Random(seed))
    tally = Tally("random kills")
    while tally.trials < kills and (worlds is None or tally.worlds < worlds):
        with place(directory, template, shape, deadly(moments.dice)) as at:
            while tally.trials < kills and strike(at, moments, bug):
                tally.trials += 1
            finish(at, tally, bug)
        if bug and tally.broken:
            break
    return tally


def deadly(dice: random.Random) -> list[dict[str, Any]]:
    """Sometimes the destination itself says when: right before or right after it has accepted."""
    kinds = [dice.choice(("die", "accept_then_die")) for _ in range(dice.randrange(3))]
    return [{"path_prefix": "/dummy", "fault": kind, "after": dice.randrange(12)} for kind in kinds]


def strike(at: Place, moments: Moments, bug: str = "") -> bool:
    """Deliver, and kill who does at some moment; ``False`` where the end came before the blow."""
    dice = moments.dice
    child = at.start(bug)
    if dice.random() < 0.5:
        child.wait(moments.next())
    else:  # amid its requests
        for _ in range(dice.randrange(1, 6)):
            seen = at.busy()
            while at.busy() == seen and child.wait(0.001) is None:
                pass
        child.wait(dice.uniform(0, 0.008))
    if child.status is None:
        child.kill()
    if child.status != -signal.SIGKILL:
        moments.learn(child.took)
        return False
    at.note_open()
    if dice.random() < 0.3:
        at.object(1, lambda free, count: dice.sample(list(free), count))
    return True


def overlaps(
    directory: Path, shape: Shape, template: Path, trials: int, seed: int, *, bug: str = "", sleeps: bool = True
) -> Tally:  # fmt: skip
    """Two or three processes deliver one campaign at once; one of them may be stopped and wake later."""
    dice = random.Random(seed)
    tally = Tally("overlapping runs")
    while tally.trials < trials:
        with place(directory, template, shape) as at:
            tally.trials += 1
            children = []
            for _ in range(dice.randrange(2, 4)):
                children.append(at.start(bug))
                time.sleep(dice.choice((0, 0.01, 0.05, 0.1)))
            if sleeps and dice.random() < 0.5:
                sleeper = dice.choice(children)
                sleeper.send(signal.SIGSTOP)
                children.append(at.start(bug))
                children[-1].wait(dice.uniform(0, 0.3))
                sleeper.send(signal.SIGCONT)
            statuses = [child.wait(LONGEST) for child in children]
            at.may_be_open = "without_lock" in bug
            findings = finish(at, tally, bug)
            if set(statuses) - {ALL_WELL, HELD, IN_DOUBT}:
                tally.broken.append(f"invariant 10: overlapping runs ended with {statuses}")
            del findings
        if tally.broken and "+" in bug:
            break
    return tally


def terminations(directory: Path, shape: Shape, template: Path, trials: int, seed: int) -> Tally:
    """Ask a process to end, at a random moment: it does, soon and without any doubt."""
    moments = Moments(random.Random(seed))
    tally = Tally("SIGTERM")
    while tally.trials < trials:
        with place(directory, template, shape) as at:
            for _ in range(min(trials, 8)):
                child = at.start()
                child.wait(moments.next())
                child.send(signal.SIGTERM)
                status = child.wait(LONGEST)
                if status != -signal.SIGTERM:  # it had not begun to listen
                    tally.trials += 1
                if status not in {ALL_WELL, -signal.SIGTERM}:
                    tally.broken.append(f"invariant 10: asked to end, it ended with {status}")
                if at.note_open():
                    tally.broken.append("invariant 10: asked to end, it left a request open")
            at.open_people.clear()
            finish(at, tally)
    return tally


def faults(
    directory: Path, shape: Shape, template: Path, worlds: int, seed: int, *, bug: str = "", kind: str | None = None
) -> Tally:  # fmt: skip
    """The destination fails before and after it accepts, in every way it can; the process is killed at times too.

    With ``kind`` it fails in this one way, and nobody is killed.
    """
    moments = Moments(random.Random(seed))
    dice = moments.dice
    tally = Tally("faults of the destination")
    while tally.worlds < worlds:
        kinds = [kind] if kind else dice.sample(FAULTS, 4)
        script = [{"path_prefix": "/dummy", "fault": kind, "count": 3, "share": 0.25} for kind in kinds]
        with place(directory, template, shape, script) as at:
            for _ in range(12):
                child = at.start(bug)
                if kind is None and dice.random() < 0.3:
                    child.wait(moments.next())
                    child.kill()
                    at.note_open()
                if child.wait(LONGEST) in {ALL_WELL, IN_DOUBT}:
                    break
            met = [line for line in at.requests() if line["fault"]]
            at.open_people.update({line["request_id"]: line["people"] for line in met})
            tally.trials += len(met)
            finish(at, tally, bug)
        if bug and tally.broken:
            break
    return tally
