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


BROKEN = "\n## Broken\n\n"


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
    return text + (BROKEN + "\n".join(broken) + "\n" if broken else "")


def merged(text: str, earlier: str) -> str:
    """The new text with those rows of an earlier one whose scenario or bug it does not tell of."""
    scenarios, bugs, broken = _parts(text)
    old_scenarios, old_bugs, _ = _parts(earlier)
    bug_rows = _rows(bugs, old_bugs)
    return (
        HEAD
        + _rows(scenarios, old_scenarios)
        + (BUGS + bug_rows if bug_rows else "")
        + (BROKEN + broken if broken else "")
    )


def _parts(text: str) -> tuple[str, str, str]:
    """The rows of scenarios and of bugs, and what broke."""
    tables, _, broken = text.partition(BROKEN)
    scenarios, _, bugs = tables.partition(BUGS)
    return scenarios.partition("|---|")[2], bugs, broken


def _rows(new: str, old: str) -> str:
    """Rows of a table by their first cell, without what stands there in brackets; new ones in the place of old ones."""
    rows = {
        line.split("|")[1].partition("(")[0].strip(): line
        for text in (old, new)
        for line in text.splitlines()
        if line.startswith("| ")
    }
    return "".join(f"{rows[name]}\n" for name in sorted(rows))
