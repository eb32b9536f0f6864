"""The reasons of the decision log in words, and the fixed order of the rules that give them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from activation.settings import PROJECT

RULES: Mapping[int, str] = {
    1: "campaign",
    2: "reachable",
    3: "consent",
    4: "suppression",
    5: "re-entry",
    6: "holdout",
    7: "frequency cap",
    8: "priority",
    9: "what is left",
    10: "send time",
}
OWN_RULE = 1


@dataclass(frozen=True)
class Reason:
    """What a reason means and what would change it; ``rule`` counts from 1 in the order in which rules are asked."""

    name: str
    rule: int
    explanation: str
    remedy: str


def load_reasons(project: Path = PROJECT) -> dict[str, Reason]:
    """The reasons of the shared rules, by name, from ``seeds/reference/decision_reasons.csv``."""
    with (project / "seeds" / "reference" / "decision_reasons.csv").open(
        newline="", encoding="utf-8"
    ) as file:
        return {
            row["reason"]: Reason(row["reason"], int(row["rule"]), row["explanation"], row["remedy"])
            for row in csv.DictReader(file)
        }


def reason_of(name: str, known: Mapping[str, Reason]) -> Reason:
    """One reason; a campaign's own exclusions stand in no seed and speak for themselves."""
    return known.get(name) or Reason(name, OWN_RULE, name.replace("_", " "), "")
