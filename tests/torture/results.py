"""The table of what torture found."""

from __future__ import annotations

from collections.abc import Sequence

from kills import Tally
from seeded import SCENARIOS, Caught

HEAD = """# What torture found

Written by `make torture`; where only some scenarios were run, the others stand as they were found last. People are
counted in worlds of their own. *Bound* is how many people were in requests open at a fault, which is the most that may
be in doubt; of those in doubt, some had truly been accepted. *Lost* are people whom nothing speaks for in the end:
neither accepted nor in doubt, refused, expired, out by an objection from their address or by another profile at it;
*twice* are people who were accepted twice. The checker reads the destination's log, the frozen run, the objections and
the journal, and shares no code with what it checks.

| scenario | trials | worlds | people | accepted | twice | lost | in doubt | truly accepted | bound | |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|
"""
BUGS = """
## Seeded bugs

Each is put into the process that delivers (or into the SQL that decides), and tried until an invariant breaks; then the
same is tried as often without it.

| bug | caught after trials | by invariant | without it |
|---|---:|---|---|
"""


def is_well(tallies: Sequence[Tally], bugs: Sequence[Caught]) -> bool:
    """Whether nothing broke and every bug was caught."""
    return not any(tally.broken for tally in tallies) and all(bug.broken and bug.is_clean for bug in bugs)


def written(tallies: Sequence[Tally], bugs: Sequence[Caught]) -> str:
    """The table as Markdown, and below it what broke."""
    text = HEAD
    for tally in tallies:
        numbers = (tally.trials, tally.worlds, tally.people, tally.accepted, tally.twice, tally.lost, tally.in_doubt,
                   tally.truly_accepted, tally.bound)  # fmt: skip
        verdict = f"{len(tally.broken)} broken" if tally.broken else "held"
        told = [tally.note] if tally.note else []
        told += [f"{count:,} {what}" for what, count in sorted(tally.outcomes.items())]
        name = f"{tally.scenario} ({', '.join(told)})" if told else tally.scenario
        text += f"| {name} | {' | '.join(f'{number:,}' for number in numbers)} | {verdict} |\n"
    if bugs:
        text += BUGS
        for bug in sorted(bugs, key=lambda each: list(SCENARIOS).index(each.bug)):
            by = bug.invariants if bug.broken else "not caught"
            text += f"| {bug.bug.replace('_', ' ')} | {bug.trials} | {by} | {'held' if bug.is_clean else 'broken'} |\n"
    broken = [f"- {tally.scenario}: {what}" for tally in tallies for what in tally.broken]
    return text + ("\n## Broken\n\n" + "\n".join(broken) + "\n" if broken else "")


def merged(text: str, earlier: str) -> str:
    """The new text with those rows of an earlier one whose scenario or bug it does not tell of."""
    head, bugs = _split(text)
    old_head, old_bugs = _split(earlier)
    broken = head.partition("\n## Broken\n")
    bugs, _, broken_below = bugs.partition("\n## Broken\n")
    rows = _rows(broken[0].removeprefix(HEAD), old_head.partition("\n## Broken\n")[0].partition("|---|")[2])
    told = HEAD + rows
    bug_rows = _rows(bugs, old_bugs.partition("\n## Broken\n")[0])
    told += BUGS + bug_rows if bug_rows else ""
    below = broken[2] or broken_below
    return told + ("\n## Broken\n" + below if below else "")


def _split(text: str) -> tuple[str, str]:
    head, _, bugs = text.partition(BUGS)
    return head, bugs


def _rows(new: str, old: str) -> str:
    """Rows of a table by their first cell, without what stands there in brackets; new ones in the place of old ones."""
    rows = {
        line.split("|")[1].partition("(")[0].strip(): line
        for text in (old, new)
        for line in text.splitlines()
        if line.startswith("| ")
    }
    return "".join(f"{rows[name]}\n" for name in sorted(rows))
