"""Guards: reads the verdicts that SQL reached and the tests that failed, and obeys them.

A held campaign gives its reservations back at once: it is mended and run again under a new run id. One that
waits for its approver keeps its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from activation import ledger
from activation.approvals import standing
from activation.clock import naive_utc
from activation.frozen import FrozenRun, connect
from activation.home import Home


class Verdict(StrEnum):
    """What a campaign of a run may do."""

    GO = "go"
    HOLD = "hold"
    APPROVE = "approve"


@dataclass(frozen=True)
class Ruling:
    """The verdict on one campaign, why, and how many people or set changes it plans."""

    campaign: str
    verdict: Verdict
    reasons: tuple[str, ...]
    planned: int


def judge(directory: Path, held: Mapping[str, str], campaigns: Sequence[str]) -> dict[str, Ruling]:
    """The rulings on the ``campaigns`` of an exported or frozen run, before any approval.

    ``held`` are those of which a test failed, and why.
    """
    with connect() as engine:
        inputs = [
            str(row[0])
            for row in engine.execute(
                "select explanation from read_parquet(?) where is_tripped order by source_table, guard",
                [str(directory / "guard_inputs.parquet")],
            ).fetchall()
        ]
        tripped = engine.execute(
            "select campaign, consequence, explanation from read_parquet(?) where is_tripped order by all",
            [str(directory / "guard_campaigns.parquet")],
        ).fetchall()
        sizes = dict(
            engine.execute(
                "select campaign, people_planned from read_parquet(?)", [str(directory / "campaign_sizes.parquet")]
            ).fetchall()
        )
    rulings = {}
    for campaign in campaigns:
        planned = int(sizes[campaign])
        holds = [*inputs, *([held[campaign]] if campaign in held else [])]
        holds += [why for name, consequence, why in tripped if name == campaign and consequence == "hold"]
        waits = [why for name, consequence, why in tripped if name == campaign and consequence == "approve"]
        verdict = Verdict.HOLD if holds else Verdict.APPROVE if waits else Verdict.GO
        rulings[campaign] = Ruling(campaign, verdict, tuple(holds or waits), planned)
    return rulings


def rule(home: Home, run: FrozenRun, now: datetime) -> dict[str, Ruling]:
    """The rulings on a frozen run, with the approvals given so far. Releases what is held or declined."""
    manifest = json.loads((run.directory / "manifest.json").read_text())
    rulings = judge(run.directory, manifest["held"], manifest["campaigns"])
    decided: dict[str, Ruling] = {}
    for campaign, ruling in rulings.items():
        final = ruling
        if ruling.verdict is Verdict.APPROVE:
            approval = standing(home, run, campaign)
            if approval is not None and not approval.is_granted:
                final = Ruling(campaign, Verdict.HOLD, (f"declined by {approval.by}",), ruling.planned)
            elif approval is not None and approval.up_to >= ruling.planned:
                final = Ruling(campaign, Verdict.GO, (f"approved by {approval.by}",), ruling.planned)
        if final.verdict is Verdict.HOLD or was_released(home, run, campaign):
            release(home, run, campaign, "; ".join(final.reasons), now)
            reasons = final.reasons if final.verdict is Verdict.HOLD else ("held before; start a new run",)
            final = Ruling(campaign, Verdict.HOLD, reasons, final.planned)
        decided[campaign] = final
    return decided


def was_released(home: Home, run: FrozenRun, campaign: str) -> bool:
    """Whether the campaign's reservations of this run were given back."""
    return (home.ledger / "releases" / f"{run.run_id}.{campaign}.parquet").exists()


def release(home: Home, run: FrozenRun, campaign: str, reason: str, now: datetime) -> None:
    """Give the campaign's reservations of this run back; a second time changes nothing."""
    if was_released(home, run, campaign):
        return
    row = {
        "run_id": [run.run_id],
        "as_of": [naive_utc(run.as_of)],
        "known_at": [naive_utc(now)],
        "campaign": [campaign],
        "reason": [reason],
    }
    ledger.append(home, "releases", f"{run.run_id}.{campaign}", pa.table(row, schema=ledger.RELEASES))
