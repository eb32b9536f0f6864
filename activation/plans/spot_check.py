"""A spot check: a few people drawn from each verdict and first reason, for a person to look at one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from activation.frozen import connect
from activation.reasons import load_reasons, reason_of


@dataclass(frozen=True)
class Drawn:
    """One decision that was drawn; ``reasons`` are all that speak against the person, in their order."""

    campaign: str
    verdict: str
    reason: str | None
    customer_id: str
    qualified_by: str
    reasons: str | None


def spot_check(directory: Path, run_id: str, count: int) -> dict[str, list[Drawn]]:
    """``count`` people for each campaign, verdict and first reason, in the order of the rules, who is sent to first.

    The draw is a digest of run and customer: random among people, and the same whenever it is asked.
    """
    known = load_reasons()
    with connect(directory) as engine:
        rows = engine.execute(
            """
            select campaign, verdict, reason, drawn.customer_id, drawn.qualified_by, drawn.reasons
            from (
                select campaign, verdict, reason, unnest(arg_min(
                    struct_pack(customer_id, qualified_by, reasons),
                    md5($run || '|' || customer_id) || message_id,
                    $count
                )) as drawn
                from read_parquet($file)
                group by campaign, verdict, reason
            )
            order by campaign, md5($run || '|' || drawn.customer_id)
            """,
            {"file": str(directory / "decisions.parquet"), "run": run_id, "count": count},
        ).fetchall()
    found: dict[str, list[Drawn]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(Drawn(*row))
    for drawn in found.values():
        drawn.sort(
            key=lambda each: (
                each.verdict != "send",
                reason_of(each.reason or "", known).rule,
                each.reason or "",
            )
        )
    return found


def spot_check_lines(drawn: list[Drawn]) -> list[str]:
    """The people of one campaign, in groups."""
    lines, group = [], ("", "")
    for each in drawn:
        if group != (each.verdict, each.reason or ""):
            group = (each.verdict, each.reason or "")
            lines.append(each.verdict + (f": {each.reason.replace('_', ' ')}" if each.reason else ""))
        also = f"  [{each.reasons}]" if each.reasons and each.reasons != each.reason else ""
        lines.append(f"  {each.customer_id}  {each.qualified_by}{also}")
    return lines
