"""The difference between a plan and the latest earlier run of each campaign: who enters, who leaves, by which rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from activation.freeze import is_frozen
from activation.frozen import connect
from activation.home import Home
from activation.plans.moves import ABSENT, CampaignMoves, Move, compare_logs
from activation.request import RunRequest, runs


@dataclass(frozen=True)
class Difference:
    """One campaign against the run ``run_id``, the latest one before that it took part in."""

    run_id: str
    as_of: datetime
    moves: CampaignMoves


def differences(
    home: Home, request: RunRequest, directory: Path, campaigns: Sequence[str] = ()
) -> dict[str, Difference]:
    """What changed for each campaign of an exported or frozen run; one without an earlier run is not in it."""
    earlier: dict[str, RunRequest] = {}
    for other in runs(home):  # oldest first, so the latest stands
        if other.as_of < request.as_of and is_frozen(home, other.run_id):
            earlier |= dict.fromkeys(other.campaigns, other)
    found = {}
    with connect() as engine:
        for other in {run.run_id: run for run in earlier.values()}.values():
            ours = [
                name
                for name in campaigns or request.campaigns
                if name in earlier and earlier[name].run_id == other.run_id
            ]
            if not ours:
                continue
            before = home.run_directory(other.run_id) / "frozen" / "decisions.parquet"
            for moves in compare_logs(engine, directory / "decisions.parquet", before, ours, ids=0):
                found[moves.campaign] = Difference(other.run_id, other.as_of, moves)
    return found


def difference_lines(difference: Difference) -> list[str]:
    """The difference for people, one fact a line."""
    moves = difference.moves
    entered, left = sum(move.people for move in moves.entered), sum(move.people for move in moves.left)
    lines = [f"since run {difference.run_id}: {entered:,} in, {left:,} out"]
    lines += [f"  in  {move.people:>8,}  {_entered(move)}" for move in moves.entered]
    lines += [f"  out {move.people:>8,}  {_left(move)}" for move in moves.left]
    lines += contest_lines(moves)
    lines += [f"  another {what} for {people:,} who stay" for what, people in moves.changed.items() if people]
    return lines


def contest_lines(moves: CampaignMoves) -> list[str]:
    """Who was displaced to, and by, other campaigns, now and before."""
    lines = []
    for verb, now, before in (
        ("displaced to", moves.lost_now, moves.lost_before),
        ("displaced from", moves.won_now, moves.won_before),
    ):
        lines += [
            f"  {verb} {name}: {now.get(name, 0):,} (before {before.get(name, 0):,})"
            for name in sorted(now | before)
        ]
    return lines


def _entered(move: Move) -> str:
    return "new in the audience" if move.reason == ABSENT else f"was kept out by {_reason(move)}"


def _left(move: Move) -> str:
    return "no longer in the audience" if move.reason == ABSENT else f"kept out by {_reason(move)}"


def _reason(move: Move) -> str:
    winner = f" ({move.lost_to})" if move.lost_to else ""
    return move.reason.replace("_", " ") + winner
