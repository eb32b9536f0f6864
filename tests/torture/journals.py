"""Damage a journal in every way that files are damaged, and deliver from it: it is refused, or nobody is told twice."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from checker import acceptances, contact
from forked import CRASHED
from kills import LONGEST, Moments, Tally, strike
from place import Place, Shape, place

PAGE = 4096
UNSAFE = 6


def damaged(directory: Path, shape: Shape, template: Path, trials: int, seed: int) -> Tally:
    """Deliver for a while, end in order or by a kill, damage the journal, and go on."""
    moments = Moments(random.Random(seed))
    dice = moments.dice
    tally = Tally("damaged journals")
    while tally.trials < trials:
        with place(directory, template, shape) as at:
            before = _begun(at, moments)
            what = dice.choice(list(DAMAGES))
            if not DAMAGES[what](at, dice, before):
                continue
            tally.trials += 1
            statuses = [at.start().wait(LONGEST) for _ in range(2)]
            tally.outcomes["refused" if UNSAFE in statuses else "went on"] += 1
            tally.worlds += 1
            tally.people += shape.people
            taken = acceptances(at.path)
            seen = Counter(contact(entry) for entry in taken)
            twice = sum(count - 1 for count in seen.values())
            tally.accepted += len(taken)
            tally.twice += twice
            if twice:
                tally.broken.append(f"invariant 1: {what}: {twice} people were accepted twice")
            if CRASHED in statuses or None in statuses:
                said = (at.path / "children.log").read_text()[-1500:]
                tally.broken.append(f"invariant 10: {what}: it ended with {statuses}: {said}")
    return tally


def _begun(at: Place, moments: Moments) -> Path:
    """Deliver in part, keep a copy of the journal, deliver more; give the copy's place."""
    copies = at.path / "copies"
    for _ in range(2):
        strike(at, moments)
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir()
        for file in _files(at):
            shutil.copyfile(file, copies / file.name)
        if moments.dice.random() < 0.6:
            break
    last = moments.dice.random()
    if last < 0.4:
        strike(at, moments)
    elif last < 0.7:  # closed in order, and perhaps not finished
        child = at.start()
        child.wait(moments.next())
        child.send(15)
        child.wait(LONGEST)
    return copies


def _files(at: Place) -> list[Path]:
    return [file for name in ("journal.db", "journal.db-wal") if (file := at.path / name).exists()]


def _changed(
    change: Callable[[random.Random, bytearray], None],
) -> Callable[[Place, random.Random, Path], bool]:
    def damage(at: Place, dice: random.Random, _before: Path) -> bool:
        files = [file for file in _files(at) if file.stat().st_size]
        if not files:
            return False
        file = dice.choice(files)
        content = bytearray(file.read_bytes())
        change(dice, content)
        file.write_bytes(content)
        (at.path / "journal.db-shm").unlink(missing_ok=True)
        return True

    return damage


def _flip_a_bit(dice: random.Random, content: bytearray) -> None:
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _overwrite_bytes(dice: random.Random, content: bytearray) -> None:
    start, size = dice.randrange(len(content)), dice.choice((1, 16, 600, PAGE))
    content[start : start + size] = dice.randbytes(len(content[start : start + size]))


def _blank_a_page(dice: random.Random, content: bytearray) -> None:
    start = dice.randrange(len(content)) // PAGE * PAGE
    content[start : start + PAGE] = bytes(len(content[start : start + PAGE]))


def _swap_pages(dice: random.Random, content: bytearray) -> None:
    pages = len(content) // PAGE
    if pages > 2:
        one, other = (PAGE * page for page in dice.sample(range(1, pages), 2))
        content[one : one + PAGE], content[other : other + PAGE] = (
            content[other : other + PAGE], content[one : one + PAGE],
        )  # fmt: skip


def _truncate(dice: random.Random, content: bytearray) -> None:
    del content[dice.randrange(len(content)) :]


def _restore(at: Place, _dice: random.Random, before: Path) -> bool:
    """Put a copy from before in its place, with its log."""
    for file in _files(at):
        file.unlink()
    (at.path / "journal.db-shm").unlink(missing_ok=True)
    for file in before.iterdir():
        shutil.copyfile(file, at.path / file.name)
    return True


def _mix(at: Place, dice: random.Random, before: Path) -> bool:
    """The database of one moment, the log of another."""
    (at.path / "journal.db-shm").unlink(missing_ok=True)
    name = dice.choice(("journal.db", "journal.db-wal"))
    if (before / name).exists():
        shutil.copyfile(before / name, at.path / name)
    else:
        (at.path / name).unlink(missing_ok=True)
    return True


def _lose_log(at: Place, _dice: random.Random, _before: Path) -> bool:
    (at.path / "journal.db-shm").unlink(missing_ok=True)
    (at.path / "journal.db-wal").unlink(missing_ok=True)
    return True


def _lose_all(at: Place, dice: random.Random, before: Path) -> bool:
    _lose_log(at, dice, before)
    (at.path / "journal.db").unlink(missing_ok=True)
    return True


DAMAGES: dict[str, Callable[[Place, random.Random, Path], bool]] = {
    "a bit flipped": _changed(_flip_a_bit),
    "bytes overwritten": _changed(_overwrite_bytes),
    "a page blank": _changed(_blank_a_page),
    "pages swapped": _changed(_swap_pages),
    "truncated": _changed(_truncate),
    "a copy from before": _restore,
    "database and log of different moments": _mix,
    "its log lost": _lose_log,
    "lost": _lose_all,
}
