"""CDNOW's customers, whose statistics and parameters are published: Fader, Hardie and Lee (2005)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path

import numpy as np

from activation.scores.likelihood import Vector

CALIBRATION_END = "1997-09-30"


@dataclass(frozen=True)
class Summary:
    """The published statistics, one row per customer: x, t_x and T in weeks to two digits, mean value."""

    x: Vector
    t_x: Vector
    age: Vector
    mean_value: Vector


def dataset(name: str) -> Path:
    """A file of the distribution `Lifetimes`, which is never imported."""
    (found,) = [file for file in files("Lifetimes") or [] if file.name == name]
    return Path(str(found.locate()))


def published_summary() -> Summary:
    with dataset("cdnow_customers_summary_with_transactions.csv").open(newline="") as file:
        rows = [[float(value) for value in row.values()] for row in csv.DictReader(file)]
    _, x, t_x, age, mean_value = np.array(rows).T
    return Summary(x, t_x, age, mean_value)


def transactions() -> list[tuple[str, str, str]]:
    """Customer (in the sample), day as 19970101, amount; in the order of the published summary."""
    lines = dataset("CDNOW_sample.txt").read_text().splitlines()
    return [(row[1], row[2], row[4]) for row in (line.split() for line in lines) if row]
