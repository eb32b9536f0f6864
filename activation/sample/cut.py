"""The small sample: about 60 households as CSV, chosen so that each rule meets somebody."""

from __future__ import annotations

import shutil
from pathlib import Path

from activation.errors import ConfigurationError
from activation.home import Home, write_atomically
from activation.landing.contract import contract
from activation.landing.source import literal
from activation.sample.journey import ALWAYS, keep_households, open_journey, queries
from activation.settings import PROJECT

CUT = PROJECT / "seeds" / "sample"
LINES_SINCE = "2017-10-01"  # a year of lines would be six times as large

# What the cut leaves out beyond the households.
WHERE = {
    "shop.order_lines": (
        f"_loaded_at >= timestamp '{LINES_SINCE}' "
        f"or order_id in (select cast(basket_id as varchar) from baskets where household_id = {ALWAYS})"
    ),
    "shop.products": "product_id in (select product_id from cut_lines)",
    "web.events": "device_id not like 'device-unknown-%' or device_id = 'device-unknown-1'",
}


def copy_cut(home: Home, folder: Path = CUT) -> dict[str, int]:
    """Copy the cut into the inbox of ``home``; say how many rows of each table.

    Raises ``ConfigurationError`` where ``folder`` has no cut.
    """
    files = sorted(folder.glob("*__*.csv"))
    if not files:
        raise ConfigurationError(f"{folder} has no sample: write it with python -m activation.sample")
    counts: dict[str, int] = {}
    for file in files:
        name = file.stem.replace("__", ".")
        content = file.read_bytes()
        write_atomically(home.inbox / contract()[name].folder / "sample.csv", content)
        counts[name] = content.count(b"\n") - 1
    return counts


def write_cut(folder: Path = CUT) -> dict[str, int]:
    """Write the cut anew from the whole data; say how many rows of each table."""
    folder.mkdir(parents=True, exist_ok=True)
    spill = folder / ".spill"
    counts: dict[str, int] = {}
    with open_journey(spill) as connection:
        keep_households(connection, (Path(__file__).parent / "cut.sql").read_text(encoding="utf-8"))
        written = queries()
        connection.execute(
            f"create table cut_lines as from ({written['shop.order_lines']}) "
            f"where {WHERE['shop.order_lines']}"
        )
        for name, query in written.items():
            file = folder / f"{name.replace('.', '__')}.csv"
            chosen = f"select * from ({query}) where {WHERE.get(name, 'true')}"
            copied = connection.execute(
                f"copy ({chosen}) to {literal(str(file))} (format csv, header)"
            ).fetchone()
            counts[name] = int(copied[0]) if copied else 0
    shutil.rmtree(spill, ignore_errors=True)
    return counts
