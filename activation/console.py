"""What people see of a run: text for a terminal, JSON for machines. No address, no name, no token."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from activation.accounts import Doubt
from activation.delivery import DeliveryResult, Progress
from activation.guard import Verdict
from activation.landing.report import LoadReport
from activation.plans.plan import Plan, plan_json
from activation.run import Outcome
from activation.status import RunStatus

_STATES = ("accepted", "refused", "in_doubt", "excluded", "expired", "planned")


def say(text: str) -> None:
    """Print for people."""
    sys.stdout.write(text.rstrip(" ") + "\n")


def complain(text: str) -> None:
    """Print what went wrong beside the matter itself, where it is in no machine's way."""
    sys.stderr.write(f"muster: {text}\n")


def say_json(value: Any) -> None:
    """Print for machines: one JSON document; moments as ISO 8601 writes them."""
    say(json.dumps(value, default=_plain, indent=2))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def load_lines(loads: LoadReport) -> str:
    """What was landed, one line per table; then every note and problem as its own sentence."""
    lines = []
    for table in sorted({file.table for file in loads.files}):
        files = [file for file in loads.files if file.table == table]
        landed, aside = sum(file.landed for file in files), sum(file.quarantined for file in files)
        again, erased = sum(file.is_already_landed for file in files), sum(file.erased for file in files)
        extra = f", {aside:,} set aside" if aside else ""
        extra += f", {erased:,} of erased people left out" if erased else ""
        extra += f", {again} already landed" if again else ""
        lines.append(f"  {table:<28}{landed:>10,} rows{extra}")
    lines += [f"  · {note}" for note in loads.notes]
    lines += [f"  ! {problem}" for problem in loads.problems]
    return "\n".join(lines) or "  nothing was in the inbox"


def outcome_lines(outcome: Outcome) -> str:
    """The delivery summary: a line per campaign, by state."""
    head = f"  {'delivered':<28}{'requests':>9}" + "".join(f"{state:>10}" for state in _STATES)
    lines = [head]
    for name, ruling in outcome.rulings.items():
        delivery = outcome.deliveries.get(name)
        if delivery is None:
            word = {Verdict.HOLD: "held", Verdict.APPROVE: "waits for approval"}.get(
                ruling.verdict, "nothing to do"
            )
            lines.append(f"  {name:<28}{0:>9,}  {word}, {ruling.planned:,} planned")
            continue
        counts = "".join(f"{delivery.counts.get(state, 0):>10,}" for state in _STATES)
        lines.append(f"  {name:<28}{delivery.requests:>9,}{counts}")
        if delivery.is_down:
            lines.append(f"    DOWN: {delivery.why_down}; what was not sent stays planned: `muster resume`")
        elif delivery.waits_for:
            lines.append(f"    the rest waits: {delivery.waits_for}")
        elif delivery.next_due:
            lines.append(
                f"    the rest is due from {delivery.next_due:%Y-%m-%d %H:%M} UTC on: `muster resume --due`"
            )
    return "\n".join(lines)


def outcome_json(outcome: Outcome, found: Plan | None, exit_code: int) -> dict[str, Any]:
    """The same for machines; with what was decided, where ``found`` says it."""
    return {
        "run_id": outcome.run.run_id,
        "as_of": outcome.run.as_of.isoformat(),
        "digest": outcome.run.digest,
        "exit_code": exit_code,
        "campaigns": plan_json(found)["campaigns"] if found else [],
        "rulings": {name: asdict(ruling) for name, ruling in outcome.rulings.items()},
        "deliveries": {name: delivery_json(result) for name, result in outcome.deliveries.items()},
    }


def delivery_json(result: DeliveryResult) -> dict[str, Any]:
    """One delivery for machines."""
    return {
        "counts": dict(result.counts),
        "requests": result.requests,
        "is_down": result.is_down,
        "next_due": result.next_due,
        "waits_for": result.waits_for,
    }


def status_lines(found: list[RunStatus]) -> str:
    """The runs of a home, oldest first, with the states of their campaigns."""
    lines = []
    for entry in found:
        note = "  closed: what became of it is in the ledger" if entry.is_closed else ""
        lines.append(f"{entry.run_id}{note if entry.is_frozen else '  not frozen'}")
        for name, verdict in entry.rulings.items():
            states = entry.states.get(name, {})
            words = (
                ", ".join(f"{count:,} {state}" for state, count in sorted(states.items())) or "nothing sent"
            )
            held = {Verdict.HOLD: "held", Verdict.APPROVE: "waits for approval"}.get(verdict)
            lines.append(f"  {name:<28}{held or words}")
    return "\n".join(lines) or "No run yet: `muster run` makes the first."


def doubt_json(entry: Doubt) -> dict[str, Any]:
    """One request of unknown outcome for machines: how many people it carried, not who."""
    return {
        "request_id": entry.request_id,
        "run_id": entry.run_id,
        "campaign": entry.campaign,
        "destination": entry.destination,
        "people": entry.people,
        "attempted_at": entry.attempted_at,
        "reason": entry.reason,
    }


@contextmanager
def bars(*, is_wanted: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A progress bar per campaign, on a terminal only."""
    console = Console(stderr=True)
    if not is_wanted or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as shown:
        tasks: dict[str, Any] = {}

        def show(progress: Progress) -> None:
            if progress.campaign not in tasks:
                tasks[progress.campaign] = shown.add_task(progress.campaign, total=progress.total)
            shown.update(tasks[progress.campaign], completed=progress.done, total=progress.total)

        yield show
