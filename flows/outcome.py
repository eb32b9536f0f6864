"""What the tasks hand on: verdicts and counts as plain JSON, and the error that a run ends in. No person in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from activation.delivery import DeliveryResult
from activation.errors import DestinationDownError, HeldError, InDoubtError, MusterError
from activation.frozen import FrozenRun
from activation.guard import Ruling, Verdict
from activation.run import EXIT_DOWN, EXIT_HELD, EXIT_IN_DOUBT, Outcome

Plain = dict[str, dict[str, Any]]

_ERRORS: Mapping[int, type[MusterError]] = {
    EXIT_HELD: HeldError,
    EXIT_IN_DOUBT: InDoubtError,
    EXIT_DOWN: DestinationDownError,
}


def plain_rulings(rulings: Mapping[str, Ruling]) -> Plain:
    """Rulings by campaign as JSON."""
    return {
        name: {"verdict": ruling.verdict.value, "reasons": list(ruling.reasons), "planned": ruling.planned}
        for name, ruling in rulings.items()
    }


def rulings_of(plain: Plain) -> dict[str, Ruling]:
    """The rulings that :func:`plain_rulings` wrote."""
    return {
        name: Ruling(name, Verdict(ruling["verdict"]), tuple(ruling["reasons"]), ruling["planned"])
        for name, ruling in plain.items()
    }


def plain_deliveries(deliveries: Mapping[str, DeliveryResult]) -> Plain:
    """Deliveries by campaign as JSON; the time in ISO 8601."""
    return {
        name: asdict(delivery)
        | {
            "counts": dict(delivery.counts),
            "next_due": delivery.next_due and delivery.next_due.isoformat(),
        }
        for name, delivery in deliveries.items()
    }


def deliveries_of(plain: Plain) -> dict[str, DeliveryResult]:
    """The deliveries that :func:`plain_deliveries` wrote."""
    return {
        name: DeliveryResult(
            **delivery
            | {"next_due": datetime.fromisoformat(delivery["next_due"]) if delivery["next_due"] else None}
        )
        for name, delivery in plain.items()
    }


def error_of(outcome: Outcome) -> MusterError | None:
    """The error that ``muster run`` would end in, saying all that needs a person; None where all is well."""
    code = outcome.exit_code()
    return _ERRORS[code]("; ".join(_troubles(outcome))) if code else None


def _troubles(outcome: Outcome) -> list[str]:
    return [
        *(_down(delivery) for delivery in outcome.deliveries.values() if delivery.is_down),
        *_doubts(outcome.deliveries.values()),
        *_held(outcome.run, outcome.rulings.values()),
        *(
            f"waits: {delivery.campaign}: {delivery.waits_for}"
            for delivery in outcome.deliveries.values()
            if delivery.waits_for
        ),
    ]


def _down(delivery: DeliveryResult) -> str:
    return f"down: {delivery.campaign}: {delivery.why_down}; what was not sent stays planned"


def _doubts(deliveries: Iterable[DeliveryResult]) -> list[str]:
    return [
        f"in doubt: {delivery.campaign}: the outcome is unknown for {delivery.counts['in_doubt']:,} people; "
        f"`muster doubt` lists the requests"
        for delivery in deliveries
        if delivery.counts.get("in_doubt")
    ]


def _held(run: FrozenRun, rulings: Iterable[Ruling]) -> list[str]:
    """Each reason once, with the campaigns that it holds; then each campaign that waits for its approver."""
    held: dict[str, list[str]] = {}
    waiting = []
    for ruling in rulings:
        if ruling.verdict is Verdict.HOLD:
            for reason in ruling.reasons:
                held.setdefault(reason, []).append(ruling.campaign)
        elif ruling.verdict is Verdict.APPROVE:
            waiting.append(
                f"held: {ruling.campaign} waits for approval: {', '.join(ruling.reasons)}; "
                f"`muster approve {run.run_id} {ruling.campaign}`, then `muster resume {run.run_id}`"
            )
    together: dict[tuple[str, ...], list[str]] = {}
    for reason, names in held.items():
        together.setdefault(tuple(names), []).append(reason)
    return [
        f"held: {', '.join(names)}: {', '.join(reasons)}" for names, reasons in together.items()
    ] + waiting
